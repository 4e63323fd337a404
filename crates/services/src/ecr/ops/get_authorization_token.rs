//! `GetAuthorizationToken`: a password for the registry, bound to the caller.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_api::ecr as api;
use landfall_base::AccountId;
use landfall_store::View;

use crate::ecr::target::registry_account;
use crate::ecr::token;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetAuthorizationToken {
    type Request = Checked<Vec<AccountId>>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.registry_ids.unwrap_or_else(|| vec![cx.account().to_string()]);
        let accounts = ids.iter().map(|id| registry_account(cx, Some(id))).collect::<Result<_, _>>()?;
        Ok(Checked::one(accounts, Permission::on_anything("ecr:GetAuthorizationToken")))
    }
}

impl ReadHandler for api::GetAuthorizationToken {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let expires_at = cx.now.plus_seconds(token::LIFETIME);
        let password = token::issue(cx.vault(), cx.caller, expires_at)?;
        let token = STANDARD.encode(format!("AWS:{}", password.expose()));
        let entry = |account: &AccountId| api::AuthorizationData {
            authorization_token: Some(token.clone()),
            expires_at: Some(expires_at),
            proxy_endpoint: Some(cx.installation.registry.proxy_endpoint(account, cx.region())),
        };
        let data = request.into_request().iter().map(entry).collect();
        Ok(api::GetAuthorizationTokenResponse { authorization_data: Some(data) })
    }
}
