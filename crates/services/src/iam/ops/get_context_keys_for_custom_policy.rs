//! `GetContextKeysForCustomPolicy`: the condition keys that policies ask for.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::simulate::keys_of;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetContextKeysForCustomPolicy {
    type Request = Checked<Vec<String>>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = Permission::on_anything("iam:GetContextKeysForCustomPolicy");
        Ok(Checked::one(input.policy_input_list, permission))
    }
}

impl ReadHandler for api::GetContextKeysForCustomPolicy {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let keys = keys_of(None, &request.request)?;
        Ok(api::GetContextKeysForPolicyResponse { context_key_names: Some(keys) })
    }
}
