//! `RemoveClientIDFromOpenIDConnectProvider`: takes no more tokens for a client. One that is not there is no error.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::ProviderTarget;
use crate::iam::record::OIDC_PROVIDERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::RemoveClientIDFromOpenIDConnectProvider {
    type Request = Checked<(ProviderTarget, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:RemoveClientIDFromOpenIDConnectProvider");
        Ok(Checked::one((target, input.client_id), permission))
    }
}

impl WriteHandler for api::RemoveClientIDFromOpenIDConnectProvider {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, client) = request.into_request();
        target.existing()?;
        tx.update(&OIDC_PROVIDERS, &target.key(), |provider| provider.client_ids.retain(|it| *it != client))?;
        Ok(api::RemoveClientIDFromOpenIDConnectProviderResponse {})
    }
}
