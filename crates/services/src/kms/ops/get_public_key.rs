//! `GetPublicKey`: the public half of a key, for use outside KMS.

use landfall_api::kms as api;
use landfall_shape::Blob;
use landfall_store::View;

use crate::kms::asymmetric;
use crate::kms::material;
use crate::kms::target::Target;
use crate::kms::view::names;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::GetPublicKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:GetPublicKey")?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl ReadHandler for api::GetPublicKey {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        let key = target.usable()?;
        if !key.spec.is_asymmetric() {
            let message = format!("{} key spec is {}, which has no public key.", key.arn, key.spec.as_str());
            return Err(api::error::unsupported_operation_exception(message).into());
        }
        let secret = material::secret(cx.vault(), key)?;
        Ok(api::GetPublicKeyResponse {
            key_id: Some(key.arn.to_string()),
            public_key: Some(Blob(asymmetric::public_key(key.spec, &secret)?)),
            customer_master_key_spec: Some(key.spec.as_str().into()),
            key_spec: Some(key.spec.as_str().into()),
            key_usage: Some(key.usage.as_str().into()),
            encryption_algorithms: names(key.kind().encryption_algorithms()),
            signing_algorithms: names(key.kind().signing_algorithms()),
            key_agreement_algorithms: None,
        })
    }
}
