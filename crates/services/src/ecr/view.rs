//! Rows as the API shows them.

use landfall_api::ecr as api;

use super::names::{RegistryName, repository_arn};
use super::record::{Encryption, Mutability, Repository, RepositoryKey};

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
