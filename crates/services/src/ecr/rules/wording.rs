//! ECR's sentences.

use landfall_api::ecr::error;
use landfall_base::AccountId;
use landfall_shape::ServiceError;

use crate::ecr::record::RepositoryKey;

/// Why a scan failed.
pub const NO_SCANNER: &str = "No scan was made: this server has no scanner.";

/// `Invalid parameter at 'x' failed to satisfy constraint: 'y'`
pub fn invalid(parameter: &str, constraint: &str) -> ServiceError {
    let text = format!("Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'");
    error::invalid_parameter_exception(text)
}

/// The sentence that data plane and API have in common.
pub fn no_repository_text((account, _, name): &RepositoryKey) -> String {
    format!("The repository with name '{name}' does not exist in the registry with id '{account}'")
}

/// `RepositoryNotFoundException`
pub fn no_repository(key: &RepositoryKey) -> ServiceError {
    error::repository_not_found_exception(no_repository_text(key))
}

/// `RepositoryAlreadyExistsException`
pub fn repository_exists((account, _, name): &RepositoryKey) -> ServiceError {
    error::repository_already_exists_exception(format!(
        "The repository with name '{name}' already exists in the registry with id '{account}'"
    ))
}

/// `RepositoryNotEmptyException`
pub fn repository_not_empty((account, _, name): &RepositoryKey) -> ServiceError {
    error::repository_not_empty_exception(format!(
        "The repository with name '{name}' in registry with id '{account}' cannot be deleted because it still contains images"
    ))
}

/// The sentence that data plane and API have in common.
pub fn tag_is_fixed((_, _, name): &RepositoryKey, tag: &str) -> String {
    format!(
        "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the repository is immutable."
    )
}

/// The sentence that data plane and API have in common.
pub fn too_many_tags((account, _, name): &RepositoryKey, tag: &str, most: usize) -> String {
    format!(
        "Adding tag '{tag}' to an image in the repository with name '{name}' in registry with id '{account}' exceeds the maximum \
         allowed number of tags per image which is '{most}'"
    )
}

/// `ImageAlreadyExistsException`
pub fn image_exists((account, _, name): &RepositoryKey, digest: &str, tag: Option<&str>) -> ServiceError {
    let tag = tag.map(|tag| format!("'{tag}'")).unwrap_or_else(|| "'null'".to_owned());
    error::image_already_exists_exception(format!(
        "Image with digest '{digest}' and tag {tag} already exists in the repository with name '{name}' in registry with id \
         '{account}'"
    ))
}

/// `RepositoryPolicyNotFoundException`
pub fn no_policy((account, _, name): &RepositoryKey) -> ServiceError {
    error::repository_policy_not_found_exception(format!(
        "Repository policy does not exist for the repository with name '{name}' in the registry with id '{account}'"
    ))
}

/// `RegistryPolicyNotFoundException`
pub fn no_registry_policy(account: &AccountId) -> ServiceError {
    error::registry_policy_not_found_exception(format!(
        "Registry policy does not exist in the registry with id '{account}'"
    ))
}

/// `LifecyclePolicyNotFoundException`
pub fn no_lifecycle((account, _, name): &RepositoryKey) -> ServiceError {
    error::lifecycle_policy_not_found_exception(format!(
        "Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{account}'"
    ))
}

/// `LifecyclePolicyPreviewNotFoundException`
pub fn no_preview((account, _, name): &RepositoryKey) -> ServiceError {
    error::lifecycle_policy_preview_not_found_exception(format!(
        "Lifecycle policy preview does not exist for the repository with name '{name}' in the registry with id '{account}'"
    ))
}
