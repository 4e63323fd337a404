//! `AddClientIDToOpenIDConnectProvider`: takes tokens that were issued for a further client.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::{ProviderTarget, check_clients};
use crate::iam::record::OIDC_PROVIDERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::AddClientIDToOpenIDConnectProvider {
    type Request = Checked<(ProviderTarget, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:AddClientIDToOpenIDConnectProvider");
        Ok(Checked::one((target, input.client_id), permission))
    }
}

impl WriteHandler for api::AddClientIDToOpenIDConnectProvider {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, client) = request.into_request();
        let mut clients = target.existing()?.client_ids.clone();
        if !clients.contains(&client) {
            clients.push(client);
        }
        check_clients(&clients)?;
        tx.update(&OIDC_PROVIDERS, &target.key(), |provider| provider.client_ids = clients)?;
        Ok(api::AddClientIDToOpenIDConnectProviderResponse {})
    }
}
