//! `ListInstanceProfiles`: the instance profiles of the account.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::entity::list_permission;
use crate::iam::instance_profiles::shown;
use crate::iam::page::Paging;
use crate::iam::record::INSTANCE_PROFILES;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListInstanceProfiles {
    type Request = Checked<(String, Paging)>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let path_prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
        let permission = list_permission(cx, "iam:ListInstanceProfiles", "instance-profile", &path_prefix);
        Ok(Checked::one((path_prefix, paging), permission))
    }
}

impl ReadHandler for api::ListInstanceProfiles {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (path_prefix, paging) = &request.request;
        let mut profiles = Vec::new();
        for row in view.scan(&INSTANCE_PROFILES, (cx.account(),)) {
            let ((_, key), profile) = row?;
            if profile.path.starts_with(path_prefix) {
                profiles.push((key, shown(view, cx.account(), &profile, false)?));
            }
        }
        let page = paging.sort_and_take(profiles)?;
        Ok(api::ListInstanceProfilesResponse {
            instance_profiles: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
