//! `TagOpenIDConnectProvider`: sets tags of an OpenID Connect provider.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::oidc::ProviderTarget;
use crate::iam::record::{OIDC_PROVIDERS, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::TagOpenIDConnectProvider {
    type Request = Checked<(ProviderTarget, Tags)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let tags = tags::pairs(Some(input.tags));
        let permission = tags::with_request_tags(target.permission("iam:TagOpenIDConnectProvider"), &tags);
        Ok(Checked::one((target, tags), permission))
    }
}

impl WriteHandler for api::TagOpenIDConnectProvider {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, new) = request.into_request();
        let merged = tags::merge(&target.existing()?.tags, &new)?;
        tx.update(&OIDC_PROVIDERS, &target.key(), |provider| provider.tags = merged)?;
        Ok(api::TagOpenIDConnectProviderResponse {})
    }
}
