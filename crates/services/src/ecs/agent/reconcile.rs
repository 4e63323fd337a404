//! What is due by the clock: rows of tasks that were over long ago go, with their traces and delivery counts.

use landfall_base::Timestamp;
use landfall_store::{StoreError, Tx, WriteError};

use super::deliver::DELIVERED_EVENTS;
use crate::ecs::node;
use crate::pipe::Installation;

/// Removes what has expired. Meant to be called every minute or so; what fails is logged and done the next time.
pub fn reconcile(installation: &Installation) {
    let now = installation.clock.now();
    let written = installation.store.write("expire stopped tasks", |tx| expire(tx, now));
    if let Err(error) = written.map_err(WriteError::flatten) {
        tracing::warn!(%error, "old tasks were not cleaned up");
    }
}

fn expire(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    if node::expire(tx, now)? == 0 {
        return Ok(());
    }
    for ((task, container), _) in tx.list(&DELIVERED_EVENTS, ())? {
        if node::task_by_arn(tx, &task)?.is_none() {
            tx.delete(&DELIVERED_EVENTS, &(task.as_str(), container.as_str()));
        }
    }
    Ok(())
}
