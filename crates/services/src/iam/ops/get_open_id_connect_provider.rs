//! `GetOpenIDConnectProvider`: a provider with its client ids.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::oidc::{ProviderTarget, shown};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetOpenIDConnectProvider {
    type Request = Checked<ProviderTarget>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:GetOpenIDConnectProvider");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::GetOpenIDConnectProvider {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        Ok(shown(request.request.existing()?))
    }
}
