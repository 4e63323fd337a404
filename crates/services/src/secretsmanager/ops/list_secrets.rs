//! `ListSecrets`: the secrets of the account in the Region.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::secretsmanager::filters::Filters;
use crate::secretsmanager::listing::{Listing, Order, decode_token, is_descending};
use crate::secretsmanager::view;

const PAGE: i32 = 100;

impl Resolve for api::ListSecrets {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let listing = Listing {
            account: cx.account().clone(),
            region: cx.region().clone(),
            filters: Filters::of(input.filters)?,
            include_deleted: input.include_planned_deletion.unwrap_or_default(),
            order: Order::of(input.sort_by.as_ref()),
            descending: is_descending(input.sort_order.as_ref()),
            cursor: decode_token(input.next_token.as_deref())?,
            limit: usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1),
        };
        Ok(Checked::one(listing, Permission::on_anything("secretsmanager:ListSecrets")))
    }
}

impl ReadHandler for api::ListSecrets {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let page = request.request.page(view)?;
        let entries = page.secrets.iter().map(|(_, secret)| view::list_entry(secret));
        Ok(api::ListSecretsResponse { secret_list: Some(entries.collect()), next_token: page.next_token })
    }
}
