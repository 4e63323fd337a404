//! Objects in an archive: they are not read before they were restored (User Guide, "Restoring an archived object"). Here all
//! bytes are on disk, so that an object is restored as soon as somebody asks for it, whatever the tier.

use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use landfall_store::Tx;

use super::lifecycle::midnight_after;
use super::record::{VERSIONS, Version};
use super::{error, objects};
use crate::pipe::Failure;

/// Classes whose objects are in an archive.
const ARCHIVES: [&str; 2] = ["DEEP_ARCHIVE", "GLACIER"];

/// The classes that an object in a bucket of general purpose can have.
const CLASSES: [&str; 8] = [
    "DEEP_ARCHIVE",
    "GLACIER",
    "GLACIER_IR",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "REDUCED_REDUNDANCY",
    "STANDARD",
    "STANDARD_IA",
];

/// Looks whether there is such a class.
///
/// # Errors
/// `InvalidStorageClass`
pub fn check_class(class: &str) -> Result<(), ServiceError> {
    if CLASSES.contains(&class) {
        return Ok(());
    }
    Err(error::about(error::invalid_storage_class(), "StorageClassRequested", class))
}

/// The archive that a version is in, restored or not.
fn archive_of(version: &Version) -> Option<&str> {
    Some(class_of(version)).filter(|class| ARCHIVES.contains(class))
}

fn class_of(version: &Version) -> &str {
    let attributes = version.object.as_ref().map(|object| &object.attributes);
    attributes.and_then(|attributes| attributes.storage_class.as_deref()).unwrap_or("STANDARD")
}

/// Until when a version is restored; `None` if it is not, or not any more.
pub fn restored_until(version: &Version, now: Timestamp) -> Option<Timestamp> {
    version.restored_until.filter(|until| *until > now)
}

/// Looks whether the bytes of a version can be read.
///
/// # Errors
/// `InvalidObjectState`
pub fn check_readable(version: &Version, now: Timestamp) -> Result<(), ServiceError> {
    match archive_of(version) {
        Some(class) if restored_until(version, now).is_none() => {
            Err(error::about(error::archived(), "StorageClass", class))
        }
        _ => Ok(()),
    }
}

/// Restores a version for some days. Says whether it was restored already, and now has another end.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed` for delete markers, `InvalidObjectState` for what is in no archive,
/// `InvalidArgument` for a tier that its archive does not have.
pub fn restore(
    tx: &mut Tx,
    now: Timestamp,
    (bucket, key): (&str, &str),
    id: Option<&str>,
    days: i32,
    tier: Option<&str>,
) -> Result<bool, Failure> {
    let found = objects::find(tx, bucket, key, id)?.ok_or_else(|| objects::missing(key, id))?;
    if found.version.object.is_none() {
        return Err(objects::marker_error(key, id, "POST").into());
    }
    let other = || error::about(error::not_archived(), "StorageClass", class_of(&found.version));
    let class = archive_of(&found.version).ok_or_else(other)?;
    if class == "DEEP_ARCHIVE" && tier == Some("Expedited") {
        return Err(error::invalid_argument("Retrieval option is not supported by this storage class").into());
    }
    let before = restored_until(&found.version, now).is_some();
    let version =
        Version { restored_until: Some(midnight_after(now, days)), ..Version::clone(&found.version) };
    tx.put(&VERSIONS, &(bucket, key, found.order), version);
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert!(check_class("STANDARD_IA").is_ok());
        for none in ["STANDARD2", "standard", "OUTPOSTS", ""] {
            assert_eq!(check_class(none).unwrap_err().code, "InvalidStorageClass", "{none}");
        }
    }
}
