//! `CreateOpenIDConnectProvider`: takes tokens of an issuer in the account.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_store::{Tx, View};

use crate::iam::oidc::{ProviderTarget, check_clients, check_thumbprints, check_url};
use crate::iam::record::{OIDC_PROVIDERS, OidcProvider, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A provider to make.
#[derive(Debug)]
pub struct Request {
    target: ProviderTarget,
    url: String,
    client_ids: Vec<String>,
    thumbprints: Vec<String>,
    tags: Tags,
}

impl Resolve for api::CreateOpenIDConnectProvider {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_url(&input.url)?;
        let target = ProviderTarget::of_url(cx, view, &input.url)?;
        let tags = tags::pairs(input.tags);
        let on_provider = |action| tags::with_request_tags(target.permission(action), &tags);
        let mut permissions = vec![on_provider("iam:CreateOpenIDConnectProvider")];
        if !tags.is_empty() {
            permissions.push(on_provider("iam:TagOpenIDConnectProvider"));
        }
        let request = Request {
            target,
            url: input.url,
            client_ids: input.client_id_list.unwrap_or_default(),
            thumbprints: input.thumbprint_list.unwrap_or_default(),
            tags,
        };
        Ok(Checked::all(request, permissions))
    }
}

impl WriteHandler for api::CreateOpenIDConnectProvider {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, url, client_ids, thumbprints, tags } = request.into_request();
        if target.exists() {
            return Err(
                entity_already_exists_exception(format!("Provider with url {url} already exists.")).into()
            );
        }
        check_clients(&client_ids)?;
        check_thumbprints(&thumbprints)?;
        tags::check(&tags)?;
        let shown = tags::shown(&tags);
        let provider = OidcProvider { url, client_ids, thumbprints, created_at: cx.now, tags };
        tx.put(&OIDC_PROVIDERS, &target.key(), &provider);
        Ok(api::CreateOpenIDConnectProviderResponse {
            open_id_connect_provider_arn: Some(target.arn.to_string()),
            tags: shown,
        })
    }
}
