//! `Encrypt`: a short text, encrypted directly under a key.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::Blob;
use landfall_store::View;

use crate::kms::asymmetric;
use crate::kms::encryption_context::EncryptionContext;
use crate::kms::kind::{Spec, Usage};
use crate::kms::material;
use crate::kms::record::Key;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// The algorithm of symmetric keys, and of requests that name none.
pub(in crate::kms) const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    algorithm: String,
    plaintext: Sensitive<Vec<u8>>,
    dry_run: Option<bool>,
}

impl Resolve for api::Encrypt {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_length("plaintext", input.plaintext.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let context = EncryptionContext::of(input.encryption_context);
        let named = algorithm_of(input.encryption_algorithm.as_ref());
        let permission = context.add_to(algorithm(target.permission(cx, "kms:Encrypt")?, &named));
        let (plaintext, dry_run) = (input.plaintext, input.dry_run);
        Ok(Checked::one(Request { target, context, algorithm: named, plaintext, dry_run }, permission))
    }
}

impl ReadHandler for api::Encrypt {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, context, algorithm, plaintext, dry_run } = request.into_request();
        let key = target.fit_for((Usage::Encrypt, "Encrypt"), &algorithm)?;
        rules::check_context(key, &context)?;
        rules::check_dry_run(dry_run)?;
        let made = seal(cx, (&target, key), &context, &algorithm, &plaintext)?;
        Ok(api::EncryptResponse {
            ciphertext_blob: Some(Blob(made.ciphertext)),
            key_id: Some(key.arn.to_string()),
            encryption_algorithm: Some(algorithm.as_str().into()),
        })
    }
}

/// A ciphertext, and the id of the material that made it where the key can have several.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) ciphertext: Vec<u8>,
    pub(super) material_id: Option<String>,
}

/// Encrypts with a key that is fit for the algorithm.
///
/// # Errors
/// `ValidationException` for what is too long for the key; the vault's.
pub(super) fn seal(
    cx: &Context<'_>,
    (target, key): (&Target, &Key),
    context: &EncryptionContext,
    algorithm: &str,
    plaintext: &Sensitive<Vec<u8>>,
) -> Result<Made, Failure> {
    if key.spec == Spec::Symmetric {
        let made = material::encrypt(cx.vault(), &target.place, key, context, plaintext.expose())?;
        return Ok(Made { ciphertext: made.ciphertext, material_id: Some(made.material_id) });
    }
    let secret = material::secret(cx.vault(), key)?;
    let ciphertext = asymmetric::encrypt(key.spec, &secret, algorithm, plaintext.expose())?;
    Ok(Made { ciphertext, material_id: None })
}

/// The algorithm of a request.
pub(in crate::kms) fn algorithm_of(named: Option<&api::EncryptionAlgorithmSpec>) -> String {
    named.map_or(SYMMETRIC, api::EncryptionAlgorithmSpec::as_str).to_owned()
}

/// Adds `kms:EncryptionAlgorithm`.
pub(in crate::kms) fn algorithm(permission: Permission, algorithm: &str) -> Permission {
    permission.with("kms:EncryptionAlgorithm", algorithm)
}
