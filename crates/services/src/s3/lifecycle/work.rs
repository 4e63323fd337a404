//! Rules are applied: what is due is found in a snapshot and done in batches, each step only where nothing has changed since.

use landfall_base::Timestamp;
use landfall_store::{StoreError, Tx, View, WriteError};

use super::Lifecycle;
use super::rules::{Placed, Step, ends_upload, step};
use crate::pipe::{Failure, Installation};
use crate::s3::objects::{self, Condition, Found};
use crate::s3::record::{LIFECYCLES, UPLOADS, VERSIONS, Version};
use crate::s3::uploads;

/// How many steps are one write.
const BATCH: usize = 500;

/// Something that is due.
enum Due {
    Version { key: String, order: u64, step: Step },
    Upload { key: String, id: String },
}

/// Applies the rules of all buckets for which that has not been done today.
///
/// # Errors
/// A row cannot be read, or the disk did not take the change.
pub fn apply(installation: &Installation) -> Result<(), Failure> {
    let now = installation.clock.now();
    let view = installation.store.view();
    for row in view.scan(&LIFECYCLES, ()) {
        let (bucket, lifecycle) = row?;
        if lifecycle.is_due(now) {
            apply_to(installation, &view, &bucket, &lifecycle, now)?;
        }
    }
    Ok(())
}

fn apply_to(
    installation: &Installation,
    view: &View,
    bucket: &str,
    lifecycle: &Lifecycle,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut due = due_versions(view, bucket, lifecycle, now)?;
    due.extend(due_uploads(view, bucket, lifecycle, now)?);
    for batch in due.chunks(BATCH) {
        let written = installation.store.write("lifecycle", |tx| -> Result<(), Failure> {
            batch.iter().try_for_each(|due| take(tx, now, bucket, due))
        });
        written.map_err(WriteError::flatten)?;
    }
    let written = installation.store.write("lifecycle was applied", |tx| -> Result<(), Failure> {
        // Rules that were put meanwhile have not been.
        let same = |it: &Lifecycle| it.rules == lifecycle.rules && it.applied_at == lifecycle.applied_at;
        if tx.get(&LIFECYCLES, bucket)?.is_some_and(|it| same(&it)) {
            tx.put(&LIFECYCLES, bucket, Lifecycle { applied_at: Some(now), ..lifecycle.clone() });
        }
        Ok(())
    });
    written.map_err(WriteError::flatten)
}

fn due_versions(
    view: &View,
    bucket: &str,
    lifecycle: &Lifecycle,
    now: Timestamp,
) -> Result<Vec<Due>, StoreError> {
    let mut due = Vec::new();
    let mut of_key: Vec<Found> = Vec::new();
    let mut current = String::new();
    for row in view.scan(&VERSIONS, (bucket,)) {
        let ((_, key, order), version) = row?;
        if key != current {
            look(lifecycle, &current, &of_key, now, &mut due);
            of_key.clear();
            current = key;
        }
        of_key.push(Found { order, version });
    }
    look(lifecycle, &current, &of_key, now, &mut due);
    Ok(due)
}

/// Looks at all versions of a key, the newest of which comes first.
fn look(lifecycle: &Lifecycle, key: &str, versions: &[Found], now: Timestamp, due: &mut Vec<Due>) {
    let mut since = None;
    for (at, found) in versions.iter().enumerate() {
        let version: &Version = &found.version;
        let placed = Placed { key, version, since, newer: at.saturating_sub(1), alone: versions.len() == 1 };
        if let Some(step) = step(lifecycle, &placed, now) {
            due.push(Due::Version { key: key.to_owned(), order: found.order, step });
        }
        since = Some(version.modified_at);
    }
}

fn due_uploads(
    view: &View,
    bucket: &str,
    lifecycle: &Lifecycle,
    now: Timestamp,
) -> Result<Vec<Due>, StoreError> {
    let mut due = Vec::new();
    for row in view.scan(&UPLOADS, (bucket,)) {
        let ((_, key, id), upload) = row?;
        if ends_upload(lifecycle, &key, upload.initiated_at, now) {
            due.push(Due::Upload { key, id });
        }
    }
    Ok(due)
}

/// Takes one step, unless what it is about is gone, or something newer is there that the step would hit.
fn take(tx: &mut Tx, now: Timestamp, bucket: &str, due: &Due) -> Result<(), Failure> {
    match due {
        Due::Upload { key, id } => {
            let place = (bucket, key.as_str(), id.as_str());
            if tx.contains(&UPLOADS, &place) { uploads::abort(tx, now, place) } else { Ok(()) }
        }
        Due::Version { key, order, step } => {
            let Some(version) = tx.get(&VERSIONS, &(bucket, key.as_str(), *order))? else { return Ok(()) };
            let newest = objects::newest(tx, bucket, key)?.is_some_and(|found| found.order == *order);
            let place = (bucket, key.as_str());
            match step {
                Step::Expire if newest => {
                    objects::delete(tx, now, place, None, &Condition::default()).map(drop)
                }
                Step::Expire => Ok(()),
                Step::Remove => {
                    objects::delete(tx, now, place, Some(&version.id), &Condition::default()).map(drop)
                }
                Step::Move(class) => {
                    let mut version = Version::clone(&version);
                    if let Some(object) = &mut version.object {
                        object.attributes.storage_class = Some(class.clone());
                    }
                    tx.put(&VERSIONS, &(bucket, key.as_str(), *order), version);
                    Ok(())
                }
            }
        }
    }
}
