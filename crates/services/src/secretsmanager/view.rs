//! Rows as the API shows them. Members without a value are left out, never empty.

use landfall_api::secretsmanager as api;
use landfall_base::Timestamp;
use landfall_shape::Entries;
use landfall_store::{StoreError, View};

use super::encryption;
use super::record::{Secret, SecretKey, Version};
use super::replication;
use super::rotation::schedule::Rules;

/// What stands for the default key in lists of versions.
const DEFAULT_KEY: &str = "DefaultEncryptionKey";

/// A secret as `DescribeSecret` shows it.
///
/// # Errors
/// The row of a replica cannot be read.
pub(super) fn description(
    view: &View,
    key: &SecretKey,
    secret: &Secret,
) -> Result<api::DescribeSecretResponse, StoreError> {
    Ok(api::DescribeSecretResponse {
        arn: Some(secret.arn.to_string()),
        name: Some(secret.name.clone()),
        description: secret.description.clone(),
        kms_key_id: secret.kms_key_id.clone(),
        last_changed_date: Some(secret.changed_at),
        last_accessed_date: secret.accessed_on,
        deleted_date: secret.deletion.map(|deletion| deletion.requested_at),
        tags: tags(secret),
        rotation_enabled: secret.rotation.as_ref().map(|rotation| rotation.enabled),
        rotation_lambda_arn: secret.rotation.as_ref().map(|rotation| rotation.function_arn.clone()),
        rotation_rules: rotation_rules(secret),
        last_rotated_date: secret.rotation.as_ref().and_then(|rotation| rotation.last_rotated_at),
        next_rotation_date: next_rotation(secret),
        version_ids_to_stages: versions_to_stages(secret),
        created_date: Some(secret.created_at),
        primary_region: secret.primary_region().map(str::to_owned),
        replication_status: replication::status(view, key, secret)?,
        ..Default::default()
    })
}

/// A secret as `ListSecrets` shows it.
pub(super) fn list_entry(secret: &Secret) -> api::SecretListEntry {
    api::SecretListEntry {
        arn: Some(secret.arn.to_string()),
        name: Some(secret.name.clone()),
        description: secret.description.clone(),
        kms_key_id: secret.kms_key_id.clone(),
        last_changed_date: Some(secret.changed_at),
        last_accessed_date: secret.accessed_on,
        deleted_date: secret.deletion.map(|deletion| deletion.requested_at),
        tags: tags(secret),
        rotation_enabled: secret.rotation.as_ref().map(|rotation| rotation.enabled),
        rotation_lambda_arn: secret.rotation.as_ref().map(|rotation| rotation.function_arn.clone()),
        rotation_rules: rotation_rules(secret),
        last_rotated_date: secret.rotation.as_ref().and_then(|rotation| rotation.last_rotated_at),
        next_rotation_date: next_rotation(secret),
        secret_versions_to_stages: versions_to_stages(secret),
        created_date: Some(secret.created_at),
        primary_region: secret.primary_region().map(str::to_owned),
        ..Default::default()
    }
}

/// A version as `ListSecretVersionIds` shows it.
pub(super) fn version_entry(secret: &Secret, id: String, version: &Version) -> api::SecretVersionsListEntry {
    let labels = secret.stages.labels(&id);
    let key = encryption::key_arn(version).map_or_else(|| DEFAULT_KEY.to_owned(), ToString::to_string);
    api::SecretVersionsListEntry {
        version_stages: (!labels.is_empty()).then_some(labels),
        version_id: Some(id),
        last_accessed_date: version.accessed_on,
        created_date: Some(version.created_at),
        kms_key_ids: Some(vec![key]),
    }
}

fn rotation_rules(secret: &Secret) -> Option<api::RotationRulesType> {
    let rules = &secret.rotation.as_ref()?.rules;
    (*rules != Rules::default()).then(|| rules.shown())
}

/// On or before this time the secret is rotated: the end of the window.
fn next_rotation(secret: &Secret) -> Option<Timestamp> {
    Some(secret.rotation.as_ref()?.next?.closes_at)
}

fn tags(secret: &Secret) -> Option<Vec<api::Tag>> {
    let tag =
        |(key, value): (&str, &str)| api::Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    let tags: Vec<_> = secret.tags().map(tag).collect();
    (!tags.is_empty()).then_some(tags)
}

fn versions_to_stages(secret: &Secret) -> Option<Entries<Vec<String>>> {
    let versions = secret.stages.versions();
    let entries = versions.iter().map(|id| ((*id).to_owned(), secret.stages.labels(id)));
    (!versions.is_empty()).then(|| entries.collect())
}
