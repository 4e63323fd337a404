//! `GetAccessKeyLastUsed`: whose an access key is and when it was last used.

use landfall_api::iam as api;
use std::sync::Arc;

use landfall_store::View;

use crate::iam::access_keys::missing;
use crate::iam::entity::Target;
use crate::iam::record::{ACCESS_KEYS, AccessKey, User};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetAccessKeyLastUsed {
    type Request = Checked<(String, Option<Arc<AccessKey>>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let key = view.get(&ACCESS_KEYS, input.access_key_id.as_str())?;
        let key = key.filter(|key| &key.account == cx.account());
        let permission = match &key {
            Some(key) => Target::<User>::find(cx, view, &key.user)?.permission("iam:GetAccessKeyLastUsed"),
            None => Permission::on_anything("iam:GetAccessKeyLastUsed"),
        };
        let permission = permission.shown_as(format!("access key {}", input.access_key_id));
        Ok(Checked::one((input.access_key_id, key), permission))
    }
}

impl ReadHandler for api::GetAccessKeyLastUsed {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (id, key) = request.into_request();
        let key = key.ok_or_else(|| missing(&id))?;
        // What AWS says of a key that was never used.
        let never = || "N/A".to_owned();
        let (day, service, region) = key
            .last_used
            .clone()
            .map_or_else(|| (None, never(), never()), |(day, service, region)| (Some(day), service, region));
        let used = api::AccessKeyLastUsed { last_used_date: day, service_name: service, region };
        Ok(api::GetAccessKeyLastUsedResponse {
            user_name: Some(key.user.clone()),
            access_key_last_used: Some(used),
        })
    }
}
