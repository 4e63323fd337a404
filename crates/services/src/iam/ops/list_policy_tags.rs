//! `ListPolicyTags`: the tags of a managed policy.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::managed::PolicyTarget;
use crate::iam::page::Paging;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListPolicyTags {
    type Request = Checked<(PolicyTarget, Paging)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let permission = target.permission("iam:ListPolicyTags");
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListPolicyTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = tags::page(target.existing()?.tags(), paging)?;
        Ok(api::ListPolicyTagsResponse {
            tags: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
