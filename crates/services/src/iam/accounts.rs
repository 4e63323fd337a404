//! Accounts of the installation and their first user.

use std::sync::Arc;

use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::{AccountId, Sensitive, Timestamp, random};
use landfall_store::{StoreError, Tx, View};
use landfall_vault::Vault;

use super::access_keys;
use super::entity::arn_of;
use super::record::{ACCOUNTS, ALIASES, Account, USERS, User, key_name};
use crate::pipe::Failure;

/// The name of the user that every account begins with.
pub(super) const ADMINISTRATOR: &str = "administrator";

/// What makes the administrator one.
const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The first user of a new account. The secret is not shown again.
#[derive(Debug)]
pub struct NewAdministrator {
    /// `AKIA…`
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: Sensitive<String>,
    /// `arn:aws:iam::…:user/administrator`
    pub user_arn: String,
}

/// Makes an account, with a user `administrator` who may do everything in it and has an access key.
///
/// # Errors
/// `EntityAlreadyExists` if there is the account; the vault cannot seal.
pub fn create_account(
    tx: &mut Tx,
    vault: &Vault,
    now: Timestamp,
    account: &AccountId,
) -> Result<NewAdministrator, Failure> {
    if tx.contains(&ACCOUNTS, account) {
        return Err(entity_already_exists_exception(format!("Account {account} already exists.")).into());
    }
    tx.put(&ACCOUNTS, account, Account { created_at: now });
    let user = User {
        name: ADMINISTRATOR.to_owned(),
        path: "/".to_owned(),
        id: format!("AIDA{}", random::base32(17)),
        arn: arn_of::<User>(account, "/", ADMINISTRATOR).to_string(),
        created_at: now,
        attached: vec![ADMINISTRATOR_ACCESS.to_owned()],
        boundary: None,
        tags: Vec::new(),
    };
    tx.put(&USERS, &(account, key_name(ADMINISTRATOR).as_str()), &user);
    let key = access_keys::create(tx, vault, now, account, &user)?;
    Ok(NewAdministrator { access_key_id: key.id, secret_access_key: key.secret, user_arn: user.arn })
}

/// The alias of an account.
pub(super) fn alias_of(view: &View, account: &AccountId) -> Result<Option<String>, StoreError> {
    for row in view.scan(&ALIASES, ()) {
        let (alias, owner) = row?;
        if *owner == *account {
            return Ok(Some(alias));
        }
    }
    Ok(None)
}

/// Every account, by id.
///
/// # Errors
/// A row cannot be read.
pub fn accounts(view: &View) -> Result<Vec<(AccountId, Arc<Account>)>, StoreError> {
    view.list(&ACCOUNTS, ())
}
