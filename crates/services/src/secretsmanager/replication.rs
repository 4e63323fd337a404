//! Replication to other Regions. A replica is a secret of its own, under a key of its Region, with the name and the
//! suffix of its primary. A change of a primary queues its replicas in the same transaction; [`replicate`] then brings each
//! of them to the primary's state. It takes no input and begins again after a restart: what is queued is what is to be done.
//!
//! Who asks for a replica needs the permissions for the keys; later changes follow without asking again.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::Principal;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View, WriteError};

use super::encryption::{self, SERVICE, SealingKey};
use super::record::{
    BY_CREATION, REPLICATION_QUEUE, Replica, ReplicaState, SECRETS, Secret, SecretKey, VERSIONS, Version,
};
use super::value::SecretValue;
use super::versions;
use crate::kms::ensure_default_key;
use crate::pipe::{CallName, Caller, Context, Failure, Installation, Permission, is_allowed};

const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
const PRINCIPAL: &str = "secretsmanager.amazonaws.com";

/// What the audit log calls it when replicas follow their primary.
const REPLICATION: CallName = CallName::of::<api::ReplicateSecretToRegions>();

/// A row of the queue.
type Job = (AccountId, Region, String, Region);

/// What was done, or why not, in words for `StatusMessage`.
type Outcome<T> = Result<T, String>;

impl Replica {
    /// Whether it is to be brought to the primary's state.
    fn follows(&self) -> bool {
        !matches!(self.state, ReplicaState::Refused(_))
    }
}

/// Adds the condition keys of a request for replicas.
pub(super) fn with_keys(
    permission: Permission,
    replicas: Option<&[api::ReplicaRegionType]>,
    overwrite: Option<bool>,
) -> Permission {
    let permission = permission.with_some(
        "secretsmanager:ForceOverwriteReplicaSecret",
        overwrite.map(|overwrite| overwrite.to_string()),
    );
    let Some(replicas) = replicas else { return permission };
    let regions = replicas.iter().filter_map(|replica| replica.region.clone());
    permission.with_all("secretsmanager:AddReplicaRegions", regions)
}

/// Stores a secret that was changed. Its replicas follow.
pub(super) fn put(tx: &mut Tx, key: &SecretKey, secret: &mut Secret) {
    let (account, region, name) = key;
    for replica in secret.replicas.iter_mut().filter(|replica| replica.follows()) {
        replica.state = ReplicaState::InProgress;
        tx.put(&REPLICATION_QUEUE, &(account, region, name.as_str(), &replica.region), ());
    }
    tx.put(&SECRETS, key, &*secret);
}

/// Adds replicas to a secret, which the caller stores. One that is asked for again is made again, as after a failure.
///
/// # Errors
/// `InvalidParameterException` for Regions that cannot have a replica.
pub(super) fn add(
    cx: &Context<'_>,
    view: &View,
    key: &SecretKey,
    secret: &mut Secret,
    wanted: &[api::ReplicaRegionType],
    overwrite: bool,
) -> Result<(), Failure> {
    for region in regions(&key.1, &cx.installation.default_region, wanted)? {
        let named = wanted.iter().find(|it| it.region.as_deref() == Some(region.as_str()));
        let kms_key_id = named.and_then(|it| it.kms_key_id.clone());
        let state = match check_keys(cx, view, key, secret, &region, kms_key_id.as_deref())? {
            Ok(()) => ReplicaState::InProgress,
            Err(reason) => ReplicaState::Refused(reason),
        };
        secret.replicas.retain(|replica| replica.region != region);
        secret.replicas.push(Replica { region, kms_key_id, overwrite, state });
    }
    Ok(())
}

/// The Regions that are asked for: others of the same partition, each once, and such that there are. `home` is the
/// installation's own, which may have a name that AWS does not know.
fn regions(
    own: &Region,
    home: &Region,
    wanted: &[api::ReplicaRegionType],
) -> Result<Vec<Region>, ServiceError> {
    let invalid = || api::error::invalid_parameter_exception("Invalid replica region.");
    let mut regions: Vec<Region> = Vec::new();
    for replica in wanted {
        let region = replica.region.as_deref().and_then(|region| region.parse::<Region>().ok());
        let region = region.ok_or_else(invalid)?;
        let exists = region.is_of_aws() || region == *home;
        if !exists || region == *own || region.partition() != own.partition() || regions.contains(&region) {
            return Err(invalid());
        }
        regions.push(region);
    }
    Ok(regions)
}

/// Whether the caller may open what the secret holds and put it under the replica's key.
fn check_keys(
    cx: &Context<'_>,
    view: &View,
    key: &SecretKey,
    secret: &Secret,
    region: &Region,
    kms_key_id: Option<&str>,
) -> Result<Outcome<()>, Failure> {
    let there = cx.caller.in_region(region);
    let there = cx.as_caller(&there);
    let sealing = SealingKey::find(&there, view, &key.0, kms_key_id)?;
    let mut checks = Vec::new();
    for id in secret.stages.versions() {
        let Some(version) = versions::get(view, key, id)? else { continue };
        checks.extend(encryption::read_permission(cx, view, &secret.arn, id, &version)?);
    }
    let own = allowed(cx, view, &checks)?;
    let theirs = allowed(&there, view, &sealing.replication(&there, &arn_in(secret, region))?)?;
    Ok(if own && theirs { Ok(()) } else { Err(failed("Access to KMS is not allowed")) })
}

fn allowed(cx: &Context<'_>, view: &View, permissions: &[Permission]) -> Result<bool, Failure> {
    for permission in permissions {
        match is_allowed(cx, view, &api::SERVICE, permission) {
            Ok(()) => {}
            Err(Failure::Service(_)) => return Ok(false),
            Err(failure) => return Err(failure),
        }
    }
    Ok(true)
}

fn failed(reason: &str) -> String {
    format!("Replication failed: {}.", reason.trim_end_matches('.'))
}

/// The ARN of a secret's replica.
fn arn_in(secret: &Secret, region: &Region) -> Arn {
    let arn = &secret.arn;
    format!("arn:{}:secretsmanager:{region}:{}:{}", arn.partition(), arn.account(), arn.resource())
        .parse()
        .unwrap_or_else(|_| arn.clone())
}

/// The replica of a secret in a Region, if it is there. Another secret of the same name is none.
fn row_in(
    view: &View,
    (account, region, name): &SecretKey,
    secret: &Secret,
    there: &Region,
) -> Result<Option<(SecretKey, Arc<Secret>)>, StoreError> {
    let key = (account.clone(), there.clone(), name.clone());
    let row = view.get(&SECRETS, &key)?;
    let row = row.filter(|row| row.primary.as_ref() == Some(region) && row.arn == arn_in(secret, there));
    Ok(row.map(|row| (key, row)))
}

/// Removes replicas with their rows. Regions without one are passed over: a repeated call must succeed.
///
/// # Errors
/// A row cannot be read.
pub(super) fn remove(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    regions: &[String],
) -> Result<(), StoreError> {
    let (gone, kept) = std::mem::take(&mut secret.replicas)
        .into_iter()
        .partition(|replica| regions.iter().any(|region| *region == replica.region.as_str()));
    secret.replicas = kept;
    let gone: Vec<Replica> = gone;
    for replica in gone {
        forget(tx, key, &replica.region);
        if let Some((place, row)) = row_in(tx, key, secret, &replica.region)? {
            versions::remove_secret(tx, &place, &row)?;
        }
    }
    tx.put(&SECRETS, key, &*secret);
    Ok(())
}

fn forget(tx: &mut Tx, (account, region, name): &SecretKey, there: &Region) {
    tx.delete(&REPLICATION_QUEUE, &(account, region, name.as_str(), there));
}

/// Makes a replica a secret that stands alone.
///
/// # Errors
/// A row cannot be read.
pub(super) fn promote(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (account, there, name) = key;
    let Some(region) = secret.primary.take() else { return Ok(()) };
    let primary = (account.clone(), region, name.clone());
    if let Some(row) = tx.get(&SECRETS, &primary)?.filter(|row| arn_in(row, there) == secret.arn) {
        let mut row = Secret::clone(&row);
        row.replicas.retain(|replica| replica.region != *there);
        forget(tx, &primary, there);
        tx.put(&SECRETS, &primary, row);
    }
    secret.changed_at = now;
    tx.put(&SECRETS, key, &*secret);
    Ok(())
}

/// Tells the primary that a replica is under another key.
///
/// # Errors
/// A row cannot be read.
pub(super) fn note_key(tx: &mut Tx, key: &SecretKey, replica: &Secret) -> Result<(), StoreError> {
    let (account, there, name) = key;
    let Some(region) = &replica.primary else { return Ok(()) };
    let primary = (account, region, name.as_str());
    tx.update(&SECRETS, &primary, |row| {
        for entry in row.replicas.iter_mut().filter(|entry| entry.region == *there) {
            entry.kms_key_id.clone_from(&replica.kms_key_id);
        }
    })?;
    Ok(())
}

/// `ReplicationStatus`; `None` for a secret without replicas.
///
/// # Errors
/// The row of a replica cannot be read.
pub(super) fn status(
    view: &View,
    key: &SecretKey,
    secret: &Secret,
) -> Result<Option<Vec<api::ReplicationStatusType>>, StoreError> {
    let mut entries = Vec::new();
    for replica in &secret.replicas {
        let row = row_in(view, key, secret, &replica.region)?;
        entries.push(entry(replica, row.and_then(|(_, row)| row.accessed_on)));
    }
    Ok((!entries.is_empty()).then_some(entries))
}

fn entry(replica: &Replica, accessed_on: Option<Timestamp>) -> api::ReplicationStatusType {
    let (status, message) = match &replica.state {
        ReplicaState::InProgress => (api::StatusType::InProgress, None),
        ReplicaState::InSync => (api::StatusType::InSync, Some("Replication succeeded".to_owned())),
        ReplicaState::Failed(reason) | ReplicaState::Refused(reason) => {
            (api::StatusType::Failed, Some(reason.clone()))
        }
    };
    api::ReplicationStatusType {
        region: Some(replica.region.to_string()),
        kms_key_id: Some(replica.kms_key_id.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned())),
        status: Some(status),
        status_message: message,
        last_accessed_date: accessed_on,
    }
}

/// Brings every queued replica to its primary's state and says how many. What the disk or a damaged row keeps from it stays
/// queued.
///
/// # Errors
/// The queue cannot be read.
pub fn replicate(installation: &Installation) -> Result<usize, Failure> {
    let queued: Vec<Job> = installation
        .store
        .view()
        .scan(&REPLICATION_QUEUE, ())
        .map(|row| row.map(|(job, _)| job))
        .collect::<Result<_, _>>()?;
    let mut done = 0;
    for job in &queued {
        match installation.store.write("replicate a secret", |tx| follow(installation, tx, job)) {
            Ok(()) => done += 1,
            Err(error) => {
                let error = WriteError::flatten(error);
                tracing::warn!(%error, secret = %job.2, region = %job.3, "a secret was not replicated");
            }
        }
    }
    Ok(done)
}

fn follow(installation: &Installation, tx: &mut Tx, job: &Job) -> Result<(), Failure> {
    tx.delete(&REPLICATION_QUEUE, job);
    let (account, region, name, there) = job;
    let key = (account.clone(), region.clone(), name.clone());
    let Some(row) = tx.get(&SECRETS, &key)? else { return Ok(()) };
    let mut secret = Secret::clone(&row);
    let Some(replica) = secret.replicas.iter_mut().find(|it| it.region == *there && it.follows()) else {
        return Ok(());
    };
    replica.state = match copy(installation, tx, &key, &row, replica)? {
        Ok(()) => ReplicaState::InSync,
        Err(reason) => ReplicaState::Failed(reason),
    };
    // It was for the secret that was in the way.
    replica.overwrite &= replica.state != ReplicaState::InSync;
    tx.put(&SECRETS, &key, secret);
    Ok(())
}

/// The inner error is a reason that trying again at once would not mend. Nothing was written then.
fn copy(
    installation: &Installation,
    tx: &mut Tx,
    key: &SecretKey,
    secret: &Secret,
    replica: &Replica,
) -> Result<Outcome<()>, Failure> {
    let (account, region, name) = key;
    let (here, there) = (caller(account, region), caller(account, &replica.region));
    let (here, there) =
        (Context::new(installation, &here, REPLICATION), Context::new(installation, &there, REPLICATION));
    let place = (account.clone(), replica.region.clone(), name.clone());
    let before = row_in(tx, key, secret, &replica.region)?.map(|(_, row)| row);
    let in_the_way = if before.is_some() { None } else { tx.get(&SECRETS, &place)? };
    if in_the_way.as_ref().is_some_and(|other| !replica.overwrite || other.primary_region().is_some()) {
        let reason = format!("Secret name {name} already exists in region {}", replica.region);
        return Ok(Err(failed(&reason)));
    }
    let arn = arn_in(secret, &replica.region);
    let sealing = match usable_key(&there, tx, account, replica.kms_key_id.as_deref())? {
        Ok(sealing) => sealing,
        Err(reason) => return Ok(Err(reason)),
    };
    // Versions of another secret that is in the way may have the same ids.
    let kept = before.is_some().then_some(&place);
    let sealed = match seal_again((&here, &there), tx, (key, secret), (kept, &arn), &sealing)? {
        Ok(sealed) => sealed,
        Err(reason) => return Ok(Err(reason)),
    };
    if let Some(other) = in_the_way {
        versions::remove_secret(tx, &place, &other)?;
    }
    for (id, version) in sealed {
        tx.put(&VERSIONS, &(account, &replica.region, name.as_str(), id.as_str()), version);
    }
    for (id, _) in versions::list(tx, &place)? {
        if versions::get(tx, key, &id)?.is_none() {
            tx.delete(&VERSIONS, &(account, &replica.region, name.as_str(), id.as_str()));
        }
    }
    if matches!(sealing, SealingKey::Default) {
        ensure_default_key(&there, tx, (account, &replica.region), SERVICE)?;
    }
    let created_at = before.as_ref().map_or(there.now, |row| row.created_at);
    tx.put(&BY_CREATION, &(account, &replica.region, created_at, name.as_str()), ());
    let row = Secret {
        arn,
        kms_key_id: replica.kms_key_id.clone().filter(|_| !matches!(sealing, SealingKey::Default)),
        created_at,
        accessed_on: before.and_then(|row| row.accessed_on),
        deletion: None,
        primary: Some(region.clone()),
        replicas: Vec::new(),
        rotation: None,
        ..secret.clone()
    };
    tx.put(&SECRETS, &place, row);
    Ok(Ok(()))
}

/// Secrets Manager itself, in the Region of a secret.
fn caller(account: &AccountId, region: &Region) -> Caller {
    Caller::internal(Principal::service(PRINCIPAL), account.clone(), region.clone())
}

fn usable_key(
    cx: &Context<'_>,
    view: &View,
    account: &AccountId,
    kms_key_id: Option<&str>,
) -> Result<Outcome<SealingKey>, Failure> {
    let sealing = SealingKey::find(cx, view, account, kms_key_id)?;
    Ok(match sealing.check() {
        Ok(()) => Ok(sealing),
        Err(error) => Err(failed(&error.message)),
    })
}

/// The labelled versions that the replica does not have yet, under its key.
fn seal_again(
    (here, there): (&Context<'_>, &Context<'_>),
    view: &View,
    (key, secret): (&SecretKey, &Secret),
    (kept, arn): (Option<&SecretKey>, &Arn),
    sealing: &SealingKey,
) -> Result<Outcome<Vec<(String, Version)>>, Failure> {
    let mut sealed = Vec::new();
    for id in secret.stages.versions() {
        let there_already = kept.map(|place| versions::get(view, place, id)).transpose()?.flatten();
        if there_already.is_some_and(|version| sealing.is_of(&version)) {
            continue;
        }
        let Some(version) = versions::get(view, key, id)? else { continue };
        let value = match SecretValue::open(here, view, &secret.arn, id, &version) {
            Ok(value) => value,
            Err(Failure::Service(error)) => return Ok(Err(failed(&error.message))),
            Err(failure) => return Err(failure),
        };
        let again = match value.seal(there, sealing, arn, id) {
            Ok(again) => again,
            // A key that does not encrypt, for example.
            Err(Failure::Service(error)) => return Ok(Err(failed(&error.message))),
            Err(failure) => return Err(failure),
        };
        sealed.push((id.to_owned(), Version { created_at: version.created_at, ..again }));
    }
    Ok(Ok(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(regions: &[Option<&str>]) -> Vec<api::ReplicaRegionType> {
        let replica = |region: &Option<&str>| api::ReplicaRegionType {
            region: region.map(str::to_owned),
            kms_key_id: None,
        };
        regions.iter().map(replica).collect()
    }

    #[test]
    fn regions_of_replicas() {
        let (own, home): (Region, Region) = ("us-east-1".parse().unwrap(), "home-1".parse().unwrap());
        let cases: [(&[Option<&str>], bool); 8] = [
            (&[Some("us-east-2"), Some("eu-west-1")], true),
            (&[Some("us-east-1")], false),
            (&[Some("mars-1")], false),
            (&[Some("home-1")], true),
            (&[Some("us-east-2"), Some("us-east-2")], false),
            (&[Some("cn-north-1")], false),
            (&[Some("us-gov-west-1")], false),
            (&[None], false),
        ];
        for (named, fine) in cases {
            assert_eq!(regions(&own, &home, &wanted(named)).is_ok(), fine, "{named:?}");
        }
    }
}
