//! Access keys of users. The secret is shown once, when the key is made, and kept sealed.

use std::sync::Arc;

use landfall_api::iam::error::{limit_exceeded_exception, no_such_entity_exception};
use landfall_base::{AccountId, Sensitive, Timestamp, random};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View};
use landfall_vault::Vault;

use super::entity::Target;
use super::record::{ACCESS_KEYS, AccessKey, MEMBERSHIPS, USER_ACCESS_KEYS, User, key_name, secret_context};
use crate::pipe::{Checked, Context, Failure, Permission};

/// The most access keys that one user may have.
const QUOTA: usize = 2;

/// An access key, with its secret.
#[derive(Debug)]
pub(super) struct NewKey {
    pub(super) id: String,
    pub(super) secret: Sensitive<String>,
}

/// The user that a call names, or the calling user.
///
/// # Errors
/// Nobody is named and the caller is no user.
pub(super) fn named_or_calling(
    cx: &Context<'_>,
    view: &View,
    name: Option<&str>,
) -> Result<Target<User>, Failure> {
    let name = name.or_else(|| cx.caller.principal.user_name()).ok_or_else(|| {
        let text = "Must specify userName when calling with non-User credentials";
        ServiceError::client("ValidationError", text)
    })?;
    Target::find(cx, view, name)
}

/// A check on the keys of the user that a call names, or of the calling user, whose path AWS then writes as `null`.
pub(super) fn permission(target: &Target<User>, action: &'static str, name: Option<&str>) -> Permission {
    let permission = target.permission(action);
    match name {
        Some(_) => permission,
        None => permission.shown_as(format!("user null{}", target.name)),
    }
}

/// Makes a key for a user.
///
/// # Errors
/// The user has two.
pub(super) fn create(
    tx: &mut Tx,
    vault: &Vault,
    now: Timestamp,
    account: &AccountId,
    user: &User,
) -> Result<NewKey, Failure> {
    let name = key_name(&user.name);
    if tx.count(&USER_ACCESS_KEYS, (account, name.as_str())) >= QUOTA {
        let text = format!("Cannot exceed quota for AccessKeysPerUser: {QUOTA}");
        return Err(limit_exceeded_exception(text).into());
    }
    let key = NewKey { id: format!("AKIA{}", random::base32(16)), secret: random::alphanumeric(40).into() };
    let row = AccessKey {
        account: account.clone(),
        user: user.name.clone(),
        user_id: user.id.clone(),
        secret: vault.seal(&secret_context(&key.id), key.secret.expose().as_bytes())?,
        active: true,
        created_at: now,
        last_used: None,
    };
    tx.put(&ACCESS_KEYS, key.id.as_str(), row);
    tx.put(&USER_ACCESS_KEYS, &(account, name.as_str(), key.id.as_str()), ());
    Ok(key)
}

/// The keys of a user, by id.
pub(super) fn of_user(
    view: &View,
    target: &Target<User>,
) -> Result<Vec<(String, Arc<AccessKey>)>, StoreError> {
    let mut keys = Vec::new();
    for row in view.scan(&USER_ACCESS_KEYS, target.key()) {
        let ((_, _, id), _) = row?;
        if let Some(key) = view.get(&ACCESS_KEYS, id.as_str())? {
            keys.push((id, key));
        }
    }
    Ok(keys)
}

/// Moves the keys and the groups of a user who gets a new name.
pub(super) fn rename(tx: &mut Tx, user: &Target<User>, name: &str) -> Result<(), Failure> {
    let (account, _) = user.key();
    let key = key_name(name);
    for (id, _) in of_user(tx, user)? {
        tx.delete(&USER_ACCESS_KEYS, &user.child_key(&id));
        tx.put(&USER_ACCESS_KEYS, &(account, key.as_str(), id.as_str()), ());
        tx.update(&ACCESS_KEYS, id.as_str(), |row| row.user = name.to_owned())?;
    }
    for ((_, _, group), _) in tx.list(&MEMBERSHIPS, user.key())? {
        tx.delete(&MEMBERSHIPS, &user.child_key(&group));
        tx.put(&MEMBERSHIPS, &(account, key.as_str(), group.as_str()), ());
    }
    Ok(())
}

/// One key of a user, to be changed.
#[derive(Debug)]
pub struct KeyOfUser {
    target: Target<User>,
    id: String,
}

impl KeyOfUser {
    /// Resolves a call about a key of the named or the calling user.
    pub(super) fn resolve(
        cx: &Context<'_>,
        view: &View,
        action: &'static str,
        user: Option<&str>,
        id: String,
    ) -> Result<Checked<Self>, Failure> {
        let target = named_or_calling(cx, view, user)?;
        let permission = permission(&target, action, user);
        Ok(Checked::one(Self { target, id }, permission))
    }

    /// Deletes it.
    pub(super) fn delete(&self, tx: &mut Tx) -> Result<(), Failure> {
        self.check(tx)?;
        tx.delete(&USER_ACCESS_KEYS, &self.target.child_key(&self.id));
        tx.delete(&ACCESS_KEYS, self.id.as_str());
        Ok(())
    }

    /// Switches it on or off.
    pub(super) fn set_active(&self, tx: &mut Tx, active: bool) -> Result<(), Failure> {
        self.check(tx)?;
        tx.update(&ACCESS_KEYS, self.id.as_str(), |key| key.active = active)?;
        Ok(())
    }

    fn check(&self, view: &View) -> Result<(), Failure> {
        self.target.existing()?;
        if view.contains(&USER_ACCESS_KEYS, &self.target.child_key(&self.id)) {
            return Ok(());
        }
        Err(missing(&self.id))
    }
}

/// There is no such key, or it is another user's.
pub(super) fn missing(id: &str) -> Failure {
    no_such_entity_exception(format!("The Access Key with id {id} cannot be found.")).into()
}
