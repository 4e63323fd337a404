//! `ListAliases`: the aliases of the account in the Region, or of one key. Those of the services are there before their keys.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::names::{PREDEFINED, RESERVED};
use crate::kms::paging::Paging;
use crate::kms::record::{ALIASES, Alias, KeyKey};
use crate::kms::target::Target;
use crate::kms::target::on_account;
use crate::kms::view as shown;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A page of aliases.
#[derive(Debug)]
pub struct Request {
    target: Option<Target>,
    paging: Paging,
}

impl Resolve for api::ListAliases {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.limit, input.marker.as_deref(), 50)?;
        let target = input.key_id.map(|key_id| Target::find_key(cx, view, &key_id)).transpose()?;
        let permission = on_account(cx, "kms:ListAliases");
        Ok(Checked::one(Request { target, paging }, permission))
    }
}

impl ReadHandler for api::ListAliases {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, paging } = request.into_request();
        if let Some(foreign) = target.as_ref().filter(|target| target.place.0 != *cx.account()) {
            let message = format!("Key '{}' does not exist", foreign.arn);
            return Err(api::error::not_found_exception(message).into());
        }
        let wanted = target.as_ref().map(|target| target.existing().map(|_| &target.place.2)).transpose()?;
        let place = (cx.account(), cx.region());
        let rows = match paging.after() {
            Some(after) => view.scan_after(&ALIASES, place, &(place.0, place.1, after)),
            None => view.scan(&ALIASES, place),
        };
        let fits = |alias: &Alias| wanted.is_none_or(|key_id| alias.key_id == *key_id);
        let rows = rows.filter(|row| row.as_ref().map_or(true, |(_, alias)| fits(alias)));
        let rows = rows.map(|row| row.map(|(place, alias)| shown::alias(&place, &alias)));
        let keyless = if wanted.is_none() { keyless(cx, view) } else { Vec::new() };
        let keyless = keyless.iter().map(shown::alias_without_key);
        let page =
            paging.page_with(rows, keyless, |alias| alias.alias_name.as_deref().unwrap_or_default())?;
        Ok(api::ListAliasesResponse {
            aliases: Some(page.items),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}

/// The aliases of the services whose keys were not needed yet.
fn keyless(cx: &Context<'_>, view: &View) -> Vec<KeyKey> {
    let place = |service| (cx.account().clone(), cx.region().clone(), format!("{RESERVED}{service}"));
    PREDEFINED.into_iter().map(place).filter(|alias| !view.contains(&ALIASES, alias)).collect()
}
