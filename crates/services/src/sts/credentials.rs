//! From an access key to its secret and its principal.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Sensitive};
use landfall_iam::Principal;
use landfall_store::View;

use super::token::Session;
use crate::iam::record::{ACCESS_KEYS, AccessKey, ROLES, USERS, key_name, secret_context};
use crate::pipe::{Failure, Installation, SessionFacts};
use crate::principals::present_arn;

/// What an access key stands for.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Proves a signature.
    pub secret: Sensitive<String>,
    /// Who signs with it.
    pub principal: Principal,
    /// The principal's account.
    pub account: AccountId,
    /// Of temporary credentials.
    pub session: Option<Arc<SessionFacts>>,
}

/// Why an access key stands for nobody.
#[derive(Debug)]
pub enum CredentialError {
    /// There is no such key, it is inactive, or its session token is not its own.
    Unknown,
    /// The session is over.
    Expired,
    /// Something of ours broke.
    Internal(Failure),
}

impl<E: Into<Failure>> From<E> for CredentialError {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

/// Finds what an access key stands for now.
///
/// # Errors
/// See [`CredentialError`].
pub fn find_credentials(
    installation: &Installation,
    view: &View,
    access_key_id: &str,
    session_token: Option<&Sensitive<String>>,
) -> Result<Credentials, CredentialError> {
    match session_token {
        Some(token) => temporary(installation, view, access_key_id, token),
        None => long_term(installation, view, access_key_id),
    }
}

fn long_term(
    installation: &Installation,
    view: &View,
    access_key_id: &str,
) -> Result<Credentials, CredentialError> {
    let key = view.get(&ACCESS_KEYS, access_key_id)?.filter(|key| key.active);
    let key = key.ok_or(CredentialError::Unknown)?;
    let user = view.get(&USERS, &(&key.account, key_name(&key.user).as_str()))?;
    let user = user.filter(|user| user.id == key.user_id).ok_or(CredentialError::Unknown)?;
    let arn: Arn = user.arn.parse().map_err(Failure::internal)?;
    Ok(Credentials {
        secret: unseal(installation, access_key_id, &key)?,
        principal: Principal::user(arn, &key.account, &user.id),
        account: key.account.clone(),
        session: None,
    })
}

fn unseal(installation: &Installation, id: &str, key: &AccessKey) -> Result<Sensitive<String>, Failure> {
    let secret = installation.vault.unseal(&secret_context(id), &key.secret)?;
    String::from_utf8(secret.into_exposed()).map(Sensitive::new).map_err(Failure::internal)
}

fn temporary(
    installation: &Installation,
    view: &View,
    access_key_id: &str,
    token: &Sensitive<String>,
) -> Result<Credentials, CredentialError> {
    let mut session = Session::open(&installation.vault, token.expose()).ok_or(CredentialError::Unknown)?;
    follow_rename(view, &mut session)?;
    if session.access_key_id != access_key_id || !still_there(view, &session)? {
        return Err(CredentialError::Unknown);
    }
    if session.expires_at <= installation.clock.now() {
        return Err(CredentialError::Expired);
    }
    Ok(Credentials {
        secret: session.secret_access_key.as_str().into(),
        principal: session.principal.clone(),
        account: session.account.clone(),
        session: Some(session.facts().ok_or(CredentialError::Unknown)?),
    })
}

/// Gives a session of a user the name that the user has now: it is the user's, not the name's.
fn follow_rename(view: &View, session: &mut Session) -> Result<(), Failure> {
    let user = session.parent.as_ref().unwrap_or(&session.principal);
    let Some((arn, id)) = user.arn().zip(user.user_id()).filter(|_| user.user_name().is_some()) else {
        return Ok(());
    };
    let Some(now) = present_arn(view, arn.as_str(), id)?.filter(|now| now != arn.as_str()) else {
        return Ok(());
    };
    let (id, now): (String, Arn) = (id.to_owned(), now.parse().map_err(Failure::internal)?);
    let renamed = Principal::user(now.clone(), &session.account, &id);
    if session.parent.is_none() {
        session.principal = renamed;
        return Ok(());
    }
    let name = session.principal.display().rsplit('/').next().unwrap_or_default();
    session.principal = Principal::federated_user(now, &session.account, id, name);
    session.parent = Some(renamed);
    Ok(())
}

/// Whether the principal of a session exists still, as the same one.
fn still_there(view: &View, session: &Session) -> Result<bool, Failure> {
    principal_exists(view, session.parent.as_ref().unwrap_or(&session.principal), &session.account)
}

/// Whether a principal that was sealed into a token exists still, as the same one.
///
/// # Errors
/// A row cannot be read.
pub fn principal_exists(view: &View, principal: &Principal, account: &AccountId) -> Result<bool, Failure> {
    let Some(id) = principal.user_id() else { return Ok(true) };
    if let Some(name) = principal.user_name() {
        return Ok(view.get(&USERS, &(account, key_name(name).as_str()))?.is_some_and(|user| user.id == id));
    }
    let role = principal.principal_arn().and_then(|arn| arn.resource().strip_prefix("role/"));
    let Some(path) = role else { return Ok(true) };
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let role_id = id.split(':').next();
    let role = view.get(&ROLES, &(account, key_name(name).as_str()))?;
    Ok(role.is_some_and(|role| Some(role.id.as_str()) == role_id))
}
