//! `GetRole`: a role.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::iam::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetRole {
    type Request = Checked<Target<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:GetRole");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::GetRole {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let role = view::role(view, request.request.existing()?)?;
        Ok(api::GetRoleResponse { role })
    }
}
