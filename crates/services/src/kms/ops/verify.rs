//! `Verify`: whether a signature is a key's, for a message or its digest.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_store::View;

use super::sign::conditions;
use crate::kms::asymmetric;
use crate::kms::kind::Usage;
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    message: Sensitive<Vec<u8>>,
    kind: Option<api::MessageType>,
    signature: Vec<u8>,
    algorithm: String,
    dry_run: Option<bool>,
}

impl Resolve for api::Verify {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_length("message", input.message.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let algorithm = input.signing_algorithm.as_str().to_owned();
        let permission = target.permission(cx, "kms:Verify")?;
        let permission = conditions(permission, &algorithm, input.message_type.as_ref());
        let (message, kind, dry_run) = (input.message, input.message_type, input.dry_run);
        let signature = input.signature.0;
        Ok(Checked::one(Request { target, message, kind, signature, algorithm, dry_run }, permission))
    }
}

impl ReadHandler for api::Verify {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, message, kind, signature, algorithm, dry_run } = request.into_request();
        let key = target.fit_for((Usage::Sign, "Verify"), &algorithm)?;
        let digest = asymmetric::digest_of(&algorithm, kind.as_ref(), message.expose())?;
        rules::check_dry_run(dry_run)?;
        let secret = material::secret(cx.vault(), key)?;
        asymmetric::verify(key.spec, &secret, &algorithm, &digest, &signature)?;
        Ok(api::VerifyResponse {
            key_id: Some(key.arn.to_string()),
            signature_valid: Some(true),
            signing_algorithm: Some(algorithm.as_str().into()),
        })
    }
}
