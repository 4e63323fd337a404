//! What IAM's quotas leave of a role and of a policy, for those who advise changes.

use landfall_base::{AccountId, Arn};
use landfall_iam::policy_size;
use landfall_store::{StoreError, View};

use super::attachments;
use super::entity::Entity;
use super::managed::{Managed, policy_arn, version_id};
use super::record::{ROLE_POLICIES, Role, key_name};
use super::roles::find_role;
use super::versions::{self, versions};

/// Room in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRoom {
    /// Characters that its inline policies may still have.
    pub inline: usize,
    /// Managed policies that can still be attached.
    pub attached: usize,
}

/// The room in a role, by its ARN or name; `None` if there is no such role.
///
/// # Errors
/// A row cannot be read.
pub fn role_room(view: &View, role: &str, account: &AccountId) -> Result<Option<RoleRoom>, StoreError> {
    let Some(role) = find_role(view, role, account)? else { return Ok(None) };
    let mut size = 0;
    for row in view.scan(&ROLE_POLICIES, (account, key_name(&role.name).as_str())) {
        size += policy_size(row?.1.policy.text());
    }
    Ok(Some(RoleRoom {
        inline: Role::INLINE_QUOTA.saturating_sub(size),
        attached: attachments::QUOTA.saturating_sub(role.attached.len()),
    }))
}

/// The version that has to go before a customer's policy can have another one: the oldest that is not in force.
///
/// # Errors
/// A row cannot be read.
pub fn version_in_the_way(view: &View, policy: &str) -> Result<Option<String>, StoreError> {
    let Ok(arn): Result<Arn, _> = policy_arn(policy) else { return Ok(None) };
    let Some(Managed::Customer(policy)) = Managed::find(view, arn.as_str())? else { return Ok(None) };
    let all = versions(view, &arn, &policy)?;
    let oldest = all.iter().map(|(number, _)| *number).find(|number| *number != policy.default_version);
    Ok(oldest.filter(|_| all.len() >= versions::QUOTA).map(version_id))
}
