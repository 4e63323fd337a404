//! `UntagOpenIDConnectProvider`: removes tags of an OpenID Connect provider.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::ProviderTarget;
use crate::iam::record::OIDC_PROVIDERS;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UntagOpenIDConnectProvider {
    type Request = Checked<(ProviderTarget, Vec<String>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target
            .permission("iam:UntagOpenIDConnectProvider")
            .with_all("aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one((target, input.tag_keys), permission))
    }
}

impl WriteHandler for api::UntagOpenIDConnectProvider {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, keys) = request.into_request();
        target.existing()?;
        tx.update(&OIDC_PROVIDERS, &target.key(), |provider| tags::remove(&mut provider.tags, &keys))?;
        Ok(api::UntagOpenIDConnectProviderResponse {})
    }
}
