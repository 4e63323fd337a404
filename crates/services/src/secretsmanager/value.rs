//! The value of a version, on its way into the vault and out of it.

use landfall_api::secretsmanager::error;
use landfall_base::{Arn, Sensitive};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::encryption::{self, SealingKey};
use super::record::{Form, Version};
use crate::pipe::{Context, Failure};

const MOST_BYTES: usize = 65_536;

/// A value as a request carries it or an answer returns it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SecretValue {
    /// `SecretString`
    String(Sensitive<String>),
    /// `SecretBinary`
    Binary(Sensitive<Vec<u8>>),
}

impl SecretValue {
    /// The value in a request, if there is one.
    ///
    /// # Errors
    /// Both kinds at once, or too long.
    pub(super) fn of(
        string: Option<Sensitive<String>>,
        binary: Option<Sensitive<Vec<u8>>>,
    ) -> Result<Option<Self>, ServiceError> {
        let value = match (string, binary) {
            (Some(_), Some(_)) => {
                return Err(error::invalid_parameter_exception(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(string), None) => Self::String(string),
            (None, Some(binary)) => Self::Binary(binary),
            (None, None) => return Ok(None),
        };
        value.check_length()?;
        Ok(Some(value))
    }

    /// The limit is on bytes; the model's, which is checked earlier, on characters.
    fn check_length(&self) -> Result<(), ServiceError> {
        if self.bytes().len() <= MOST_BYTES {
            return Ok(());
        }
        let member = match self {
            Self::String(_) => "secretString",
            Self::Binary(_) => "secretBinary",
        };
        let message = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
             less than or equal to {MOST_BYTES}"
        );
        Err(ServiceError::client("ValidationException", message))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::String(text) => text.expose().as_bytes(),
            Self::Binary(bytes) => bytes.expose(),
        }
    }

    fn form(&self) -> Form {
        match self {
            Self::String(_) => Form::String,
            Self::Binary(_) => Form::Binary,
        }
    }

    /// Makes a version of it.
    ///
    /// # Errors
    /// The key's, and the vault's.
    pub(super) fn seal(
        &self,
        cx: &Context<'_>,
        key: &SealingKey,
        arn: &Arn,
        id: &str,
    ) -> Result<Version, Failure> {
        let (sealed, data_key) = key.seal(cx, arn, id, self.bytes())?;
        Ok(Version { sealed, data_key, form: self.form(), created_at: cx.now, accessed_on: None })
    }

    /// The value of a version.
    ///
    /// # Errors
    /// The key's; the vault's when the row was changed, or belongs to another secret.
    pub(super) fn open(
        cx: &Context<'_>,
        view: &View,
        arn: &Arn,
        id: &str,
        version: &Version,
    ) -> Result<Self, Failure> {
        let bytes = encryption::open(cx, view, arn, id, version)?;
        match version.form {
            Form::Binary => Ok(Self::Binary(bytes)),
            Form::String => {
                let text = String::from_utf8(bytes.into_exposed());
                let text = text.map_err(|_| Failure::internal("the value of a secret is not UTF-8"))?;
                Ok(Self::String(Sensitive::new(text)))
            }
        }
    }

    /// As the members `SecretString` and `SecretBinary`.
    pub(super) fn into_members(self) -> (Option<Sensitive<String>>, Option<Sensitive<Vec<u8>>>) {
        match self {
            Self::String(text) => (Some(text), None),
            Self::Binary(bytes) => (None, Some(bytes)),
        }
    }
}
