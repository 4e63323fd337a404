//! `ListOpenIDConnectProviders`: the ARNs of the account's providers.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::oidc::arn_of;
use crate::iam::record::OIDC_PROVIDERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListOpenIDConnectProviders {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("iam:ListOpenIDConnectProviders")))
    }
}

impl ReadHandler for api::ListOpenIDConnectProviders {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let rows = view.list(&OIDC_PROVIDERS, (cx.account(),))?;
        let entry = |key: &str| api::OpenIDConnectProviderListEntry {
            arn: Some(arn_of(cx.account(), key).to_string()),
        };
        Ok(api::ListOpenIDConnectProvidersResponse {
            open_id_connect_provider_list: Some(rows.iter().map(|((_, key), _)| entry(key)).collect()),
        })
    }
}
