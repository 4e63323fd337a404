//! `DescribeParameters`: everything about parameters but their values, page by page.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::ssm::filters::Filters;
use crate::ssm::listing::{Listing, decode_token};
use crate::ssm::view;

const PAGE: i32 = 50;

/// What to list; nothing where parameters of others are asked for, because none can be shared.
#[derive(Debug)]
pub struct Request(Option<Listing>);

impl Resolve for api::DescribeParameters {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let filters = Filters::of_describe(input.filters, input.parameter_filters)?;
        let (prefix, one_level) = filters.scope();
        let listing = Listing {
            account: cx.account().clone(),
            region: cx.region().clone(),
            prefix,
            one_level,
            filters,
            after: decode_token(input.next_token.as_deref())?,
            limit: usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1),
        };
        let listing = (input.shared != Some(true)).then_some(listing);
        Ok(Checked::one(Request(listing), Permission::on_everything(cx, "ssm:DescribeParameters")))
    }
}

impl ReadHandler for api::DescribeParameters {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(listing) = request.into_request();
        let page = listing.map(|listing| listing.page(view)).transpose()?.unwrap_or_default();
        let shown = page.found.iter().map(|it| view::metadata(&it.key, &it.parameter, &it.version));
        Ok(api::DescribeParametersResult { parameters: Some(shown.collect()), next_token: page.next_token })
    }
}
