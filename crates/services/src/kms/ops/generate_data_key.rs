//! `GenerateDataKey`: a new key for use outside KMS, in plaintext and encrypted.

use landfall_api::kms as api;
use landfall_shape::Blob;
use landfall_store::View;

use super::encrypt::{SYMMETRIC, algorithm};
use crate::kms::encryption_context::EncryptionContext;
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    length: usize,
    dry_run: Option<bool>,
}

impl Resolve for api::GenerateDataKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_recipient(input.recipient.as_ref())?;
        let length = rules::data_key_length(input.key_spec.as_ref(), input.number_of_bytes)?;
        let target = Target::find(cx, view, &input.key_id)?;
        let context = EncryptionContext::of(input.encryption_context);
        let permission = context.add_to(algorithm(target.permission(cx, "kms:GenerateDataKey")?, SYMMETRIC));
        let request = Request { target, context, length, dry_run: input.dry_run };
        Ok(Checked::one(request, permission))
    }
}

impl ReadHandler for api::GenerateDataKey {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, context, length, dry_run } = request.into_request();
        let key = target.symmetric("GenerateDataKey")?;
        rules::check_dry_run(dry_run)?;
        let plaintext = material::random_bytes(length);
        let made = material::encrypt(cx.vault(), &target.place, key, &context, plaintext.expose())?;
        Ok(api::GenerateDataKeyResponse {
            ciphertext_blob: Some(Blob(made.ciphertext)),
            plaintext: Some(plaintext),
            ciphertext_for_recipient: None,
            key_id: Some(key.arn.to_string()),
            key_material_id: Some(made.material_id),
        })
    }
}
