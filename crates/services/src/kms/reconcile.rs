//! Background work: keys whose waiting period is over are deleted, others get new material when it is time.

use landfall_base::Timestamp;
use landfall_store::{Tx, View, WriteError};

use super::keys;
use super::record::{DUE, KEYS, Key, KeyKey, RotationKind};
use crate::pipe::{Failure, Installation};

/// How many keys one transaction changes.
const BATCH: usize = 100;

/// Does what is due by the clock, and says for how many keys. To be called on a timer; doing it twice does no harm.
///
/// # Errors
/// A row cannot be read, the vault's, or the disk did not take the change.
pub fn reconcile(installation: &Installation) -> Result<usize, Failure> {
    let now = installation.clock.now();
    let mut done = 0;
    while !due(&installation.store.view(), now, 1)?.is_empty() {
        let written = installation.store.write("keys that are due", |tx| work_off(installation, tx, now));
        done += written.map_err(WriteError::flatten)?;
    }
    Ok(done)
}

/// The first keys that are due, at most so many.
fn due(view: &View, now: Timestamp, most: usize) -> Result<Vec<(Timestamp, KeyKey)>, Failure> {
    let mut due = Vec::new();
    for row in view.scan(&DUE, ()).take(most) {
        let ((due_at, account, region, id), _) = row?;
        if due_at > now {
            break;
        }
        due.push((due_at, (account, region, id)));
    }
    Ok(due)
}

fn work_off(installation: &Installation, tx: &mut Tx, now: Timestamp) -> Result<usize, Failure> {
    let due = due(tx, now, BATCH)?;
    for (due_at, place) in &due {
        let (account, region, id) = place;
        tx.delete(&DUE, &(*due_at, account, region, id.as_str()));
        match tx.get(&KEYS, place)? {
            Some(key) if key.deletion_at.is_some_and(|at| at <= now) => keys::remove(tx, place)?,
            Some(key) => rotate_if_due(installation, tx, place, &key, now)?,
            None => {}
        }
    }
    Ok(due.len())
}

fn rotate_if_due(
    installation: &Installation,
    tx: &mut Tx,
    place: &KeyKey,
    key: &Key,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut key = key.clone();
    if key.rotation.is_some_and(|rotation| rotation.next_at <= now) {
        keys::rotate(&installation.vault, &mut key, now, RotationKind::Automatic)?;
    }
    keys::put(tx, place, &key)
}
