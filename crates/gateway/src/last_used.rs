//! When access keys were last used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_base::Timestamp;
use landfall_services::iam::{access_key_needs_touch, touch_access_key};
use landfall_services::pipe::{Caller, Failure, Installation};

/// How often a key's row is looked at, in seconds: a client that changes between services must not cause a write for
/// each call.
const PERIOD: i64 = 60;

/// Most keys remembered.
const LIMIT: usize = 10_000;

/// Notes the use of access keys, without anybody waiting for it.
#[derive(Debug, Default)]
pub(crate) struct LastUsed {
    looked: Mutex<HashMap<String, Timestamp>>,
}

impl LastUsed {
    /// A key signed a call to a service.
    pub(crate) fn note(&self, installation: &Arc<Installation>, caller: &Caller, service: &'static str) {
        let now = installation.clock.now();
        if caller.session.is_some() || !self.is_due(&caller.access_key_id, now) {
            return;
        }
        let (key, region) = (caller.access_key_id.clone(), caller.region.clone());
        let view = installation.store.view();
        if !access_key_needs_touch(&view, &key, service, &region, now).unwrap_or(false) {
            return;
        }
        let installation = Arc::clone(installation);
        tokio::task::spawn_blocking(move || {
            let written = installation.store.write("note the use of an access key", |tx| {
                touch_access_key(tx, &key, service, &region, now).map_err(Failure::from)
            });
            if let Err(error) = written {
                tracing::warn!(%error, "the use of an access key was not noted");
            }
        });
    }

    fn is_due(&self, key: &str, now: Timestamp) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.get(key).is_some_and(|last| now < last.plus_seconds(PERIOD)) {
            return false;
        }
        if looked.len() >= LIMIT {
            looked.clear();
        }
        looked.insert(key.to_owned(), now);
        true
    }
}
