//! `GetRepositoryPolicy`: who else may use a repository.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::principals;

impl Resolve for api::GetRepositoryPolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:GetRepositoryPolicy")
    }
}

impl ReadHandler for api::GetRepositoryPolicy {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let policy = target.existing()?.policy.as_ref().ok_or_else(|| wording::no_policy(&target.key))?;
        Ok(api::GetRepositoryPolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            policy_text: Some(principals::shown(view, policy)?),
        })
    }
}
