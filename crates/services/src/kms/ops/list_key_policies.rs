//! `ListKeyPolicies`: the names of the key policies, of which there is one.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    paging: Paging,
}

impl Resolve for api::ListKeyPolicies {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:ListKeyPolicies")?;
        let paging = Paging::of(input.limit, input.marker.as_deref(), 100)?;
        Ok(Checked::one(Request { target, paging }, permission))
    }
}

impl ReadHandler for api::ListKeyPolicies {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, paging } = request.into_request();
        target.existing()?;
        let page = paging.page(["default".to_owned()], |name| name.as_str());
        Ok(api::ListKeyPoliciesResponse {
            policy_names: Some(page.items),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
