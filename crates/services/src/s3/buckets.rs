//! Buckets, as changes of rows.

use std::sync::Arc;

use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::{Tx, View};

use super::record::{BUCKETS, BY_OWNER, Bucket, ENFORCED, LIFECYCLES, PublicAccess, VERSIONS};
use super::{access, error, names, policy, uploads};
use crate::pipe::Failure;

/// Makes a bucket. In us-east-1 it is no error to make one's own bucket again.
///
/// # Errors
/// `BucketAlreadyExists`, `BucketAlreadyOwnedByYou`, `InvalidBucketName`
pub fn create(
    tx: &mut Tx,
    now: Timestamp,
    owner: &AccountId,
    region: &Region,
    name: &str,
    ownership: Option<String>,
) -> Result<(), Failure> {
    if !names::is_bucket_name(name) {
        return Err(error::invalid_bucket_name().into());
    }
    if let Some(taken) = tx.get(&BUCKETS, name)? {
        return match (taken.owner == *owner, taken.region.as_str(), region.as_str()) {
            (true, "us-east-1", "us-east-1") => Ok(()),
            (true, ..) => Err(error::bucket_owned().into()),
            (false, ..) => Err(error::bucket_exists().into()),
        };
    }
    let bucket = Bucket {
        name: name.to_owned(),
        owner: owner.clone(),
        region: region.clone(),
        created_at: now,
        versioning: None,
        tags: Vec::new(),
        policy: None,
        public_access: Some(PublicAccess::ALL),
        encryption: Default::default(),
        encryption_set: false,
        cors: Vec::new(),
        ownership: Some(ownership.unwrap_or_else(|| ENFORCED.to_owned())),
    };
    tx.put(&BUCKETS, name, bucket);
    tx.put(&BY_OWNER, &(owner, name), ());
    Ok(())
}

/// Changes a bucket.
///
/// # Errors
/// `NoSuchBucket`, and what `change` says.
pub fn update(
    tx: &mut Tx,
    name: &str,
    change: impl FnOnce(&mut Bucket) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut bucket = Bucket::clone(Arc::as_ref(&access::bucket(tx, name)?));
    change(&mut bucket)?;
    tx.put(&BUCKETS, name, bucket);
    Ok(())
}

/// Removes an empty bucket.
///
/// # Errors
/// `NoSuchBucket`, `BucketNotEmpty`
pub fn delete(tx: &mut Tx, now: Timestamp, name: &str) -> Result<(), Failure> {
    let bucket = access::bucket(tx, name)?;
    if tx.scan(&VERSIONS, (name,)).next().is_some() {
        let versioned = bucket.versioning.is_some();
        return Err(if versioned { error::versions_left() } else { error::bucket_not_empty() }.into());
    }
    uploads::abort_all(tx, now, name)?;
    tx.delete(&BUCKETS, name);
    tx.delete(&LIFECYCLES, name);
    tx.delete(&BY_OWNER, &(&bucket.owner, name));
    Ok(())
}

/// Puts a policy on a bucket.
///
/// # Errors
/// `MalformedPolicy`; `AccessDenied` for a public one where those are blocked.
pub fn put_policy(tx: &mut Tx, name: &str, text: &str) -> Result<(), Failure> {
    let policy = policy::parse(tx, name, text)?;
    update(tx, name, |bucket| {
        if bucket.public_access.is_some_and(|block| block.block_policy) && policy::is_public(&policy) {
            return Err(error::public_policy().into());
        }
        bucket.policy = Some(Arc::new(policy));
        Ok(())
    })
}

/// A bucket's policy as S3 shows it.
///
/// # Errors
/// A row cannot be read.
pub fn shown_policy(view: &View, policy: &landfall_iam::Policy) -> Result<String, Failure> {
    Ok(crate::principals::shown(view, policy)?)
}

/// Whether the bucket's policy is public in S3's sense.
pub fn has_public_policy(bucket: &Bucket) -> bool {
    bucket.policy.as_deref().is_some_and(policy::is_public)
}

/// The buckets of an account.
///
/// # Errors
/// A row cannot be read.
pub fn of_owner(view: &View, owner: &AccountId) -> Result<Vec<Arc<Bucket>>, Failure> {
    let mut buckets = Vec::new();
    for row in view.scan(&BY_OWNER, (owner,)) {
        let ((_, name), ()) = row.map(|(key, _)| (key, ()))?;
        buckets.extend(view.get(&BUCKETS, name.as_str())?);
    }
    Ok(buckets)
}

/// Whose a bucket is, if there is one.
pub fn owner_of(view: &View, name: &str) -> Option<AccountId> {
    access::bucket(view, name).ok().map(|bucket| bucket.owner.clone())
}

/// Where a bucket is, if there is one: no secret.
pub fn region_of(view: &View, name: &str) -> Option<Region> {
    access::bucket(view, name).ok().map(|bucket| bucket.region.clone())
}
