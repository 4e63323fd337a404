//! `GetAccountAuthorizationDetails`: users, groups, roles and policies with everything that says who may do what.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::authorization_details::{Detail, details, split};
use crate::iam::page::Paging;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetAccountAuthorizationDetails {
    type Request = Checked<(Option<Vec<api::EntityType>>, Paging)>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let permission = Permission::on_anything("iam:GetAccountAuthorizationDetails");
        Ok(Checked::one((input.filter, paging), permission))
    }
}

impl ReadHandler for api::GetAccountAuthorizationDetails {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (filter, paging) = &request.request;
        let wanted = |kind: &api::EntityType| {
            filter.as_ref().is_none_or(|filter| filter.is_empty() || filter.contains(kind))
        };
        let all: Vec<(String, Detail)> = details(view, cx.account(), wanted)?;
        let page = paging.sort_and_take(all)?;
        let (users, groups, roles, policies) = split(page.items);
        Ok(api::GetAccountAuthorizationDetailsResponse {
            user_detail_list: Some(users),
            group_detail_list: Some(groups),
            role_detail_list: Some(roles),
            policies: Some(policies),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
