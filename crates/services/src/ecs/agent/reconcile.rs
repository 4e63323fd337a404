//! What is due by the clock: rows of tasks that were over long ago go, with everything that belongs to them.

use landfall_store::WriteError;

use crate::ecs::node;
use crate::pipe::Installation;

/// Removes what has expired. Meant to be called every minute or so; what fails is logged and done the next time.
pub fn reconcile(installation: &Installation) {
    let now = installation.clock.now();
    let written = installation.store.write("expire stopped tasks", |tx| node::expire(tx, now));
    if let Err(error) = written.map_err(WriteError::flatten) {
        tracing::warn!(%error, "old tasks were not cleaned up");
    }
}
