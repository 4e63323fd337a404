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

/// The space for session tags in AWS's packed form. Nine tags with 252 bytes of keys and values each are 498% of it
/// (answers of AWS that users reported).
const TAGS_SPACE: usize = 455;

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
    managed: &[PolicyDescriptorType],
) -> Result<Vec<SessionPolicyText>, Failure> {
    let mut policies = Vec::new();
    if let Some(text) = inline {
        let parsed = Policy::parse(text, PolicyKind::Session);
        parsed.map_err(|error| malformed_policy_document_exception(error.to_string()))?;
        policies.push(SessionPolicyText::inline(text));
    }
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

/// Percentage of the space for session policies and session tags that a session takes. `None` for one without any.
///
/// AWS packs the texts in a way that it does not describe. Here policies count by their characters, managed ones by those
/// of their ARNs, and tags by the bytes of their keys and values.
///
/// # Errors
/// `PackedPolicyTooLarge`
pub(super) fn packed_size(session: &Session) -> Result<Option<i32>, ServiceError> {
    let text = |policy: &SessionPolicyText| policy.arn.as_ref().unwrap_or(&policy.document).chars().count();
    let policies: usize = session.policies.iter().map(text).sum();
    let tags: usize = session.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let (of_policies, of_tags) = ((policies * 100).div_ceil(POLICY_LIMIT), (tags * 100).div_ceil(TAGS_SPACE));
    let all = of_policies + of_tags;
    if all > 100 {
        let text = if of_tags > of_policies {
            format!("Packed size of session tags consumes {all}% of allotted space.")
        } else {
            format!("Packed policy consumes {all}% of allotted space, please use smaller policy.")
        };
        return Err(packed_policy_too_large_exception(text));
    }
    Ok(i32::try_from(all).ok().filter(|all| *all > 0))
}
