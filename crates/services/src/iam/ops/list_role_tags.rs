//! `ListRoleTags`: the tags of a role.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::page::Paging;
use crate::iam::record::Role;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListRoleTags {
    type Request = Checked<(Target<Role>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:ListRoleTags");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListRoleTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = tags::page(&target.existing()?.tags, paging)?;
        Ok(api::ListRoleTagsResponse {
            tags: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
