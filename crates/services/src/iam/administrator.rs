//! The administrator of the installation: whose keys the commands of the machine's owner use.

use std::sync::Arc;

use landfall_base::{AccountId, Sensitive};
use landfall_store::{View, WriteError};

use super::access_keys;
use super::accounts::{ADMINISTRATOR, NewAdministrator, create_account};
use super::record::{
    ACCESS_KEYS, ACCOUNTS, AccessKey, USER_ACCESS_KEYS, USERS, User, key_name, secret_context,
};
use crate::pipe::{Failure, Installation};

/// The administrator of the first account with a working access key. The account is made at the first start.
///
/// # Errors
/// The user was deleted or has two inactive keys; a row cannot be read or written.
pub fn administrator(installation: &Installation) -> Result<NewAdministrator, Failure> {
    let account = &installation.default_account;
    let view = installation.store.view();
    if !view.contains(&ACCOUNTS, account) {
        let (vault, now) = (&installation.vault, installation.clock.now());
        let made = installation
            .store
            .write("create the first account", |tx| create_account(tx, vault, now, account));
        return made.map_err(WriteError::flatten);
    }
    let user = view.get(&USERS, &(account, key_name(ADMINISTRATOR).as_str()))?;
    let user = user
        .ok_or_else(|| Failure::internal(format!("user `{ADMINISTRATOR}` of account {account} is gone")))?;
    match active_key(&view, account, &user)? {
        Some((id, key)) => Ok(NewAdministrator {
            secret_access_key: unseal(installation, &id, &key)?,
            access_key_id: id,
            user_arn: user.arn.clone(),
        }),
        None => new_key(installation, account, &user),
    }
}

fn active_key(
    view: &View,
    account: &AccountId,
    user: &User,
) -> Result<Option<(String, Arc<AccessKey>)>, Failure> {
    for row in view.scan(&USER_ACCESS_KEYS, (account, key_name(&user.name).as_str())) {
        let ((_, _, id), _) = row?;
        if let Some(key) =
            view.get(&ACCESS_KEYS, id.as_str())?.filter(|key| key.active && key.user_id == user.id)
        {
            return Ok(Some((id, key)));
        }
    }
    Ok(None)
}

fn unseal(installation: &Installation, id: &str, key: &AccessKey) -> Result<Sensitive<String>, Failure> {
    let secret = installation.vault.unseal(&secret_context(id), &key.secret)?;
    String::from_utf8(secret.into_exposed()).map(Sensitive::new).map_err(Failure::internal)
}

fn new_key(
    installation: &Installation,
    account: &AccountId,
    user: &User,
) -> Result<NewAdministrator, Failure> {
    let (vault, now) = (&installation.vault, installation.clock.now());
    let made = installation
        .store
        .write("make a key for the administrator", |tx| access_keys::create(tx, vault, now, account, user));
    let key = made.map_err(WriteError::flatten)?;
    Ok(NewAdministrator { access_key_id: key.id, secret_access_key: key.secret, user_arn: user.arn.clone() })
}
