//! `UpdateOpenIDConnectProviderThumbprint`: sets the thumbprints of the issuer's certificates.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::{ProviderTarget, check_thumbprints};
use crate::iam::record::OIDC_PROVIDERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateOpenIDConnectProviderThumbprint {
    type Request = Checked<(ProviderTarget, Vec<String>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:UpdateOpenIDConnectProviderThumbprint");
        Ok(Checked::one((target, input.thumbprint_list), permission))
    }
}

impl WriteHandler for api::UpdateOpenIDConnectProviderThumbprint {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, thumbprints) = request.into_request();
        target.existing()?;
        check_thumbprints(&thumbprints)?;
        tx.update(&OIDC_PROVIDERS, &target.key(), |provider| provider.thumbprints = thumbprints)?;
        Ok(api::UpdateOpenIDConnectProviderThumbprintResponse {})
    }
}
