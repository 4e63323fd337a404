//! What is done behind the calls' backs: images expire, replicas are made, uploads that nobody goes on with, or whose repository is
//! gone, are closed.

use super::{lifecycle, replication};
use crate::pipe::Installation;

/// Does what is due. To be called on a timer; doing it twice does no harm. What cannot be done now is logged and done the
/// next time.
pub fn reconcile(installation: &Installation) {
    installation.layer_uploads.expire(installation.clock.now());
    if let Err(error) = installation.layer_uploads.close_orphans(&installation.store.view()) {
        tracing::warn!(%error, "uploads of repositories that are gone were not closed");
    }
    if let Err(error) = lifecycle::reconcile(installation) {
        tracing::warn!(%error, "lifecycle policies were not applied");
    }
    if let Err(error) = replication::reconcile(installation) {
        tracing::warn!(%error, "images were not replicated");
    }
}
