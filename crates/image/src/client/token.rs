//! What a registry let us in with, kept for as long as it is good (Distribution "Token Authentication Specification").

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{Sensitive, random};
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::{Credential, Digest};

/// A token without `expires_in` is good for this long.
const DEFAULT_LIFE: u64 = 60;
/// Longest that a token is kept: a revoked credential must not live on in it.
const MAX_LIFE: u64 = 300;
/// A token is given up this early, so that it does not expire on its way.
const MARGIN: u64 = 5;
/// Most grants kept.
const CAPACITY: usize = 1024;

/// How a registry wants to be asked.
#[derive(Clone)]
pub(super) enum Grant {
    /// With the credential itself.
    Basic,
    /// With a token.
    Bearer(Sensitive<String>),
}

impl Grant {
    /// The `Authorization` value; `None` if the parts cannot stand in a header.
    pub(super) fn header(&self, credential: Option<&Credential>) -> Option<HeaderValue> {
        let mut value = match self {
            Self::Basic => basic(credential?)?,
            Self::Bearer(token) => HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?,
        };
        value.set_sensitive(true);
        Some(value)
    }
}

/// `Basic …` (RFC 7617).
pub(super) fn basic(credential: &Credential) -> Option<HeaderValue> {
    let pair = Sensitive::new(format!("{}:{}", credential.username, credential.password.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.expose()))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Who asks whom for what. Two tasks with different credentials never share a grant.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct GrantKey {
    host: String,
    scope: String,
    asker: Digest,
}

impl GrantKey {
    pub(super) fn new(host: &str, scope: &str, credential: Option<&Credential>) -> Self {
        Self { host: host.to_owned(), scope: scope.to_owned(), asker: fingerprint(credential) }
    }
}

/// Tells credentials apart without keeping them. Salted, so that it is worth nothing outside of this process.
fn fingerprint(credential: Option<&Credential>) -> Digest {
    static SALT: OnceLock<[u8; 32]> = OnceLock::new();
    let mut bytes = SALT.get_or_init(random::bytes::<32>).to_vec();
    if let Some(credential) = credential {
        bytes.extend_from_slice(&(credential.username.len() as u64).to_be_bytes());
        bytes.extend_from_slice(credential.username.as_bytes());
        bytes.extend_from_slice(credential.password.expose().as_bytes());
    }
    Digest::of(Sensitive::new(bytes).expose())
}

/// The grants in use.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<HashMap<GrantKey, (Grant, Instant)>>);

impl TokenCache {
    pub(super) fn get(&self, key: &GrantKey) -> Option<Grant> {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(key).filter(|(_, until)| *until > Instant::now()).map(|(grant, _)| grant.clone())
    }

    pub(super) fn put(&self, key: GrantKey, grant: Grant, life: Duration) {
        let now = Instant::now();
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= CAPACITY {
            grants.retain(|_, (_, until)| *until > now);
        }
        if grants.len() >= CAPACITY {
            grants.clear();
        }
        grants.insert(key, (grant, now + life));
    }

    pub(super) fn forget(&self, key: &GrantKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// How long it is remembered that a registry wants Basic.
pub(super) const BASIC_LIFE: Duration = Duration::from_secs(MAX_LIFE);

/// A token server's answer.
#[derive(Deserialize)]
struct TokenDocument {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Reads a token server's answer: the token and for how long to keep it.
pub(super) fn read_token(body: &[u8]) -> Option<(Sensitive<String>, Duration)> {
    let document: TokenDocument = serde_json::from_slice(body).ok()?;
    let token = document.token.filter(|token| !token.is_empty()).or(document.access_token)?;
    let life = document.expires_in.unwrap_or(DEFAULT_LIFE).min(MAX_LIFE).saturating_sub(MARGIN);
    Some((Sensitive::new(token), Duration::from_secs(life)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_answers_of_both_spellings_are_read() {
        let cases = [
            (r#"{"token":"a","expires_in":300}"#, Some(("a", 295))),
            (r#"{"access_token":"b"}"#, Some(("b", 55))),
            (r#"{"token":"","access_token":"c","expires_in":86400}"#, Some(("c", 295))),
            (r#"{"token":"d","expires_in":1}"#, Some(("d", 0))),
            ("{}", None),
            ("<html>", None),
        ];
        for (body, expected) in cases {
            let read = read_token(body.as_bytes());
            let plain = read.as_ref().map(|(token, life)| (token.expose().as_str(), life.as_secs()));
            assert_eq!(plain, expected, "{body}");
        }
    }

    #[test]
    fn grants_belong_to_one_credential_host_and_scope() {
        let cache = TokenCache::default();
        let (alice, bob) = (Credential::new("a", "lice"), Credential::new("al", "ice"));
        let key = GrantKey::new("h", "s", Some(&alice));
        cache.put(key.clone(), Grant::Basic, Duration::from_secs(60));
        assert!(cache.get(&key).is_some());
        for other in [
            GrantKey::new("h", "s", Some(&bob)),
            GrantKey::new("h", "s", None),
            GrantKey::new("h2", "s", Some(&alice)),
            GrantKey::new("h", "s2", Some(&alice)),
        ] {
            assert!(cache.get(&other).is_none());
        }
        cache.put(key.clone(), Grant::Basic, Duration::ZERO);
        assert!(cache.get(&key).is_none());
    }
}
