//! The policies that sit on resources, by ARN: trust policies of roles, policies of secrets.

use std::sync::Arc;

use landfall_base::{AccountId, Arn};
use landfall_iam::Policy;
use landfall_store::{StoreError, View};

use crate::iam::find_role;
use crate::secretsmanager::record::{SECRETS, Secret};

/// A resource's policy.
#[derive(Debug)]
pub(super) struct ResourcePolicy {
    pub(super) policy: Arc<Policy>,
    pub(super) owner: AccountId,
    /// It is a role's trust policy: without its consent nothing is allowed.
    pub(super) role_trust: bool,
}

/// The policy of a resource, if there is the resource and it has one.
///
/// # Errors
/// A row cannot be read.
pub(super) fn policy_of_resource(view: &View, arn: &Arn) -> Result<Option<ResourcePolicy>, StoreError> {
    let Some(owner) = arn.account_id() else { return Ok(None) };
    match arn.service() {
        "iam" => {
            let role = find_role(view, arn.as_str(), &owner)?;
            Ok(role.map(|role| ResourcePolicy { policy: Arc::clone(&role.trust), owner, role_trust: true }))
        }
        "secretsmanager" => {
            let policy = secret(view, arn, &owner)?.and_then(|secret| secret.policy.clone());
            Ok(policy.map(|policy| ResourcePolicy { policy, owner, role_trust: false }))
        }
        _ => Ok(None),
    }
}

fn secret(view: &View, arn: &Arn, owner: &AccountId) -> Result<Option<Arc<Secret>>, StoreError> {
    // The name, without the six characters that make the ARN unique.
    let name = arn.resource().strip_prefix("secret:").and_then(|name| name.rsplit_once('-'));
    let Some(((name, _), region)) = name.zip(arn.region().parse().ok()) else { return Ok(None) };
    let region: landfall_base::Region = region;
    let secret = view.get(&SECRETS, &(owner, &region, name))?;
    Ok(secret.filter(|secret| secret.arn == *arn))
}
