//! `Sign`: a signature of a message, or of its digest, with a key's private half.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::Blob;
use landfall_store::View;

use crate::kms::asymmetric;
use crate::kms::kind::Usage;
use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    message: Sensitive<Vec<u8>>,
    kind: Option<api::MessageType>,
    algorithm: String,
    dry_run: Option<bool>,
}

impl Resolve for api::Sign {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_length("message", input.message.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let algorithm = input.signing_algorithm.as_str().to_owned();
        let permission = target.permission(cx, "kms:Sign")?;
        let permission = conditions(permission, &algorithm, input.message_type.as_ref());
        let (message, kind, dry_run) = (input.message, input.message_type, input.dry_run);
        Ok(Checked::one(Request { target, message, kind, algorithm, dry_run }, permission))
    }
}

impl ReadHandler for api::Sign {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, message, kind, algorithm, dry_run } = request.into_request();
        let key = target.fit_for((Usage::Sign, "Sign"), &algorithm)?;
        let digest = asymmetric::digest_of(&algorithm, kind.as_ref(), message.expose())?;
        rules::check_dry_run(dry_run)?;
        let secret = material::secret(cx.vault(), key)?;
        let signature = asymmetric::sign(key.spec, &secret, &algorithm, &digest)?;
        Ok(api::SignResponse {
            key_id: Some(key.arn.to_string()),
            signature: Some(Blob(signature)),
            signing_algorithm: Some(algorithm.as_str().into()),
        })
    }
}

/// Adds `kms:SigningAlgorithm` and `kms:MessageType`.
pub(super) fn conditions(
    permission: Permission,
    algorithm: &str,
    kind: Option<&api::MessageType>,
) -> Permission {
    let kind = kind.map_or("RAW", api::MessageType::as_str);
    permission.with("kms:SigningAlgorithm", algorithm).with("kms:MessageType", kind)
}
