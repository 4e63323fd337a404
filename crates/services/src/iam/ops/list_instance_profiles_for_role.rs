//! `ListInstanceProfilesForRole`: the instance profiles of a role: none, for none can be made.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListInstanceProfilesForRole {
    type Request = Checked<Target<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:ListInstanceProfilesForRole");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::ListInstanceProfilesForRole {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        request.request.existing()?;
        Ok(api::ListInstanceProfilesForRoleResponse {
            instance_profiles: Vec::new(),
            is_truncated: Some(false),
            marker: None,
        })
    }
}
