//! Versions of customer managed policies.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_base::Arn;
use landfall_store::{StoreError, View};

use super::managed::version_number;
use super::policies::AwsManagedPolicy;
use super::record::{ManagedPolicy, POLICY_VERSIONS, PolicyVersion, key_name};
use crate::pipe::Failure;

/// The most versions that a policy may have.
pub(super) const QUOTA: usize = 5;

/// The versions of a policy, the oldest first.
pub(super) fn versions(
    view: &View,
    arn: &Arn,
    policy: &ManagedPolicy,
) -> Result<Vec<(u32, Arc<PolicyVersion>)>, StoreError> {
    let Some(account) = arn.account_id() else { return Ok(Vec::new()) };
    let name = key_name(&policy.name);
    let rows = view.scan(&POLICY_VERSIONS, (&account, name.as_str()));
    rows.map(|row| row.map(|((_, _, number), version)| (number, version))).collect()
}

/// Finds a version by its id.
pub(super) fn find_version(
    view: &View,
    arn: &Arn,
    policy: &ManagedPolicy,
    version_id: &str,
) -> Result<Option<(u32, Arc<PolicyVersion>)>, StoreError> {
    let (Some(account), Some(number)) = (arn.account_id(), version_number(version_id)) else {
        return Ok(None);
    };
    let key = (&account, key_name(&policy.name), number);
    Ok(view.get(&POLICY_VERSIONS, &(key.0, key.1.as_str(), key.2))?.map(|version| (number, version)))
}

/// There is no such version.
pub(super) fn no_version(arn: &Arn, version_id: &str) -> Failure {
    let text = format!("Policy {arn} version {version_id} does not exist or is not attachable.");
    no_such_entity_exception(text).into()
}

/// The version of one of AWS's policies that is known here, as lists show it.
pub(super) fn listed_aws_version(policy: &AwsManagedPolicy) -> api::PolicyVersion {
    api::PolicyVersion {
        document: None,
        version_id: Some(policy.default_version.clone()),
        is_default_version: Some(true),
        create_date: Some(policy.updated_at),
    }
}
