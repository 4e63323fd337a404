//! What sessions of all kinds have in common: whose they are, and the policies that narrow them.

use landfall_api::sts::PolicyDescriptorType;
use landfall_api::sts::error::{malformed_policy_document_exception, packed_policy_too_large_exception};
use landfall_base::{AccountId, Arn};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::token::Session;
use crate::iam::managed_policy;
use crate::iam::record::Role;
use crate::pipe::{Failure, SessionPolicyText};

/// The most characters of an inline session policy.
pub(super) const POLICY_LIMIT: usize = 2048;

/// The most managed session policies (AWS STS API reference, AssumeRole).
const MOST_POLICIES: usize = 10;

/// Refuses a second factor: there are no MFA devices here, so none can have been shown.
///
/// # Errors
/// AWS's words for a device that it does not know.
pub(super) fn check_second_factor(serial: Option<&str>, code: Option<&str>) -> Result<(), ServiceError> {
    if serial.is_none() && code.is_none() {
        return Ok(());
    }
    let text = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
                valid and associated with this user.";
    Err(ServiceError::with_status("AccessDenied", 403, text))
}

/// A session of a role. Those of service-linked roles are beyond the organization's policies.
pub(super) fn role_session(role: &Role, arn: Arn, account: &AccountId, name: &str) -> Principal {
    let principal = Principal::role_session(arn, account, &role.id, name);
    if role.path.starts_with("/aws-service-role/") { principal.service_linked() } else { principal }
}

/// The session policies of a request, inline and managed.
///
/// # Errors
/// A policy is too long, is none, or does not exist.
pub(super) fn session_policies(
    view: &View,
    account: &AccountId,
    inline: Option<&str>,
    managed: Option<&[PolicyDescriptorType]>,
) -> Result<Vec<SessionPolicyText>, Failure> {
    let mut policies = Vec::new();
    if let Some(text) = inline {
        if text.chars().count() > POLICY_LIMIT {
            let text = "The session policy is longer than 2048 characters.";
            return Err(packed_policy_too_large_exception(text).into());
        }
        let parsed = Policy::parse(text, PolicyKind::Session);
        parsed.map_err(|error| malformed_policy_document_exception(error.to_string()))?;
        policies.push(SessionPolicyText::inline(text));
    }
    let managed = managed.unwrap_or_default();
    if managed.len() > MOST_POLICIES {
        let text = format!(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to {MOST_POLICIES}"
        );
        return Err(ServiceError::client("ValidationError", text).into());
    }
    for arn in managed.iter().filter_map(|descriptor| descriptor.arn.as_deref()) {
        let missing = || {
            let text = format!("Policy {arn} does not exist or is not attachable.");
            ServiceError::client("ValidationError", text)
        };
        // AWS's own are everybody's; others are good in their account alone.
        let owner = arn.parse::<Arn>().ok().and_then(|arn| arn.account_id());
        if owner.is_some_and(|owner| owner != *account) {
            return Err(missing().into());
        }
        let document = managed_policy(view, arn)?.ok_or_else(missing)?.text().to_owned();
        policies.push(SessionPolicyText { arn: Some(arn.to_owned()), document });
    }
    Ok(policies)
}

/// Percentage of the space that AWS's packed form has; ours is not packed, so this is of the characters. `None` for a
/// session without policies and tags.
pub(super) fn packed_size(session: &Session) -> Option<i32> {
    let policies: usize = session.policies.iter().map(|policy| policy.document.len()).sum();
    let tags: usize = session.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let percentage = i32::try_from((policies + tags) * 100 / (POLICY_LIMIT * 2)).unwrap_or(100);
    (policies + tags > 0).then_some(percentage.clamp(1, 100))
}
