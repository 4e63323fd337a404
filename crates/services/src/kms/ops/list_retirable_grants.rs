//! `ListRetirableGrants`: the grants that a principal may retire.

use landfall_api::kms as api;
use landfall_base::Arn;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::record::GRANTS;
use crate::kms::target::on_account;
use crate::kms::view as shown;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Whose grants.
#[derive(Debug)]
pub struct Request {
    retiring_principal: String,
    paging: Paging,
}

impl Resolve for api::ListRetirableGrants {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.limit, input.marker.as_deref(), 50)?;
        let request = Request { retiring_principal: input.retiring_principal, paging };
        Ok(Checked::one(request, on_account(cx, "kms:ListRetirableGrants")))
    }
}

impl ReadHandler for api::ListRetirableGrants {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { retiring_principal, paging } = request.into_request();
        let principal = retiring_principal.parse::<Arn>().ok();
        if principal.is_none_or(|arn| arn.account() != cx.account().as_str()) {
            let message = format!("ARN does not refer to a valid principal: {retiring_principal}");
            return Err(api::error::invalid_arn_exception(message).into());
        }
        let mut rows = view.list(&GRANTS, ())?;
        rows.retain(|((_, region, _, _), grant)| {
            region == cx.region() && grant.retiring_principal.as_ref() == Some(&retiring_principal)
        });
        rows.sort_by(|((_, _, _, one), _), ((_, _, _, other), _)| one.cmp(other));
        let page = paging.page(rows, |((_, _, _, id), _)| id.as_str());
        let shown = page.items.into_iter().map(|((account, region, key_id, id), grant)| {
            shown::grant(view, &(account, region, key_id), &id, &grant)
        });
        Ok(api::ListGrantsResponse {
            grants: Some(shown.collect::<Result<_, _>>()?),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
