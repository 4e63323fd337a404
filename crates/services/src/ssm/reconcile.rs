//! Background work: parameters that a policy lets expire are deleted.

use landfall_base::Timestamp;
use landfall_store::{Tx, View, WriteError};

use super::record::{EXPIRATIONS, PARAMETERS, ParameterKey};
use super::versions;
use crate::pipe::{Failure, Installation};

/// How many parameters one transaction removes.
const BATCH: usize = 100;

/// Deletes every parameter whose time is over and says how many. To be called on a timer; doing it twice does no harm.
///
/// # Errors
/// A row cannot be read or the disk did not take the change.
pub fn reconcile(installation: &Installation) -> Result<usize, Failure> {
    let now = installation.clock.now();
    let mut removed = 0;
    while !due(&installation.store.view(), now, 1)?.is_empty() {
        let written = installation.store.write("delete expired parameters", |tx| remove_due(tx, now));
        removed += written.map_err(WriteError::flatten)?;
    }
    Ok(removed)
}

fn due(view: &View, now: Timestamp, most: usize) -> Result<Vec<(Timestamp, ParameterKey)>, Failure> {
    let mut due = Vec::new();
    for row in view.scan(&EXPIRATIONS, ()).take(most) {
        let ((expires_at, account, region, name), ()) = row.map(|(key, _)| (key, ()))?;
        if expires_at > now {
            break;
        }
        due.push((expires_at, (account, region, name)));
    }
    Ok(due)
}

fn remove_due(tx: &mut Tx, now: Timestamp) -> Result<usize, Failure> {
    let due = due(tx, now, BATCH)?;
    for (expires_at, key) in &due {
        let (account, region, name) = key;
        tx.delete(&EXPIRATIONS, &(*expires_at, account, region, name.as_str()));
        let parameter = tx.get(&PARAMETERS, key)?;
        if let Some(parameter) = parameter.filter(|it| it.expires_at == Some(*expires_at)) {
            versions::remove(tx, key, &parameter)?;
        }
    }
    Ok(due.len())
}
