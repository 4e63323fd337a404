//! `GetKeyPolicy`: the key policy.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::principals;

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::GetKeyPolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:GetKeyPolicy")?;
        super::put_key_policy::check_name(input.policy_name.as_deref())?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl ReadHandler for api::GetKeyPolicy {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        Ok(api::GetKeyPolicyResponse {
            policy: Some(principals::shown(view, &target.existing()?.policy)?),
            policy_name: Some("default".to_owned()),
        })
    }
}
