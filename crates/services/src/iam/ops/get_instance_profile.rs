//! `GetInstanceProfile`: an instance profile and its role.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::instance_profiles::{ProfileTarget, shown};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetInstanceProfile {
    type Request = Checked<ProfileTarget>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let permission = target.permission("iam:GetInstanceProfile");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::GetInstanceProfile {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let profile = request.request.existing()?;
        Ok(api::GetInstanceProfileResponse { instance_profile: shown(view, cx.account(), profile, true)? })
    }
}
