//! Roles, for the other services.

use std::sync::Arc;

use landfall_base::AccountId;
use landfall_store::{StoreError, View};

use super::entity::find_by_arn;
use super::record::{ROLES, Role, key_name};

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
