//! `GetLifecyclePolicy`: which images a repository lets go of, and when that was last looked at.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetLifecyclePolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:GetLifecyclePolicy")
    }
}

impl ReadHandler for api::GetLifecyclePolicy {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let policy =
            target.existing()?.lifecycle.as_ref().ok_or_else(|| wording::no_lifecycle(&target.key))?;
        Ok(api::GetLifecyclePolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            lifecycle_policy_text: Some(policy.text.clone()),
            last_evaluated_at: policy.evaluated_at,
        })
    }
}
