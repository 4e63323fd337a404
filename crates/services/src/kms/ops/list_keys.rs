//! `ListKeys`: the keys of the account in the Region.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::record::{KEYS, Key, KeyKey};
use crate::kms::target::on_account;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A page of keys.
#[derive(Debug)]
pub struct Request(Paging);

impl Resolve for api::ListKeys {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.limit, input.marker.as_deref(), 100)?;
        Ok(Checked::one(Request(paging), on_account(cx, "kms:ListKeys")))
    }
}

impl ReadHandler for api::ListKeys {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(paging) = request.into_request();
        let place = (cx.account(), cx.region());
        let rows = match paging.after() {
            Some(after) => view.scan_after(&KEYS, place, &(place.0, place.1, after)),
            None => view.scan(&KEYS, place),
        };
        let page = paging.page_of(rows, |((_, _, id), _)| id.as_str())?;
        let entry = |(place, key): (KeyKey, Arc<Key>)| api::KeyListEntry {
            key_id: Some(place.2),
            key_arn: Some(key.arn.to_string()),
        };
        Ok(api::ListKeysResponse {
            keys: Some(page.items.into_iter().map(entry).collect()),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
