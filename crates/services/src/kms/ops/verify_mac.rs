//! `VerifyMac`: whether an authentication code is a message's.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_store::View;

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
    mac: Vec<u8>,
    algorithm: String,
    dry_run: Option<bool>,
}

impl Resolve for api::VerifyMac {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_length("message", input.message.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let algorithm = input.mac_algorithm.as_str().to_owned();
        let permission = target.permission(cx, "kms:VerifyMac")?.with("kms:MacAlgorithm", algorithm.as_str());
        let (message, mac, dry_run) = (input.message, input.mac.0, input.dry_run);
        Ok(Checked::one(Request { target, message, mac, algorithm, dry_run }, permission))
    }
}

impl ReadHandler for api::VerifyMac {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, message, mac, algorithm, dry_run } = request.into_request();
        let key = target.fit_for((Usage::Mac, "VerifyMac"), &algorithm)?;
        rules::check_dry_run(dry_run)?;
        let secret = material::secret(cx.vault(), key)?;
        asymmetric::verify_mac(&secret, &algorithm, message.expose(), &mac)?;
        Ok(api::VerifyMacResponse {
            key_id: Some(key.arn.to_string()),
            mac_valid: Some(true),
            mac_algorithm: Some(algorithm.as_str().into()),
        })
    }
}
