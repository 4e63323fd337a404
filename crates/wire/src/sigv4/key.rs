//! Signing keys: derived once per credential, day, Region and service.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use landfall_base::Sensitive;
use zeroize::Zeroizing;

use super::{Claim, TERMINATOR};

/// Signing keys that are kept. At about 500 bytes each this is half a mebibyte.
const CAPACITY: usize = 1024;

/// Derives the key that signs for a day, Region and service.
pub(super) fn derive(secret: &Sensitive<String>, date: &str, region: &str, service: &str) -> hmac::Key {
    let first = Zeroizing::new(format!("AWS4{}", secret.expose()));
    let mut key = hmac::Key::new(HMAC_SHA256, first.as_bytes());
    for part in [date, region, service, TERMINATOR] {
        key = hmac::Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

/// The signing keys of late. Found by a hash over secret, access key, day, Region and service: a rotated secret finds
/// nothing, and the cache holds no secret and no name.
pub(super) struct KeyCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    keys: HashMap<[u8; 32], Entry>,
    /// Counts look-ups; an entry's age is the count at its last use.
    uses: u64,
}

struct Entry {
    key: Arc<hmac::Key>,
    used: u64,
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache")
    }
}

impl KeyCache {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The key for a claim, derived if it is not at hand.
    pub(super) fn get(&self, claim: &Claim, secret: &Sensitive<String>) -> Arc<hmac::Key> {
        let name = fingerprint(claim, secret);
        if let Some(key) = self.lock().find(&name) {
            return key;
        }
        let key = Arc::new(derive(secret, &claim.scope_date, &claim.region, &claim.service));
        self.lock().insert(name, Arc::clone(&key));
        key
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().keys.len()
    }
}

impl Entries {
    fn find(&mut self, name: &[u8; 32]) -> Option<Arc<hmac::Key>> {
        self.uses += 1;
        let entry = self.keys.get_mut(name)?;
        entry.used = self.uses;
        Some(Arc::clone(&entry.key))
    }

    fn insert(&mut self, name: [u8; 32], key: Arc<hmac::Key>) {
        if self.keys.len() >= CAPACITY {
            self.drop_oldest_quarter();
        }
        self.keys.insert(name, Entry { key, used: self.uses });
    }

    /// A quarter at a time, so that a full cache does not search for the oldest at every insertion.
    fn drop_oldest_quarter(&mut self) {
        let mut uses: Vec<u64> = self.keys.values().map(|entry| entry.used).collect();
        let (_, limit, _) = uses.select_nth_unstable(CAPACITY / 4);
        let limit = *limit;
        self.keys.retain(|_, entry| entry.used > limit);
    }
}

fn fingerprint(claim: &Claim, secret: &Sensitive<String>) -> [u8; 32] {
    let mut context = digest::Context::new(&SHA256);
    let parts = [secret.expose(), &claim.access_key_id, &claim.scope_date, &claim.region, &claim.service];
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    let mut name = [0; 32];
    name.copy_from_slice(context.finish().as_ref());
    name
}
