//! `ListAccessKeys`: the access keys of a user, without their secrets.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::access_keys;
use crate::iam::entity::Target;
use crate::iam::page::Paging;
use crate::iam::record::{AccessKey, User};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListAccessKeys {
    type Request = Checked<(Target<User>, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = input.user_name.as_deref();
        let target = access_keys::named_or_calling(cx, view, name)?;
        let permission = access_keys::permission(&target, "iam:ListAccessKeys", name);
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListAccessKeys {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        target.existing()?;
        let keys = access_keys::of_user(view, target)?;
        let page = paging.take(keys.into_iter().map(|(id, key)| Ok((id.clone(), shown(id, &key)))))?;
        Ok(api::ListAccessKeysResponse {
            access_key_metadata: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn shown(id: String, key: &AccessKey) -> api::AccessKeyMetadata {
    let status = if key.active { api::StatusType::Active } else { api::StatusType::Inactive };
    api::AccessKeyMetadata {
        user_name: Some(key.user.clone()),
        access_key_id: Some(id),
        status: Some(status),
        create_date: Some(key.created_at),
    }
}
