//! The settings of a repository as requests have them.

use landfall_api::ecr as api;
use landfall_shape::{ServiceError, Value};
use landfall_store::{Tx, View};

use super::names::repository_arn;
use super::record::{Encryption, Mutability, RepositoryKey};
use super::rules::wording;
use crate::kms::{EncryptionContext, ServiceKey, ensure_default_key};
use crate::pipe::{Context, Failure, Permission};

const SERVICE: &str = "ecr";

const MOST_FILTERS: usize = 5;

/// `imageTagMutability` and `imageTagMutabilityExclusionFilters`.
///
/// # Errors
/// `InvalidParameterException` when filters are missing, or there where they have no meaning.
pub(super) fn mutability(
    setting: Option<&api::ImageTagMutability>,
    filters: Option<&[api::ImageTagMutabilityExclusionFilter]>,
) -> Result<Mutability, ServiceError> {
    use api::ImageTagMutability::{Immutable, ImmutableWithExclusion, Mutable, MutableWithExclusion};
    let patterns: Vec<String> =
        filters.unwrap_or_default().iter().map(|filter| filter.filter.clone()).collect();
    let setting = setting.unwrap_or(&Mutable);
    let with_filters = matches!(setting, MutableWithExclusion | ImmutableWithExclusion);
    check_filters(setting, with_filters, &patterns)?;
    match setting {
        Mutable | MutableWithExclusion => Ok(Mutability::Mutable(patterns)),
        Immutable | ImmutableWithExclusion => Ok(Mutability::Immutable(patterns)),
        api::ImageTagMutability::Unknown(_) => {
            let allowed = "Member must satisfy enum value set: [MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]";
            Err(wording::invalid("imageTagMutability", allowed))
        }
    }
}

fn check_filters(
    setting: &api::ImageTagMutability,
    wanted: bool,
    patterns: &[String],
) -> Result<(), ServiceError> {
    let parameter = "imageTagMutabilityExclusionFilters";
    if wanted && patterns.is_empty() {
        let text = format!(
            "ImageTagMutabilityExclusionFilters must be provided when imageTagMutability is {setting}"
        );
        return Err(wording::invalid(parameter, &text));
    }
    if !wanted && !patterns.is_empty() {
        let text = format!(
            "ImageTagMutabilityExclusionFilters can't be provided when imageTagMutability is {setting}"
        );
        return Err(wording::invalid(parameter, &text));
    }
    if patterns.len() > MOST_FILTERS {
        return Err(wording::invalid(parameter, "Member must have length less than or equal to 5"));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'*' | b'-');
    if patterns.iter().any(|it| it.is_empty() || it.len() > 128 || !it.bytes().all(legal)) {
        return Err(wording::invalid(
            parameter,
            "Member must satisfy regular expression pattern: ^[0-9a-zA-Z._*-]{1,128}$",
        ));
    }
    Ok(())
}

/// `encryptionConfiguration`
///
/// # Errors
/// `InvalidParameterException` for a key where none is used.
pub(super) fn encryption(kind: &api::EncryptionType, key: Option<&str>) -> Result<Encryption, ServiceError> {
    match kind {
        api::EncryptionType::Aes256 if key.is_some() => Err(wording::invalid(
            "encryptionConfiguration",
            "kmsKey can't be specified with encryptionType AES256",
        )),
        api::EncryptionType::Unknown(_) => Err(wording::invalid(
            "encryptionType",
            "Member must satisfy enum value set: [AES256, KMS, KMS_DSSE]",
        )),
        kind => Ok(Encryption { kind: kind.as_str().to_owned(), key: key.map(str::to_owned) }),
    }
}

/// What the caller must be allowed to do with a customer's key to put a repository under it.
///
/// # Errors
/// KMS's, for what can be no key.
pub(super) fn key_permissions(
    cx: &Context<'_>,
    view: &View,
    place: &RepositoryKey,
    encryption: &Encryption,
) -> Result<Vec<Permission>, Failure> {
    let Some(key) = &encryption.key else { return Ok(Vec::new()) };
    let key = ServiceKey::find(cx, view, SERVICE, &place.0, key).map_err(as_kms_exception)?;
    let context = EncryptionContext::from([("aws:ecr:arn", repository_arn(place).as_str())]);
    let actions = ["kms:DescribeKey", "kms:CreateGrant"];
    actions.into_iter().map(|action| key.permission(cx, action, &context)).collect()
}

/// The key by its ARN: the customer's, or the account's default one, which is made where it is missing.
///
/// # Errors
/// `KmsException` for a key that cannot be used.
pub(super) fn fill_in_key(
    cx: &Context<'_>,
    tx: &mut Tx,
    (account, region, _): &RepositoryKey,
    encryption: &mut Encryption,
) -> Result<(), Failure> {
    if encryption.kind == api::EncryptionType::Aes256.as_str() {
        return Ok(());
    }
    if encryption.key.is_none() {
        ensure_default_key(cx, tx, (account, region), SERVICE)?;
    }
    let name = encryption.key.as_deref().unwrap_or("alias/aws/ecr");
    let key = ServiceKey::find(cx, tx, SERVICE, account, name).map_err(as_kms_exception)?;
    key.usable().map_err(kms_exception)?;
    encryption.key = Some(key.arn().to_string());
    Ok(())
}

/// The key that a repository is under can be used, as far as its state goes. ECR has a grant on it, so its policy has no say.
///
/// # Errors
/// `KmsException`
pub(super) fn check_key(view: &View, encryption: &Encryption) -> Result<(), Failure> {
    let Some(arn) = encryption.key.as_deref() else { return Ok(()) };
    usable(view, arn).map_err(as_kms_exception)
}

/// The key of this ARN can be used, as far as its state goes.
///
/// # Errors
/// KMS's, in its own words.
pub(super) fn usable(view: &View, arn: &str) -> Result<(), Failure> {
    let Ok(arn) = arn.parse() else { return Ok(()) };
    Ok(ServiceKey::of_arn(view, SERVICE, &arn)?.usable()?)
}

fn as_kms_exception(failure: Failure) -> Failure {
    match failure {
        Failure::Service(error) => kms_exception(error).into(),
        internal => internal,
    }
}

/// `KmsException`, with KMS's own sentence and code.
fn kms_exception(error: ServiceError) -> ServiceError {
    let mut failed = api::error::kms_exception(error.message);
    failed.members.push("kmsError", Value::String(error.code.to_owned()));
    failed
}
