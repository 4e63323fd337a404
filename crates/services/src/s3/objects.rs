//! Objects and their versions, as changes of rows.

use std::sync::Arc;

use landfall_base::{Timestamp, random};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View};

use super::record::{BUCKETS, Bucket, CURRENT, Content, GARBAGE, Object, VERSIONS, Version, Versioning};
use super::{access, error};
use crate::pipe::Failure;

/// The id of versions that were put while none were kept.
pub const NULL: &str = "null";

/// What must be so for a write to happen.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    /// The ETag that the object must have; `*` for any.
    pub if_match: Option<String>,
    /// `*`: there must be no object.
    pub if_none_match: Option<String>,
}

/// A version and where it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its place among the versions of its key.
    pub order: u64,
    /// The version.
    pub version: Arc<Version>,
}

/// The newest version of a key, delete markers included.
///
/// # Errors
/// A row cannot be read.
pub fn newest(view: &View, bucket: &str, key: &str) -> Result<Option<Found>, StoreError> {
    let first = view.scan(&VERSIONS, (bucket, key)).next().transpose()?;
    Ok(first.map(|((_, _, order), version)| Found { order, version }))
}

/// A version by its id; without one, the newest.
///
/// # Errors
/// A row cannot be read.
pub fn find(view: &View, bucket: &str, key: &str, id: Option<&str>) -> Result<Option<Found>, StoreError> {
    let Some(id) = id else { return newest(view, bucket, key) };
    if let Some(order) = order_of(id) {
        let version = view.get(&VERSIONS, &(bucket, key, order))?.filter(|version| version.id == id);
        return Ok(version.map(|version| Found { order, version }));
    }
    for row in view.scan(&VERSIONS, (bucket, key)) {
        let ((_, _, order), version) = row?;
        if version.id == id {
            return Ok(Some(Found { order, version }));
        }
    }
    Ok(None)
}

/// Ids begin with the place of the version, so that one is found without looking at the others.
fn new_id(order: u64) -> String {
    format!("{order:016x}{}", random::alphanumeric(16))
}

/// The place in a version's id; `None` if it cannot be one of ours, or is `null`.
fn order_of(id: &str) -> Option<u64> {
    if id.len() != 32 { None } else { u64::from_str_radix(id.get(..16)?, 16).ok() }
}

/// The next place for a key: before all others.
fn next_order(view: &View, bucket: &str, key: &str, now: Timestamp) -> Result<u64, StoreError> {
    let clock = u64::MAX - (now.millis().max(0).unsigned_abs() << 10);
    Ok(match newest(view, bucket, key)? {
        Some(found) if found.order <= clock => found.order.saturating_sub(1),
        _ => clock,
    })
}

/// Whether a write may happen.
///
/// # Errors
/// `PreconditionFailed`, `NoSuchKey`
pub fn check_condition(view: &View, bucket: &str, key: &str, condition: &Condition) -> Result<(), Failure> {
    if condition.if_match.is_none() && condition.if_none_match.is_none() {
        return Ok(());
    }
    let newest = newest(view, bucket, key)?;
    let current = newest.as_ref().and_then(|found| found.version.object.as_ref());
    if let Some(wanted) = &condition.if_match {
        let current = current.ok_or_else(|| missing(key, None))?;
        if wanted != "*" && *wanted != current.etag {
            return Err(error::unmet("If-Match").into());
        }
    }
    match (&condition.if_none_match, current) {
        (Some(unwanted), Some(current)) if unwanted == "*" || *unwanted == current.etag => {
            Err(error::unmet("If-None-Match").into())
        }
        _ => Ok(()),
    }
}

/// Puts an object. Says the id of its version if the bucket keeps versions.
///
/// # Errors
/// `NoSuchBucket`, `PreconditionFailed`
pub fn put(
    tx: &mut Tx,
    now: Timestamp,
    (bucket, key): (&str, &str),
    object: Object,
    condition: &Condition,
) -> Result<Option<String>, Failure> {
    let row = access::bucket(tx, bucket)?;
    check_condition(tx, bucket, key, condition)?;
    Ok(add(tx, now, &row, key, Some(object))?)
}

/// Adds a version; `None` is a delete marker.
fn add(
    tx: &mut Tx,
    now: Timestamp,
    bucket: &Bucket,
    key: &str,
    object: Option<Object>,
) -> Result<Option<String>, StoreError> {
    let name = bucket.name.as_str();
    let order = next_order(tx, name, key, now)?;
    let kept = bucket.versioning == Some(Versioning::Enabled);
    let id = if kept { new_id(order) } else { NULL.to_owned() };
    if !kept && let Some(old) = find(tx, name, key, Some(NULL))? {
        drop_version(tx, now, name, key, &old);
    }
    let is_object = object.is_some();
    let version = Version { id: id.clone(), modified_at: now, object, restored_until: None };
    tx.put(&VERSIONS, &(name, key, order), version);
    if is_object {
        tx.put(&CURRENT, &(name, key), order);
    } else {
        tx.delete(&CURRENT, &(name, key));
    }
    Ok(bucket.versioning.map(|_| id))
}

fn drop_version(tx: &mut Tx, now: Timestamp, bucket: &str, key: &str, found: &Found) {
    tx.delete(&VERSIONS, &(bucket, key, found.order));
    if let Some(object) = &found.version.object {
        discard(tx, now, &object.content);
    }
}

/// Files of a content are not needed any more. They go a while later: somebody may be reading them.
pub fn discard(tx: &mut Tx, now: Timestamp, content: &Content) {
    for piece in &content.pieces {
        tx.put(&GARBAGE, &(now, piece.id.as_str()), ());
    }
}

/// What a deletion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The id of the marker that was made, or of the version that was removed.
    pub version_id: Option<String>,
    /// A marker was made or removed.
    pub marker: bool,
}

/// Deletes a key: removes the object, or puts a delete marker on top where versions are kept. With an id, removes that
/// version for good.
///
/// # Errors
/// `NoSuchBucket`, `PreconditionFailed`
pub fn delete(
    tx: &mut Tx,
    now: Timestamp,
    (bucket, key): (&str, &str),
    id: Option<&str>,
    condition: &Condition,
) -> Result<Deleted, Failure> {
    let row = access::bucket(tx, bucket)?;
    check_condition(tx, bucket, key, condition)?;
    if let Some(id) = id {
        let Some(found) = find(tx, bucket, key, Some(id))? else {
            return Ok(Deleted { version_id: Some(id.to_owned()), marker: false });
        };
        drop_version(tx, now, bucket, key, &found);
        show_newest(tx, bucket, key)?;
        return Ok(Deleted { version_id: Some(id.to_owned()), marker: found.version.object.is_none() });
    }
    if row.versioning.is_some() {
        let id = add(tx, now, &row, key, None)?;
        return Ok(Deleted { version_id: id, marker: true });
    }
    if let Some(found) = find(tx, bucket, key, Some(NULL))? {
        drop_version(tx, now, bucket, key, &found);
        show_newest(tx, bucket, key)?;
    }
    Ok(Deleted::default())
}

/// After a version was removed, another one may be the newest.
fn show_newest(tx: &mut Tx, bucket: &str, key: &str) -> Result<(), StoreError> {
    match newest(tx, bucket, key)?.filter(|found| found.version.object.is_some()) {
        Some(found) => tx.put(&CURRENT, &(bucket, key), found.order),
        None => {
            tx.delete(&CURRENT, &(bucket, key));
        }
    }
    Ok(())
}

/// Sets the tags of a version.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed` for delete markers.
pub fn set_tags(
    tx: &mut Tx,
    (bucket, key): (&str, &str),
    id: Option<&str>,
    tags: Vec<(String, String)>,
) -> Result<Option<String>, Failure> {
    let versioned = tx.get(&BUCKETS, bucket)?.is_some_and(|row| row.versioning.is_some());
    let found = find(tx, bucket, key, id)?.ok_or_else(|| missing(key, id))?;
    let mut version = Version::clone(&found.version);
    let object = version.object.as_mut().ok_or_else(|| marker_error(key, id, "PUT"))?;
    object.attributes.tags = tags;
    let id = version.id.clone();
    tx.put(&VERSIONS, &(bucket, key, found.order), version);
    Ok(versioned.then_some(id))
}

/// What is said of a version that is not there.
pub fn missing(key: &str, id: Option<&str>) -> ServiceError {
    match id {
        Some(id) => error::about(error::about(error::no_such_version(), "Key", key), "VersionId", id),
        None => error::about(error::no_such_key(), "Key", key),
    }
}

/// What is said of a delete marker that is asked for.
pub fn marker_error(key: &str, id: Option<&str>, method: &str) -> ServiceError {
    let error = match id {
        Some(_) => {
            let error = error::about(error::method_not_allowed(), "Method", method);
            error::about(error::about(error, "ResourceType", "DeleteMarker"), "allow", "DELETE")
        }
        None => error::about(error::no_such_key(), "Key", key),
    };
    error::about(error, "x-amz-delete-marker", "true")
}
