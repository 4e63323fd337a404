//! Who is bringing which layer, and which layers are in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::Digest;

/// One download for each digest at a time. Whoever comes second waits, and looks again when the first is done: if that one
/// failed, the second tries with its own credential.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Digest, Weak<AsyncMutex<()>>>>);

impl Flights {
    fn lock_for(&self, digest: &Digest) -> Arc<AsyncMutex<()>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        if let Some(flight) = flights.get(digest).and_then(Weak::upgrade) {
            return flight;
        }
        let flight = Arc::new(AsyncMutex::new(()));
        flights.insert(digest.clone(), Arc::downgrade(&flight));
        flight
    }

    /// The right to bring `digest`, waited for if somebody else has it.
    pub(super) async fn take(&self, digest: &Digest) -> OwnedMutexGuard<()> {
        self.lock_for(digest).lock_owned().await
    }
}

/// How many hold each layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Pins(Arc<Mutex<HashMap<Digest, usize>>>);

impl Pins {
    /// Holds layers until the guard goes away.
    pub(super) fn hold(&self, digests: Vec<Digest>) -> PinGuard {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in &digests {
            *pins.entry(digest.clone()).or_default() += 1;
        }
        PinGuard { pins: self.clone(), digests }
    }

    /// Runs `action` if nobody holds `digest`, and lets nobody take hold of it meanwhile.
    pub(super) fn unless_pinned<T>(&self, digest: &Digest, action: impl FnOnce() -> T) -> Option<T> {
        let pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pins.contains_key(digest) { None } else { Some(action()) }
    }
}

/// Holds layers.
#[derive(Debug)]
pub(super) struct PinGuard {
    pins: Pins,
    digests: Vec<Digest>,
}

impl Drop for PinGuard {
    fn drop(&mut self) {
        let mut pins = self.pins.0.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in &self.digests {
            if let Some(count) = pins.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    pins.remove(digest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_free_when_the_last_holder_lets_go() {
        let (pins, digest) = (Pins::default(), Digest::of(b"x"));
        let first = pins.hold(vec![digest.clone(), digest.clone()]);
        let second = pins.hold(vec![digest.clone()]);
        drop(first);
        assert_eq!(pins.unless_pinned(&digest, || ()), None);
        drop(second);
        assert_eq!(pins.unless_pinned(&digest, || ()), Some(()));
    }
}
