//! Roles, for the other services.

use std::sync::Arc;

use landfall_base::{AccountId, Arn};
use landfall_iam::Policy;
use landfall_store::{StoreError, View};

use super::entity::find_by_arn;
use super::record::{ROLE_POLICIES, ROLES, Role, key_name};

/// Finds a role by its exact ARN, or by its name in an account. ECS takes either as a task's role.
///
/// # Errors
/// The row cannot be read.
pub fn find_role(
    view: &View,
    arn_or_name: &str,
    account: &AccountId,
) -> Result<Option<Arc<Role>>, StoreError> {
    if arn_or_name.starts_with("arn:") {
        return find_by_arn(view, arn_or_name);
    }
    view.get(&ROLES, &(account, key_name(arn_or_name).as_str()))
}

/// An inline policy of a role, by the role's ARN or its name in an account, and the policy's name.
///
/// # Errors
/// A row cannot be read.
pub fn role_policy(
    view: &View,
    role: &str,
    account: &AccountId,
    name: &str,
) -> Result<Option<Arc<Policy>>, StoreError> {
    let Some(role) = find_role(view, role, account)? else { return Ok(None) };
    let account = role.arn.parse::<Arn>().ok().and_then(|arn| arn.account_id());
    let Some(account) = account else { return Ok(None) };
    let row = view.get(&ROLE_POLICIES, &(&account, key_name(&role.name).as_str(), name))?;
    Ok(row.map(|row| Arc::clone(&row.policy)))
}
