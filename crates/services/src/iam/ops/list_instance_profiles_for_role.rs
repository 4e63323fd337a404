//! `ListInstanceProfilesForRole`: the instance profiles that hold a role.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::instance_profiles::{of_role, shown};
use crate::iam::page::Paging;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListInstanceProfilesForRole {
    type Request = Checked<(Target<Role>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:ListInstanceProfilesForRole");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListInstanceProfilesForRole {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let role = target.existing()?;
        let mut profiles = Vec::new();
        for (key, profile) in of_role(view, cx.account(), &role.name)? {
            profiles.push((key, shown(view, cx.account(), &profile, false)?));
        }
        let page = paging.sort_and_take(profiles)?;
        Ok(api::ListInstanceProfilesForRoleResponse {
            instance_profiles: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
