//! What is done behind the calls' backs: events past their retention and journals of deleted streams are removed, and
//! the bytes of groups are counted.

use std::sync::Arc;

use landfall_base::Timestamp;
use landfall_store::{Tx, WriteError};

use super::names::GroupName;
use super::record::{DISCARDED, GROUPS, LogGroup, STREAMS, journal_id};
use super::rules::retention;
use crate::pipe::{Failure, Installation};

/// How long a deleted stream is remembered, in seconds: far longer than a PutLogEvents that began before the deletion
/// could still be writing.
const REMEMBERED: i64 = 3600;

/// How often a group's streams are gone through, in seconds: that touches a file of every stream.
const EVERY: i64 = 3600;

/// Removes what is no longer needed; may be called as often as one likes. What cannot be done now is logged and done the next time.
pub fn reconcile(installation: &Installation) {
    let now = installation.clock.now();
    for result in [forget_streams(installation, now), keep_groups(installation, now)] {
        if let Err(error) = result {
            tracing::warn!(%error, "logs were not cleaned up");
        }
    }
}

fn forget_streams(installation: &Installation, now: Timestamp) -> Result<(), Failure> {
    let discarded = installation.store.view().list(&DISCARDED, ())?;
    for (number, _) in &discarded {
        installation.journals.delete(&journal_id(*number)).map_err(Failure::internal)?;
    }
    let is_done = |at: Timestamp| at.plus_seconds(REMEMBERED) <= now;
    let done: Vec<u64> =
        discarded.into_iter().filter(|(_, row)| is_done(row.at)).map(|(number, _)| number).collect();
    if done.is_empty() {
        return Ok(());
    }
    write(installation, |tx| {
        for number in &done {
            tx.delete(&DISCARDED, number);
        }
        Ok(())
    })
}

fn keep_groups(installation: &Installation, now: Timestamp) -> Result<(), Failure> {
    for ((account, region, name), row) in installation.store.view().list(&GROUPS, ())? {
        if row.checked_at.is_some_and(|at| now < at.plus_seconds(EVERY)) {
            continue;
        }
        let group = GroupName { account, region, name };
        let bytes = keep_group(installation, &group, &row, now)?;
        note(installation, &group, bytes, now)?;
    }
    Ok(())
}

/// Removes expired events of a group and says how many bytes it has.
fn keep_group(
    installation: &Installation,
    group: &GroupName,
    row: &Arc<LogGroup>,
    now: Timestamp,
) -> Result<u64, Failure> {
    let cutoff = retention::cutoff(row.retention_days, now);
    let streams =
        installation.store.view().list(&STREAMS, (&group.account, &group.region, group.name.as_str()))?;
    let mut bytes = 0;
    for (_, stream) in streams {
        bytes += expire(installation, &stream.journal(), cutoff)?;
    }
    Ok(bytes)
}

fn expire(installation: &Installation, journal: &str, cutoff: Option<Timestamp>) -> Result<u64, Failure> {
    let stats = || installation.journals.stats(journal).map_err(Failure::internal);
    let before = stats()?;
    match cutoff.filter(|cutoff| before.first_event_time.is_some_and(|first| first < *cutoff)) {
        Some(cutoff) => {
            installation.journals.delete_before(journal, cutoff).map_err(Failure::internal)?;
            Ok(stats()?.bytes)
        }
        None => Ok(before.bytes),
    }
}

fn note(installation: &Installation, group: &GroupName, bytes: u64, now: Timestamp) -> Result<(), Failure> {
    write(installation, |tx| {
        let key = (&group.account, &group.region, group.name.as_str());
        tx.update(&GROUPS, &key, |row| {
            row.stored_bytes = bytes;
            row.checked_at = Some(now);
        })?;
        Ok(())
    })
}

fn write(
    installation: &Installation,
    body: impl FnOnce(&mut Tx) -> Result<(), Failure>,
) -> Result<(), Failure> {
    installation.store.write("logs reconcile", body).map_err(WriteError::flatten)
}
