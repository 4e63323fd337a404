//! `GenerateMac`: the authentication code of a message.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::Blob;
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
    algorithm: String,
    dry_run: Option<bool>,
}

impl Resolve for api::GenerateMac {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_length("message", input.message.expose())?;
        let target = Target::find(cx, view, &input.key_id)?;
        let algorithm = input.mac_algorithm.as_str().to_owned();
        let permission =
            target.permission(cx, "kms:GenerateMac")?.with("kms:MacAlgorithm", algorithm.as_str());
        let (message, dry_run) = (input.message, input.dry_run);
        Ok(Checked::one(Request { target, message, algorithm, dry_run }, permission))
    }
}

impl ReadHandler for api::GenerateMac {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, message, algorithm, dry_run } = request.into_request();
        let key = target.fit_for((Usage::Mac, "GenerateMac"), &algorithm)?;
        rules::check_dry_run(dry_run)?;
        let secret = material::secret(cx.vault(), key)?;
        Ok(api::GenerateMacResponse {
            mac: Some(Blob(asymmetric::mac(&secret, &algorithm, message.expose()))),
            mac_algorithm: Some(algorithm.as_str().into()),
            key_id: Some(key.arn.to_string()),
        })
    }
}
