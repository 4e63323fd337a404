//! `DeleteOpenIDConnectProvider`: takes no more tokens of an issuer. One that is not there is no error.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::ProviderTarget;
use crate::iam::record::OIDC_PROVIDERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteOpenIDConnectProvider {
    type Request = Checked<ProviderTarget>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:DeleteOpenIDConnectProvider");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteOpenIDConnectProvider {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        if target.exists() {
            tx.delete(&OIDC_PROVIDERS, &target.key());
        }
        Ok(api::DeleteOpenIDConnectProviderResponse {})
    }
}
