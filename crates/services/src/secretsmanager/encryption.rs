//! Which key a value is under. Every value is sealed by the installation's vault; under a customer's key it is encrypted
//! before that with a data key of its own, which only KMS opens (User Guide, "Secret encryption and decryption").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_api::secretsmanager::error;
use landfall_base::{AccountId, Arn, Sensitive};
use landfall_shape::ServiceError;
use landfall_store::View;
use landfall_vault::Sealed;

use super::record::{DataKey, Secret, SecretKey, Version};
use super::{rules, versions};
use crate::kms::{EncryptionContext, ServiceKey, open_with, seal_with};
use crate::pipe::{Context, Failure, Permission};

pub(super) const SERVICE: &str = "secretsmanager";

/// The version id in the context of the check that a new secret's key may be used.
const VALIDATION: &str = "RequestToValidateKeyAccess";

/// The key that new values of a secret are under.
#[derive(Debug)]
pub(super) enum SealingKey {
    /// The account's `aws/secretsmanager`.
    Default,
    /// A customer's.
    Customer(Box<ServiceKey>),
    /// There is no such key; KMS's sentence.
    Invalid(String),
}

impl SealingKey {
    /// Looks up a key by what the owner of the secret calls it.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn find(
        cx: &Context<'_>,
        view: &View,
        owner: &AccountId,
        key_id: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(key_id) = key_id.filter(|key_id| !rules::is_default_key(key_id, owner, cx.region())) else {
            return Ok(Self::Default);
        };
        let key = match ServiceKey::find(cx, view, SERVICE, owner, key_id) {
            Ok(key) => key,
            Err(Failure::Service(error)) => return Ok(Self::Invalid(error.message)),
            Err(failure) => return Err(failure),
        };
        Ok(match key.existing() {
            Err(error) => Self::Invalid(error.message),
            Ok(()) if key.is_default() => Self::Default,
            Ok(()) => Self::Customer(Box::new(key)),
        })
    }

    /// The key of a secret.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn of(
        cx: &Context<'_>,
        view: &View,
        owner: &AccountId,
        secret: &Secret,
    ) -> Result<Self, Failure> {
        Self::find(cx, view, owner, secret.kms_key_id.as_deref())
    }

    /// The ARN of a customer's key.
    pub(super) fn arn(&self) -> Option<&str> {
        match self {
            Self::Customer(key) => Some(key.arn().as_str()),
            _ => None,
        }
    }

    /// The checks for writing a version.
    ///
    /// # Errors
    /// None that can happen.
    pub(super) fn permissions(
        &self,
        cx: &Context<'_>,
        arn: &Arn,
        id: &str,
    ) -> Result<Vec<Permission>, Failure> {
        let Self::Customer(key) = self else { return Ok(Vec::new()) };
        let context = EncryptionContext::from(context(arn, id));
        ["kms:GenerateDataKey", "kms:Decrypt"]
            .into_iter()
            .map(|action| key.permission(cx, action, &context))
            .collect()
    }

    /// The checks for putting a replica under this key (User Guide, "Troubleshoot AWS Secrets Manager replication").
    ///
    /// # Errors
    /// None that can happen.
    pub(super) fn replication(&self, cx: &Context<'_>, arn: &Arn) -> Result<Vec<Permission>, Failure> {
        let Self::Customer(key) = self else { return Ok(Vec::new()) };
        let context = EncryptionContext::from(context(arn, VALIDATION));
        ["kms:GenerateDataKey", "kms:Encrypt"]
            .into_iter()
            .map(|action| key.permission(cx, action, &context))
            .collect()
    }

    /// The checks that a new secret's key may be used, whether the secret has a value or not.
    ///
    /// # Errors
    /// None that can happen.
    pub(super) fn validation(&self, cx: &Context<'_>, arn: &Arn) -> Result<Vec<Permission>, Failure> {
        self.permissions(cx, arn, VALIDATION)
    }

    /// The key can be used.
    ///
    /// # Errors
    /// `InvalidParameterException` when there is none, `EncryptionFailure` for its state.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        match self {
            Self::Default => Ok(()),
            Self::Customer(key) => key.usable().map_err(|_| encryption_failure()),
            Self::Invalid(reason) => Err(error::invalid_parameter_exception(format!(
                "The operation failed because of an invalid KMS key: {reason}"
            ))),
        }
    }

    /// Whether a version is under this key.
    pub(super) fn is_of(&self, version: &Version) -> bool {
        match (self, &version.data_key) {
            (Self::Default, None) => true,
            (Self::Customer(key), Some(data_key)) => data_key.key_arn == *key.arn(),
            _ => false,
        }
    }

    /// Seals the value of a version.
    ///
    /// # Errors
    /// As [`check`](Self::check), and the vault's.
    pub(super) fn seal(
        &self,
        cx: &Context<'_>,
        arn: &Arn,
        id: &str,
        value: &[u8],
    ) -> Result<(Sealed, Option<DataKey>), Failure> {
        self.check()?;
        let context = context(arn, id);
        let Self::Customer(key) = self else { return Ok((cx.vault().seal(&context, value)?, None)) };
        let made = key.generate_data_key(cx, &context.into())?;
        let sealed = cx.vault().seal(&context, &seal_with(&made.plaintext, value)?)?;
        let ciphertext = STANDARD.encode(made.ciphertext);
        Ok((sealed, Some(DataKey { key_arn: key.arn().clone(), ciphertext })))
    }
}

/// The encryption context that Secrets Manager gives to KMS (User Guide, "Secret encryption and decryption").
pub(super) fn context<'a>(arn: &'a Arn, id: &'a str) -> [(&'static str, &'a str); 2] {
    [("SecretARN", arn.as_str()), ("SecretVersionId", id)]
}

fn encryption_failure() -> ServiceError {
    error::encryption_failure(
        "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is \
         available, enabled, and not in an invalid state.",
    )
}

fn decryption_failure() -> ServiceError {
    error::decryption_failure(
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    )
}

/// The key that a version's data key is under, and the data key.
fn customer_key(
    cx: &Context<'_>,
    view: &View,
    version: &Version,
) -> Result<Option<(ServiceKey, Vec<u8>)>, Failure> {
    let Some(data_key) = &version.data_key else { return Ok(None) };
    let ciphertext = STANDARD.decode(&data_key.ciphertext).map_err(Failure::internal)?;
    Ok(Some((ServiceKey::of_ciphertext(cx, view, SERVICE, &ciphertext)?, ciphertext)))
}

/// The check for reading a version: none under the default key, whose policy lets everybody in who may read the secret.
///
/// # Errors
/// A row cannot be read.
pub(super) fn read_permission(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    id: &str,
    version: &Version,
) -> Result<Option<Permission>, Failure> {
    let Some((key, _)) = customer_key(cx, view, version)? else { return Ok(None) };
    key.permission(cx, "kms:Decrypt", &context(arn, id).into()).map(Some)
}

/// Opens the value of a version.
///
/// # Errors
/// `AccessDeniedException` when the key is gone, `DecryptionFailure` for its state; the vault's.
pub(super) fn open(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    id: &str,
    version: &Version,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let context = context(arn, id);
    let bytes = cx.vault().unseal(&context, &version.sealed)?;
    let Some((key, ciphertext)) = customer_key(cx, view, version)? else { return Ok(bytes) };
    key.existing()
        .map_err(|_| ServiceError::client("AccessDeniedException", "Access to KMS is not allowed"))?;
    key.usable().map_err(|_| decryption_failure())?;
    let data_key = key.decrypt(cx, &context.into(), &ciphertext)?;
    open_with(&data_key, bytes.expose())
}

/// The labelled versions that have to be put under another key, where the key that they are under can still be used.
/// Of the others nothing could be read any more, so they stay as they are.
///
/// # Errors
/// A row cannot be read.
pub(super) fn to_reseal(
    cx: &Context<'_>,
    view: &View,
    place: &SecretKey,
    secret: &Secret,
    key: &SealingKey,
) -> Result<Vec<(String, Version)>, Failure> {
    let mut found = Vec::new();
    for id in secret.stages.versions() {
        let version = versions::get(view, place, id)?.filter(|version| !key.is_of(version));
        let Some(version) = version else { continue };
        let usable = customer_key(cx, view, &version)?.is_none_or(|(key, _)| key.usable().is_ok());
        if usable {
            found.push((id.to_owned(), Version::clone(&version)));
        }
    }
    Ok(found)
}

/// The ARN of the key that a version is under; `None` for the default key.
pub(super) fn key_arn(version: &Version) -> Option<&Arn> {
    version.data_key.as_ref().map(|data_key| &data_key.key_arn)
}
