//! `GenerateDataKeyPair`: a new key pair for use outside KMS; its private half in plaintext and encrypted.

use landfall_api::kms as api;
use landfall_shape::Blob;
use landfall_store::View;

use super::encrypt::{SYMMETRIC, algorithm};
use crate::kms::asymmetric;
use crate::kms::encryption_context::EncryptionContext;
use crate::kms::kind::Spec;
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    spec: Spec,
    dry_run: Option<bool>,
}

impl Resolve for api::GenerateDataKeyPair {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_recipient(input.recipient.as_ref())?;
        let spec = pair_spec(&input.key_pair_spec)?;
        let target = Target::find(cx, view, &input.key_id)?;
        let context = EncryptionContext::of(input.encryption_context);
        let permission = algorithm(target.permission(cx, "kms:GenerateDataKeyPair")?, SYMMETRIC);
        let permission = context.add_to(permission).with("kms:DataKeyPairSpec", spec.as_str());
        Ok(Checked::one(Request { target, context, spec, dry_run: input.dry_run }, permission))
    }
}

impl ReadHandler for api::GenerateDataKeyPair {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, context, spec, dry_run } = request.into_request();
        let key = target.symmetric("GenerateDataKeyPair")?;
        rules::check_dry_run(dry_run)?;
        let private = asymmetric::new_secret(spec)?;
        let public = asymmetric::public_key(spec, &private)?;
        let made = material::encrypt(cx.vault(), &target.place, key, &context, private.expose())?;
        Ok(api::GenerateDataKeyPairResponse {
            private_key_ciphertext_blob: Some(Blob(made.ciphertext)),
            private_key_plaintext: Some(private),
            public_key: Some(Blob(public)),
            key_id: Some(key.arn.to_string()),
            key_pair_spec: Some(spec.as_str().into()),
            ciphertext_for_recipient: None,
            key_material_id: Some(made.material_id),
        })
    }
}

/// The kind of a pair.
///
/// # Errors
/// `UnsupportedOperationException` for kinds that are not available.
pub(super) fn pair_spec(spec: &api::DataKeyPairSpec) -> Result<Spec, Failure> {
    let name = spec.as_str();
    let spec = Spec::parse(name).filter(|spec| spec.is_asymmetric());
    spec.ok_or_else(|| rules::unavailable(&format!("KeyPairSpec {name}")).into())
}
