//! `Decrypt`: what `Encrypt` or `GenerateDataKey` encrypted. The ciphertext names its key; a key in the request must be that.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::{Blob, ServiceError};
use landfall_store::View;

use super::encrypt::{algorithm, algorithm_of};
use crate::kms::asymmetric;
use crate::kms::ciphertext::Reference;
use crate::kms::encryption_context::EncryptionContext;
use crate::kms::kind::{Spec, Usage};
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    algorithm: String,
    ciphertext: Vec<u8>,
    dry_run: Option<bool>,
}

impl Resolve for api::Decrypt {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_recipient(input.recipient.as_ref())?;
        let ciphertext = given(input.ciphertext_blob, input.dry_run_modifiers)?;
        let target = source(cx, view, "kms:Decrypt", (input.key_id.as_deref(), &ciphertext))?;
        let context = EncryptionContext::of(input.encryption_context);
        let named = algorithm_of(input.encryption_algorithm.as_ref());
        let permission = context.add_to(algorithm(target.permission(cx, "kms:Decrypt")?, &named));
        let dry_run = input.dry_run;
        Ok(Checked::one(Request { target, context, algorithm: named, ciphertext, dry_run }, permission))
    }
}

impl ReadHandler for api::Decrypt {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, context, algorithm, ciphertext, dry_run } = request.into_request();
        let opened = open(cx, (&target, "Decrypt"), &context, &algorithm, &ciphertext)?;
        rules::check_dry_run(dry_run)?;
        Ok(api::DecryptResponse {
            key_id: Some(target.arn.to_string()),
            plaintext: Some(opened.plaintext),
            encryption_algorithm: Some(algorithm.as_str().into()),
            ciphertext_for_recipient: None,
            key_material_id: opened.material_id,
        })
    }
}

/// The ciphertext of a request.
///
/// # Errors
/// `ValidationException` without one, `UnsupportedOperationException` for requests that are not about one.
pub(super) fn given(
    blob: Option<Blob>,
    modifiers: Option<Vec<api::DryRunModifierType>>,
) -> Result<Vec<u8>, ServiceError> {
    if modifiers.is_some_and(|modifiers| !modifiers.is_empty()) {
        let message = "DryRunModifiers is not available in this installation.";
        return Err(api::error::unsupported_operation_exception(message));
    }
    blob.map(|blob| blob.0).ok_or_else(|| {
        let message = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member \
                       must not be null";
        ServiceError::client("ValidationException", message)
    })
}

/// The key to decrypt with, after a check of `action`: the one that the request names, or else the one that the ciphertext does.
pub(super) fn source(
    cx: &Context<'_>,
    view: &View,
    action: &str,
    (key_id, ciphertext): (Option<&str>, &[u8]),
) -> Result<Target, Failure> {
    match key_id {
        Some(key_id) => Target::find(cx, view, key_id),
        None => Target::of_ciphertext(cx, view, action, ciphertext),
    }
}

/// A plaintext, and the id of the material that it was encrypted with where the key can have several.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) plaintext: Sensitive<Vec<u8>>,
    pub(super) material_id: Option<String>,
}

/// Decrypts with a key that the caller may use.
///
/// # Errors
/// `InvalidKeyUsageException`, `IncorrectKeyException` for the ciphertext of another key, `InvalidCiphertextException`, or the key's state.
pub(super) fn open(
    cx: &Context<'_>,
    (target, operation): (&Target, &str),
    context: &EncryptionContext,
    algorithm: &str,
    ciphertext: &[u8],
) -> Result<Opened, Failure> {
    let key = target.fit_for((Usage::Encrypt, operation), algorithm)?;
    rules::check_context(key, context)?;
    if key.spec != Spec::Symmetric {
        let secret = material::secret(cx.vault(), key)?;
        let plaintext = asymmetric::decrypt(&secret, algorithm, ciphertext)?;
        return Ok(Opened { plaintext, material_id: None });
    }
    let named = Reference::of(ciphertext).ok_or_else(|| api::error::invalid_ciphertext_exception(""))?;
    if (&named.account, &named.key_id) != (&target.place.0, &target.place.2) {
        let message = "The key ID in the request does not identify a CMK that can perform this operation.";
        return Err(api::error::incorrect_key_exception(message).into());
    }
    let opened = material::decrypt(cx.vault(), key, context, ciphertext)?;
    Ok(Opened { plaintext: opened.plaintext, material_id: Some(opened.material_id) })
}
