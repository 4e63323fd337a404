//! `GetGroup`: a group and its members.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::Target;
use crate::iam::groups::{members, shown};
use crate::iam::page::Paging;
use crate::iam::record::Group;
use crate::iam::view::listed_user;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetGroup {
    type Request = Checked<(Target<Group>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.group_name)?;
        let permission = target.permission("iam:GetGroup");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::GetGroup {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let group = shown(target.existing()?);
        let users = members(view, target)?.into_iter().map(|(key, user)| (key, listed_user(&user)));
        let page = paging.sort_and_take(users.collect())?;
        Ok(api::GetGroupResponse {
            group,
            users: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
