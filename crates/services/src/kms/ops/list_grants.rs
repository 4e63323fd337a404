//! `ListGrants`: the grants on a key.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::record::GRANTS;
use crate::kms::target::Target;
use crate::kms::view as shown;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    paging: Paging,
    grant_id: Option<String>,
    grantee: Option<String>,
}

impl Resolve for api::ListGrants {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:ListGrants")?.with("kms:GrantIsForAWSResource", "false");
        let paging = Paging::of(input.limit, input.marker.as_deref(), 50)?;
        let (grant_id, grantee) = (input.grant_id, input.grantee_principal);
        Ok(Checked::one(Request { target, paging, grant_id, grantee }, permission))
    }
}

impl ReadHandler for api::ListGrants {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, paging, grant_id, grantee } = request.into_request();
        target.existing()?;
        let (account, region, key_id) = &target.place;
        let mut rows = view.list(&GRANTS, (account, region, key_id.as_str()))?;
        rows.retain(|((_, _, _, id), grant)| {
            grant_id.as_ref().is_none_or(|wanted| wanted == id)
                && grantee.as_ref().is_none_or(|wanted| *wanted == grant.rule.grantee)
        });
        let page = paging.page(rows, |((_, _, _, id), _)| id.as_str());
        let grants =
            page.items.iter().map(|((_, _, _, id), grant)| shown::grant(view, &target.place, id, grant));
        Ok(api::ListGrantsResponse {
            grants: Some(grants.collect::<Result<_, _>>()?),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
