//! Rows as the API shows them.

use landfall_api::ecr as api;
use landfall_store::{StoreError, View};

use super::names::{RegistryName, repository_arn};
use super::record::{Encryption, Image, Mutability, Repository, RepositoryKey};
use super::registry;

/// A repository as `CreateRepository`, `DescribeRepositories` and `DeleteRepository` show it.
pub(super) fn repository(registry: &RegistryName, key: &RepositoryKey, row: &Repository) -> api::Repository {
    api::Repository {
        repository_arn: Some(repository_arn(key).to_string()),
        registry_id: Some(key.0.to_string()),
        repository_name: Some(key.2.clone()),
        repository_uri: Some(registry.repository_uri(key)),
        created_at: Some(row.created_at),
        image_tag_mutability: Some(row.mutability.setting()),
        image_tag_mutability_exclusion_filters: exclusions(&row.mutability),
        image_scanning_configuration: Some(scanning(row)),
        encryption_configuration: Some(encryption(&row.encryption)),
    }
}

pub(super) fn scanning(row: &Repository) -> api::ImageScanningConfiguration {
    api::ImageScanningConfiguration { scan_on_push: Some(row.scan_on_push) }
}

pub(super) fn exclusions(mutability: &Mutability) -> Option<Vec<api::ImageTagMutabilityExclusionFilter>> {
    let filter = |pattern: &String| api::ImageTagMutabilityExclusionFilter {
        filter_type: api::ImageTagMutabilityExclusionFilterType::Wildcard,
        filter: pattern.clone(),
    };
    let patterns = mutability.exclusions();
    (!patterns.is_empty()).then(|| patterns.iter().map(filter).collect())
}

fn encryption(row: &Encryption) -> api::EncryptionConfiguration {
    api::EncryptionConfiguration { encryption_type: row.kind.as_str().into(), kms_key: row.key.clone() }
}

/// An image as `DescribeImages` shows it.
///
/// # Errors
/// A row cannot be read.
pub(super) fn image(view: &View, key: &RepositoryKey, row: &Image) -> Result<api::ImageDetail, StoreError> {
    let manifest = &row.manifest;
    let tags = registry::tags_of(view, key, manifest.digest)?;
    Ok(api::ImageDetail {
        registry_id: Some(key.0.to_string()),
        repository_name: Some(key.2.clone()),
        image_digest: Some(manifest.digest.to_string()),
        image_tags: (!tags.is_empty()).then_some(tags),
        image_size_in_bytes: i64::try_from(row.size).ok(),
        image_pushed_at: Some(row.pushed_at),
        image_scan_status: registry::scan_status(view, key, manifest.digest),
        image_manifest_media_type: Some(manifest.media_type.clone()),
        artifact_media_type: manifest.artifact_type.clone(),
        last_recorded_pull_time: registry::pulled_at(view, key, manifest.digest)?,
        subject_manifest_digest: manifest.subject.map(|subject| subject.to_string()),
        image_status: Some(api::ImageStatus::Active),
        ..Default::default()
    })
}

pub(super) fn tags(pairs: &[(String, String)]) -> Vec<api::Tag> {
    pairs.iter().map(|(key, value)| api::Tag { key: key.clone(), value: value.clone() }).collect()
}
