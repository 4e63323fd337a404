//! Policies of the organization as the API has them.

use landfall_api::landfall as api;
use landfall_base::AccountId;

use crate::iam::organization::{ControlKind, FULL_ACCESS, FULL_ACCESS_ARN, FULL_ACCESS_DOCUMENT, ID, ROOT};
use crate::iam::record::OrganizationPolicy;

/// The kind that a request names.
pub(super) fn kind(kind: &api::OrganizationPolicyType) -> Option<ControlKind> {
    match kind {
        api::OrganizationPolicyType::ServiceControlPolicy => Some(ControlKind::Service),
        api::OrganizationPolicyType::ResourceControlPolicy => Some(ControlKind::Resource),
        _ => None,
    }
}

fn type_of(kind: ControlKind) -> api::OrganizationPolicyType {
    match kind {
        ControlKind::Service => api::OrganizationPolicyType::ServiceControlPolicy,
        ControlKind::Resource => api::OrganizationPolicyType::ResourceControlPolicy,
    }
}

/// The target that a request names: `root` if none.
pub(super) fn target(target: Option<&str>) -> String {
    target.unwrap_or(ROOT).to_owned()
}

/// A new ARN for a policy of the management account.
pub(super) fn new_arn(management: &AccountId, kind: ControlKind) -> String {
    let id = landfall_base::random::hex(8);
    format!("arn:aws:organizations::{management}:policy/{ID}/{}_control_policy/p-{id}", kind.key())
}

/// A policy as answers show it.
pub(super) fn shown(
    kind: ControlKind,
    target: &str,
    name: &str,
    row: &OrganizationPolicy,
) -> api::OrganizationPolicy {
    api::OrganizationPolicy {
        arn: row.arn.clone(),
        name: name.to_owned(),
        r#type: type_of(kind),
        target_id: target.to_owned(),
        content: row.policy.text().to_owned(),
        updated_at: Some(row.updated_at),
    }
}

/// `FullAWSAccess` as answers show it.
pub(super) fn full_access(target: &str) -> api::OrganizationPolicy {
    api::OrganizationPolicy {
        arn: FULL_ACCESS_ARN.to_owned(),
        name: FULL_ACCESS.to_owned(),
        r#type: api::OrganizationPolicyType::ServiceControlPolicy,
        target_id: target.to_owned(),
        content: FULL_ACCESS_DOCUMENT.to_owned(),
        updated_at: None,
    }
}
