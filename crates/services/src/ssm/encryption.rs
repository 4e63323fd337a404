//! Values of `SecureString` parameters: which key they are under, sealed and opened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_api::ssm::error;
use landfall_base::{AccountId, Arn, Sensitive};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::record::{Content, Tier};
use crate::kms::{EncryptionContext, ServiceKey, open_with, seal_with};
use crate::pipe::{Context, Failure, Permission};

pub(super) const SERVICE: &str = "ssm";

/// The default key as it is shown.
pub(super) const DEFAULT_KEY: &str = "alias/aws/ssm";

/// The key that a new value is under.
#[derive(Debug)]
pub(super) enum SealingKey {
    /// The account's `aws/ssm`.
    Default,
    /// A customer's.
    Customer(Box<ServiceKey>),
    /// There is no such key; KMS's sentence.
    Invalid(String),
}

impl SealingKey {
    /// Looks up a key by what the owner of the parameter calls it.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn find(
        cx: &Context<'_>,
        view: &View,
        owner: &AccountId,
        key_id: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(key_id) = key_id.filter(|key_id| *key_id != DEFAULT_KEY) else { return Ok(Self::Default) };
        let key = match ServiceKey::find(cx, view, SERVICE, owner, key_id) {
            Ok(key) => key,
            Err(Failure::Service(error)) => return Ok(Self::Invalid(error.message)),
            Err(failure) => return Err(failure),
        };
        Ok(match key.existing() {
            Err(_) if key.arn().resource() == DEFAULT_KEY => Self::Default,
            Err(error) => Self::Invalid(error.message),
            Ok(()) if key.is_default() => Self::Default,
            Ok(()) => Self::Customer(Box::new(key)),
        })
    }

    /// The check for writing a value (User Guide, "AWS KMS encryption for Parameter Store SecureString parameters").
    ///
    /// # Errors
    /// None that can happen.
    pub(super) fn permission(
        &self,
        cx: &Context<'_>,
        arn: &Arn,
        tier: Tier,
    ) -> Result<Option<Permission>, Failure> {
        let Self::Customer(key) = self else { return Ok(None) };
        let action = match tier {
            Tier::Standard => "kms:Encrypt",
            Tier::Advanced => "kms:GenerateDataKey",
        };
        key.permission(cx, action, &context(arn)).map(Some)
    }

    /// Encrypts the value of a version.
    ///
    /// # Errors
    /// `InvalidKeyId` for the key; the vault's.
    pub(super) fn seal(
        &self,
        cx: &Context<'_>,
        arn: &Arn,
        number: u64,
        tier: Tier,
        value: &str,
    ) -> Result<Content, Failure> {
        let key = match self {
            Self::Default => {
                return Ok(Content::Sealed(
                    cx.vault().seal(&own(arn, &number.to_string()), value.as_bytes())?,
                ));
            }
            Self::Invalid(reason) => return Err(error::invalid_key_id(reason.as_str()).into()),
            Self::Customer(key) => key,
        };
        key.usable().map_err(invalid_key)?;
        let (context, key_arn) = (context(arn), key.arn().clone());
        if tier == Tier::Standard {
            let ciphertext = STANDARD.encode(key.encrypt(cx, &context, value.as_bytes())?);
            return Ok(Content::Encrypted { key_arn, ciphertext });
        }
        let made = key.generate_data_key(cx, &context)?;
        let ciphertext = STANDARD.encode(seal_with(&made.plaintext, value.as_bytes())?);
        Ok(Content::Enveloped { key_arn, data_key: STANDARD.encode(made.ciphertext), ciphertext })
    }
}

/// The encryption context that Parameter Store gives to KMS.
pub(super) fn context(arn: &Arn) -> EncryptionContext {
    EncryptionContext::from([("PARAMETER_ARN", arn.as_str())])
}

/// What the vault binds a value to.
pub(super) fn own<'a>(arn: &'a Arn, number: &'a str) -> [(&'static str, &'a str); 2] {
    [("PARAMETER_ARN", arn.as_str()), ("ParameterVersion", number)]
}

fn invalid_key(error: ServiceError) -> ServiceError {
    if error.code == "AccessDeniedException" { error } else { error::invalid_key_id(error.message) }
}

/// What has to be asked of KMS to read a value, and with which ciphertext.
fn customer_key(
    cx: &Context<'_>,
    view: &View,
    content: &Content,
) -> Result<Option<(ServiceKey, Vec<u8>)>, Failure> {
    let ciphertext = match content {
        Content::Plain(_) | Content::Sealed(_) => return Ok(None),
        Content::Encrypted { ciphertext, .. } => ciphertext,
        Content::Enveloped { data_key, .. } => data_key,
    };
    let ciphertext = STANDARD.decode(ciphertext).map_err(Failure::internal)?;
    Ok(Some((ServiceKey::of_ciphertext(cx, view, SERVICE, &ciphertext)?, ciphertext)))
}

/// The check for decrypting a value: none under the default key, whose policy lets everybody in who may read the
/// parameter.
///
/// # Errors
/// A row cannot be read.
pub(super) fn read_permission(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    content: &Content,
) -> Result<Option<Permission>, Failure> {
    let Some((key, _)) = customer_key(cx, view, content)? else { return Ok(None) };
    key.permission(cx, "kms:Decrypt", &context(arn)).map(Some)
}

/// The value of a version in plaintext.
///
/// # Errors
/// `InvalidKeyId` for the key's state; the vault's.
pub(super) fn open(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    number: u64,
    content: &Content,
) -> Result<Sensitive<String>, Failure> {
    let bytes = match content {
        Content::Plain(text) => return Ok(Sensitive::new(text.clone())),
        Content::Sealed(sealed) => cx.vault().unseal(&own(arn, &number.to_string()), sealed)?,
        Content::Encrypted { .. } | Content::Enveloped { .. } => open_with_key(cx, view, arn, content)?,
    };
    let text = String::from_utf8(bytes.into_exposed());
    let text = text.map_err(|_| Failure::internal("the value of a parameter is not UTF-8"))?;
    Ok(Sensitive::new(text))
}

fn open_with_key(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    content: &Content,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let missing = || Failure::internal("a value has no key");
    let (key, ciphertext) = customer_key(cx, view, content)?.ok_or_else(missing)?;
    key.usable().map_err(invalid_key)?;
    let opened = key.decrypt(cx, &context(arn), &ciphertext)?;
    match content {
        Content::Enveloped { ciphertext, .. } => {
            open_with(&opened, &STANDARD.decode(ciphertext).map_err(Failure::internal)?)
        }
        _ => Ok(opened),
    }
}

/// The value as it is shown without decryption: of a `SecureString` its ciphertext.
pub(super) fn shown(content: &Content) -> Sensitive<String> {
    Sensitive::new(match content {
        Content::Plain(text) => text.clone(),
        Content::Sealed(sealed) => STANDARD.encode(sealed.as_bytes()),
        Content::Encrypted { ciphertext, .. } => ciphertext.clone(),
        Content::Enveloped { data_key, ciphertext, .. } => format!("{data_key}:{ciphertext}"),
    })
}
