//! Session tokens: a session, sealed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::sts as api;
use landfall_base::{AccountId, Sensitive, Timestamp, random};
use landfall_iam::Principal;
use landfall_vault::{Sealed, Vault};
use serde::{Deserialize, Serialize};

use crate::pipe::{Failure, SessionFacts, SessionPolicyText};

/// What tokens are bound to when sealed.
const CONTEXT: [(&str, &str); 1] = [("Purpose", "SessionToken")];

/// A session as its token holds it.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    pub(super) principal: Principal,
    pub(super) account: AccountId,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    #[serde(default)]
    pub(super) policies: Vec<SessionPolicyText>,
    #[serde(default)]
    pub(super) tags: Vec<(String, String)>,
    #[serde(default)]
    pub(super) transitive: Vec<String>,
    #[serde(default)]
    pub(super) source_identity: Option<String>,
    #[serde(default)]
    pub(super) parent: Option<Principal>,
}

impl Session {
    /// A session of `principal` with new keys.
    pub(super) fn new(principal: Principal, account: AccountId, issued_at: Timestamp, seconds: i32) -> Self {
        Self {
            access_key_id: format!("ASIA{}", random::base32(16)),
            secret_access_key: random::alphanumeric(40),
            principal,
            account,
            issued_at,
            expires_at: issued_at.plus_seconds(seconds.into()),
            policies: Vec::new(),
            tags: Vec::new(),
            transitive: Vec::new(),
            source_identity: None,
            parent: None,
        }
    }

    /// The credentials that a client gets.
    pub(super) fn credentials(&self, vault: &Vault) -> Result<api::Credentials, Failure> {
        let plain = Sensitive::new(serde_json::to_vec(self).map_err(Failure::internal)?);
        let sealed = vault.seal(&CONTEXT, plain.expose())?;
        let token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).map_err(Failure::internal)?);
        Ok(api::Credentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.as_str().into(),
            session_token: Sensitive::new(token),
            expiration: self.expires_at,
        })
    }

    /// Opens a token; `None` if it is not one of ours, or was changed.
    pub(super) fn open(vault: &Vault, token: &str) -> Option<Self> {
        let sealed: Sealed = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let plain = vault.unseal(&CONTEXT, &sealed).ok()?;
        serde_json::from_slice(plain.expose()).ok()
    }

    /// The part of the session that authorization looks at. `None` if a session policy does not compile: such a token is
    /// never made, so it is refused rather than read as no policy.
    pub(super) fn facts(&self) -> Option<Arc<SessionFacts>> {
        Some(Arc::new(SessionFacts {
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            policies: self.policies.iter().map(SessionPolicyText::compile).collect::<Option<_>>()?,
            tags: self.tags.clone(),
            source_identity: self.source_identity.clone(),
            transitive: self.transitive.clone(),
            mfa: false,
            parent: self.parent.clone(),
        }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret_access_key);
    }
}
