//! `GetCallerIdentity`: needs no permission and cannot be denied.

use landfall_api::sts as api;
use landfall_store::View;

use crate::pipe::{Allowed, Authorized, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetCallerIdentity {
    type Request = Allowed<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Allowed(()))
    }
}

impl ReadHandler for api::GetCallerIdentity {
    fn run(cx: &Context<'_>, _: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        Ok(api::GetCallerIdentityResponse {
            user_id: cx.caller.principal.user_id().map(str::to_owned),
            account: Some(cx.account().to_string()),
            arn: Some(cx.caller.arn()),
        })
    }
}
