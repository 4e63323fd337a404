//! Authorization tokens: who asked for one, sealed. Nothing is stored.
//!
//! The principal is named by its unique id, as in session tokens: a token of a user who was deleted is good for nobody. What
//! the principal may do is asked at every request, so a permission that is withdrawn is gone before the token is.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_base::{AccountId, Sensitive, Timestamp};
use landfall_iam::Principal;
use landfall_store::View;
use landfall_vault::{Sealed, Vault};
use serde::{Deserialize, Serialize};

use crate::ec2::Way;
use crate::pipe::{Caller, Failure, Installation, SessionFacts, SessionPolicyText, Unsaid};
use crate::sts::principal_exists;

/// What tokens are bound to when sealed.
const CONTEXT: [(&str, &str); 1] = [("Purpose", "EcrAuthorizationToken")];

/// How long a token is good for: 12 hours.
pub(super) const LIFETIME: i64 = 12 * 3600;

/// Why a password stands for nobody.
#[derive(Debug)]
pub enum TokenError {
    /// It is no token of this installation, it was changed, or its principal does not exist any more.
    Invalid,
    /// Its 12 hours are over.
    Expired,
    /// Something of ours broke.
    Internal(Failure),
}

#[derive(Serialize, Deserialize)]
struct Token {
    principal: Principal,
    account: AccountId,
    access_key_id: String,
    expires_at: Timestamp,
    #[serde(default)]
    session: Option<Session>,
    /// How requests with it come: those of a task through the VPC endpoint of its subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    way: Option<Way>,
}

#[derive(Serialize, Deserialize)]
struct Session {
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    policies: Vec<SessionPolicyText>,
    #[serde(default)]
    tags: Vec<(String, String)>,
    #[serde(default)]
    transitive: Vec<String>,
    #[serde(default)]
    source_identity: Option<String>,
    #[serde(default)]
    mfa: bool,
    #[serde(default)]
    parent: Option<Principal>,
}

impl Session {
    fn of(facts: &SessionFacts) -> Self {
        Self {
            issued_at: facts.issued_at,
            expires_at: facts.expires_at,
            policies: facts.policies.iter().map(SessionPolicyText::from).collect(),
            tags: facts.tags.clone(),
            transitive: facts.transitive.clone(),
            source_identity: facts.source_identity.clone(),
            mfa: facts.mfa,
            parent: facts.parent.clone(),
        }
    }

    /// `None` if a policy does not compile: such a token is never made, so it is refused rather than read as no policy.
    fn facts(self) -> Option<SessionFacts> {
        Some(SessionFacts {
            policies: self.policies.iter().map(SessionPolicyText::compile).collect::<Option<_>>()?,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            tags: self.tags,
            transitive: self.transitive,
            source_identity: self.source_identity,
            mfa: self.mfa,
            parent: self.parent,
        })
    }
}

/// A password for `caller` that is good until `expires_at`. It has no colon: clients split at it.
pub(super) fn issue(
    vault: &Vault,
    caller: &Caller,
    expires_at: Timestamp,
) -> Result<Sensitive<String>, Failure> {
    let token = Token {
        principal: caller.principal.clone(),
        account: caller.account.clone(),
        access_key_id: caller.access_key_id.clone(),
        expires_at,
        session: caller.session.as_deref().map(Session::of),
        way: None,
    };
    seal(vault, &token)
}

/// The same password for a task whose pulls come through a VPC endpoint. The call that gives a token does not tell: on Fargate
/// it takes another way. `None` for what is no token of this installation.
///
/// # Errors
/// It cannot be sealed.
pub fn token_through(
    vault: &Vault,
    password: &Sensitive<String>,
    way: Way,
) -> Result<Option<Sensitive<String>>, Failure> {
    let Some(token) = open(vault, password.expose()) else { return Ok(None) };
    seal(vault, &Token { way: Some(way), ..token }).map(Some)
}

fn seal(vault: &Vault, token: &Token) -> Result<Sensitive<String>, Failure> {
    let plain = Sensitive::new(serde_json::to_vec(token).map_err(Failure::internal)?);
    let sealed = vault.seal(&CONTEXT, plain.expose())?;
    Ok(Sensitive::new(URL_SAFE_NO_PAD.encode(sealed.as_bytes())))
}

/// Who presents this password. The caller's Region is the installation's default one: see [`Caller::in_region`].
///
/// # Errors
/// See [`TokenError`].
pub fn token_caller(
    installation: &Installation,
    view: &View,
    password: &Sensitive<String>,
) -> Result<Caller, TokenError> {
    let token = open(&installation.vault, password.expose()).ok_or(TokenError::Invalid)?;
    if token.expires_at <= installation.clock.now() {
        return Err(TokenError::Expired);
    }
    let Token { principal, account, access_key_id, session, way, .. } = token;
    let session =
        session.map(|session| session.facts().ok_or(TokenError::Invalid)).transpose()?.map(Arc::new);
    let caller = Caller {
        principal,
        account,
        region: installation.default_region.clone(),
        access_key_id,
        session,
        source_ip: None,
        secure_transport: false,
        user_agent: None,
        unsaid: Unsaid::default(),
        planned: Vec::new(),
        via: Vec::new(),
        way: way.map(Arc::new),
    };
    match principal_exists(view, caller.policy_holder(), &caller.account) {
        Ok(true) => Ok(caller),
        Ok(false) => Err(TokenError::Invalid),
        Err(failure) => Err(TokenError::Internal(failure)),
    }
}

fn open(vault: &Vault, password: &str) -> Option<Token> {
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(password).ok()?).ok()?;
    let plain = vault.unseal(&CONTEXT, &sealed).ok()?;
    serde_json::from_slice(plain.expose()).ok()
}
