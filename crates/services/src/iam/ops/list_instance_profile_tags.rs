//! `ListInstanceProfileTags`: the tags of an instance profile.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::page::Paging;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListInstanceProfileTags {
    type Request = Checked<(ProfileTarget, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let permission = target.permission("iam:ListInstanceProfileTags");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListInstanceProfileTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = tags::page(&target.existing()?.tags, paging)?;
        Ok(api::ListInstanceProfileTagsResponse {
            tags: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
