//! `ListOpenIDConnectProviderTags`: the tags of an OpenID Connect provider.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::oidc::ProviderTarget;
use crate::iam::page::Paging;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListOpenIDConnectProviderTags {
    type Request = Checked<(ProviderTarget, Paging)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProviderTarget::find(cx, view, &input.open_id_connect_provider_arn)?;
        let permission = target.permission("iam:ListOpenIDConnectProviderTags");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListOpenIDConnectProviderTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = tags::page(&target.existing()?.tags, paging)?;
        Ok(api::ListOpenIDConnectProviderTagsResponse {
            tags: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
