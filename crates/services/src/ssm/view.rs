//! Rows as the API shows them. Members without a value are left out, never empty.

use landfall_api::ssm as api;
use landfall_base::{Arn, Sensitive};

use super::names::arn_of;
use super::record::{Parameter, ParameterKey, Policy, Version};

fn number(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// A version as `GetParameter` shows it.
pub(super) fn parameter(
    name: &str,
    arn: &Arn,
    version_number: u64,
    version: &Version,
    value: Sensitive<String>,
    selector: Option<&str>,
) -> api::Parameter {
    api::Parameter {
        name: Some(name.to_owned()),
        r#type: Some(version.kind.as_str().into()),
        value: Some(value),
        version: number(version_number),
        selector: selector.map(|selector| format!(":{selector}")),
        source_result: None,
        last_modified_date: Some(version.modified_at),
        arn: Some(arn.to_string()),
        data_type: Some(version.data_type.clone()),
    }
}

/// A parameter as `DescribeParameters` shows it.
pub(super) fn metadata(
    key: &ParameterKey,
    parameter: &Parameter,
    version: &Version,
) -> api::ParameterMetadata {
    api::ParameterMetadata {
        name: Some(parameter.name.clone()),
        arn: Some(arn_of(key).to_string()),
        r#type: Some(version.kind.as_str().into()),
        key_id: version.key_id.clone(),
        last_modified_date: Some(version.modified_at),
        last_modified_user: Some(version.modified_by.clone()),
        description: version.description.clone(),
        allowed_pattern: version.allowed_pattern.clone(),
        version: number(parameter.newest),
        tier: Some(version.tier.as_str().into()),
        policies: Some(policies(&version.policies)),
        data_type: Some(version.data_type.clone()),
    }
}

/// A version as `GetParameterHistory` shows it.
pub(super) fn history(
    parameter: &Parameter,
    version_number: u64,
    version: &Version,
    value: Sensitive<String>,
) -> api::ParameterHistory {
    api::ParameterHistory {
        name: Some(parameter.name.clone()),
        r#type: Some(version.kind.as_str().into()),
        key_id: version.key_id.clone(),
        last_modified_date: Some(version.modified_at),
        last_modified_user: Some(version.modified_by.clone()),
        description: version.description.clone(),
        value: Some(value),
        allowed_pattern: version.allowed_pattern.clone(),
        version: number(version_number),
        labels: Some(parameter.labels(version_number)),
        tier: Some(version.tier.as_str().into()),
        policies: Some(policies(&version.policies)),
        data_type: Some(version.data_type.clone()),
    }
}

fn policies(policies: &[Policy]) -> Vec<api::ParameterInlinePolicy> {
    let shown = |policy: &Policy| api::ParameterInlinePolicy {
        policy_text: Some(policy.text.clone()),
        policy_type: Some(policy.kind.clone()),
        policy_status: Some("Pending".to_owned()),
    };
    policies.iter().map(shown).collect()
}
