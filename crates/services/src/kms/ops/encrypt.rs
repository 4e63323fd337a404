//! `Encrypt`: a short text, encrypted directly under a key.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::Blob;
use landfall_store::View;

use crate::kms::encryption_context::EncryptionContext;
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    plaintext: Sensitive<Vec<u8>>,
    dry_run: Option<bool>,
}

impl Resolve for api::Encrypt {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_options(input.encryption_algorithm.as_ref(), None)?;
        rules::check_plaintext(input.plaintext.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let context = EncryptionContext::of(input.encryption_context);
        let permission = context.add_to(algorithm(target.permission(cx, "kms:Encrypt")?));
        let request = Request { target, context, plaintext: input.plaintext, dry_run: input.dry_run };
        Ok(Checked::one(request, permission))
    }
}

impl ReadHandler for api::Encrypt {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, context, plaintext, dry_run } = request.into_request();
        let key = target.usable()?;
        rules::check_dry_run(dry_run)?;
        let made = material::encrypt(cx.vault(), &target.place, key, &context, plaintext.expose())?;
        Ok(api::EncryptResponse {
            ciphertext_blob: Some(Blob(made.ciphertext)),
            key_id: Some(key.arn.to_string()),
            encryption_algorithm: Some(rules::KEY_SPEC.into()),
        })
    }
}

/// Adds `kms:EncryptionAlgorithm`, which has one value for symmetric keys.
pub(super) fn algorithm(permission: Permission) -> Permission {
    permission.with("kms:EncryptionAlgorithm", rules::KEY_SPEC)
}
