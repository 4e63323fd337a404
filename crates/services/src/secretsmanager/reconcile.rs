//! Background work: secrets whose recovery window is over are removed.

use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::{Tx, View, WriteError};

use super::record::{DELETIONS, Deletion, SECRETS, SecretKey};
use super::versions::remove_secret;
use crate::pipe::{Failure, Installation};

/// How many secrets one transaction removes.
const BATCH: usize = 100;

/// Where a scheduled deletion is kept.
pub(super) fn deletion_key(
    deletion: Deletion,
    (account, region, name): &SecretKey,
) -> (Timestamp, AccountId, Region, String) {
    (deletion.due_at, account.clone(), region.clone(), name.clone())
}

/// Removes every secret whose recovery window is over and says how many. To be called on a timer; it is never told what
/// to do, and doing it twice does no harm.
///
/// # Errors
/// A row cannot be read or the disk did not take the change.
pub fn reconcile(installation: &Installation) -> Result<usize, Failure> {
    let now = installation.clock.now();
    let mut removed = 0;
    while !due(&installation.store.view(), now, 1)?.is_empty() {
        let written = installation.store.write("remove deleted secrets", |tx| remove_due(tx, now));
        removed += written.map_err(WriteError::flatten)?;
    }
    Ok(removed)
}

/// The first deletions that are due, at most so many.
fn due(view: &View, now: Timestamp, most: usize) -> Result<Vec<(Timestamp, SecretKey)>, Failure> {
    let mut due = Vec::new();
    for row in view.scan(&DELETIONS, ()).take(most) {
        let ((due_at, account, region, name), _) = row?;
        if due_at > now {
            break;
        }
        due.push((due_at, (account, region, name)));
    }
    Ok(due)
}

fn remove_due(tx: &mut Tx, now: Timestamp) -> Result<usize, Failure> {
    let due = due(tx, now, BATCH)?;
    for (due_at, key) in &due {
        let (account, region, name) = key;
        tx.delete(&DELETIONS, &(*due_at, account, region, name.as_str()));
        let secret = tx.get(&SECRETS, key)?;
        if let Some(secret) = secret.filter(|secret| secret.deletion.is_some_and(|it| it.due_at == *due_at)) {
            remove_secret(tx, key, &secret)?;
        }
    }
    Ok(due.len())
}
