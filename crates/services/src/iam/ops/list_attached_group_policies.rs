//! `ListAttachedGroupPolicies`: the managed policies of a group.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::attachments;
use crate::iam::entity::Target;
use crate::iam::page::Paging;
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Whose policies, below which path, and which of them.
#[derive(Debug)]
pub struct Request {
    target: Target<Group>,
    path_prefix: Option<String>,
    paging: Paging,
}

impl Resolve for api::ListAttachedGroupPolicies {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.group_name)?;
        let permission = target.permission("iam:ListAttachedGroupPolicies");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one(Request { target, path_prefix: input.path_prefix, paging }, permission))
    }
}

impl ReadHandler for api::ListAttachedGroupPolicies {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, path_prefix, paging } = &request.request;
        let page = attachments::list(view, target, path_prefix.as_deref(), paging)?;
        Ok(api::ListAttachedGroupPoliciesResponse {
            attached_policies: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
