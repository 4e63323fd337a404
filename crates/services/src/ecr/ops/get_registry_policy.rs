//! `GetRegistryPolicy`: the policy of the caller's registry.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::record::REGISTRY_POLICIES;
use crate::ecr::rules::wording;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::principals;

impl Resolve for api::GetRegistryPolicy {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("ecr:GetRegistryPolicy")))
    }
}

impl ReadHandler for api::GetRegistryPolicy {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let policy = view.get(&REGISTRY_POLICIES, &(cx.account(), cx.region()))?;
        let policy = policy.ok_or_else(|| wording::no_registry_policy(cx.account()))?;
        Ok(api::GetRegistryPolicyResponse {
            registry_id: Some(cx.account().to_string()),
            policy_text: Some(principals::shown(view, &policy)?),
        })
    }
}
