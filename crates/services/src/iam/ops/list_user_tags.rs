//! `ListUserTags`: the tags of a user.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::page::Paging;
use crate::iam::record::User;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListUserTags {
    type Request = Checked<(Target<User>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let permission = target.permission("iam:ListUserTags");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListUserTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = tags::page(&target.existing()?.tags, paging)?;
        Ok(api::ListUserTagsResponse {
            tags: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
