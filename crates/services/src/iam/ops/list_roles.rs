//! `ListRoles`: the roles of the account.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::{Entity, list_permission};
use crate::iam::page::Paging;
use crate::iam::record::{ROLES, Role};
use crate::iam::view::listed_role;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListRoles {
    type Request = Checked<(String, Paging)>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let path_prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
        let permission = list_permission(cx, "iam:ListRoles", Role::KIND, &path_prefix);
        Ok(Checked::one((path_prefix, paging), permission))
    }
}

impl ReadHandler for api::ListRoles {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (path_prefix, paging) = &request.request;
        let rows = view.scan_after(&ROLES, (cx.account(),), &(cx.account(), paging.after()));
        let below =
            rows.filter(|row| row.as_ref().map_or(true, |(_, role)| role.path.starts_with(path_prefix)));
        let page = paging.take(below.map(|row| {
            let ((_, name), role) = row?;
            Ok((name, listed_role(view, &role)?))
        }))?;
        Ok(api::ListRolesResponse { roles: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}
