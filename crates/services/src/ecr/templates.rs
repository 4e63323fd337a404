//! What creation templates may say.

use landfall_api::ecr as api;
use landfall_base::{AccountId, Arn};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::policy::{self, Kind};
use super::rules::{tags, wording};
use super::{creation, lifecycle, role, settings};
use crate::pipe::{Failure, Permission};

/// Checks everything in a template.
///
/// # Errors
/// `InvalidParameterException` and what policies and tags are refused with.
pub(super) fn check(view: &View, template: &api::RepositoryCreationTemplate) -> Result<(), Failure> {
    check_prefix(template.prefix.as_deref().unwrap_or_default())?;
    let filters = template.image_tag_mutability_exclusion_filters.as_deref();
    settings::mutability(template.image_tag_mutability.as_ref(), filters)?;
    let encryption = template.encryption_configuration.as_ref();
    if let Some(wanted) = encryption {
        settings::encryption(&wanted.encryption_type, wanted.kms_key.as_deref())?;
    }
    let pairs = template.resource_tags.as_deref().unwrap_or_default();
    tags::set(&mut Vec::new(), tags::pairs(pairs)?)?;
    let under_key = encryption.is_some_and(|it| it.encryption_type != api::EncryptionType::Aes256);
    if template.custom_role_arn.is_none() && (under_key || !pairs.is_empty()) {
        let text = "customRoleArn is needed with resourceTags or with encryption by KMS";
        return Err(wording::invalid("customRoleArn", text).into());
    }
    if let Some(text) = template.repository_policy.as_deref().filter(|text| !text.is_empty()) {
        policy::parse(view, Kind::Repository, text)?;
    }
    if let Some(text) = template.lifecycle_policy.as_deref().filter(|text| !text.is_empty()) {
        lifecycle::parse(text)?;
    }
    Ok(())
}

/// # Errors
/// `InvalidParameterException`
pub(super) fn check_prefix(prefix: &str) -> Result<(), ServiceError> {
    let name = prefix.strip_suffix('/').unwrap_or(prefix);
    if prefix == creation::ROOT || name.parse::<landfall_registry::RepositoryName>().is_ok() {
        return Ok(());
    }
    Err(wording::invalid("prefix", "must be ROOT or the beginning of a repository name"))
}

/// The check for handing a template's role over.
///
/// # Errors
/// `InvalidParameterException` for what is no role of the account.
pub(super) fn pass_role(
    account: &AccountId,
    wanted: Option<&str>,
) -> Result<Option<Permission>, ServiceError> {
    let Some(text) = wanted else { return Ok(None) };
    let arn: Option<Arn> = text.parse().ok();
    let arn = arn.filter(|arn| arn.service() == "iam" && arn.resource().starts_with("role/"));
    let arn = arn.filter(|arn| arn.account_id().as_ref() == Some(account));
    let arn =
        arn.ok_or_else(|| wording::invalid("customRoleArn", "must be the ARN of a role of this account"))?;
    let permission = Permission::on("iam:PassRole", &arn);
    Ok(Some(permission.with("iam:PassedToService", role::SERVICE)))
}

/// `TemplateNotFoundException`
pub(super) fn not_found(account: &AccountId, prefix: &str) -> ServiceError {
    api::error::template_not_found_exception(format!(
        "The Repository Creation Template with prefix '{prefix}' was not found in the registry with id '{account}'"
    ))
}
