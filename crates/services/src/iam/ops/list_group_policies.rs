//! `ListGroupPolicies`: the names of the inline policies of a group.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::inline;
use crate::iam::page::Paging;
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListGroupPolicies {
    type Request = Checked<(Target<Group>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.group_name)?;
        let permission = target.permission("iam:ListGroupPolicies");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListGroupPolicies {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = inline::names(view, target, paging)?;
        Ok(api::ListGroupPoliciesResponse {
            policy_names: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
