//! `GetContextKeysForPrincipalPolicy`: the condition keys that the policies of a user, group or role ask for.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::simulate::{SourceTarget, keys_of};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetContextKeysForPrincipalPolicy {
    type Request = Checked<(SourceTarget, Vec<String>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = SourceTarget::find(cx, view, &input.policy_source_arn)?;
        let permission = target.permission("iam:GetContextKeysForPrincipalPolicy");
        Ok(Checked::one((target, input.policy_input_list.unwrap_or_default()), permission))
    }
}

impl ReadHandler for api::GetContextKeysForPrincipalPolicy {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (target, documents) = request.into_request();
        let keys = keys_of(Some(&target.into_source()?), &documents)?;
        Ok(api::GetContextKeysForPolicyResponse { context_key_names: Some(keys) })
    }
}
