//! `ListGroupsForUser`: the groups that a user is in.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::groups::{of_user, shown};
use crate::iam::page::Paging;
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListGroupsForUser {
    type Request = Checked<(Target<User>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let permission = target.permission("iam:ListGroupsForUser");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListGroupsForUser {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        target.existing()?;
        let groups = of_user(view, target)?.into_iter().map(|(key, group)| (key, shown(&group)));
        let page = paging.sort_and_take(groups.collect())?;
        Ok(api::ListGroupsForUserResponse {
            groups: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
