//! `GetAccessKeyInfo`: the account that an access key belongs to.

use landfall_api::sts as api;
use landfall_base::AccountId;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::iam::record::ACCESS_KEYS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetAccessKeyInfo {
    type Request = Checked<Option<AccountId>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let id = input.access_key_id;
        let key = view.get(&ACCESS_KEYS, id.as_str())?;
        // Temporary credentials are not kept: of those, a caller can ask about its own.
        let own = (cx.caller.access_key_id == id).then(|| cx.account().clone());
        let account = key.map(|key| key.account.clone()).or(own);
        Ok(Checked::one(account, Permission::on_anything("sts:GetAccessKeyInfo")))
    }
}

impl ReadHandler for api::GetAccessKeyInfo {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let unknown = || ServiceError::client("ValidationError", "The access key id is not known here.");
        let account = request.into_request().ok_or_else(unknown)?;
        Ok(api::GetAccessKeyInfoResponse { account: Some(account.to_string()) })
    }
}
