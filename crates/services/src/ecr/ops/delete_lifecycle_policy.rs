//! `DeleteLifecyclePolicy`: a repository keeps its images; answers the policy that it had.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteLifecyclePolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:DeleteLifecyclePolicy")
    }
}

impl WriteHandler for api::DeleteLifecyclePolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut row = Repository::clone(target.existing()?);
        let policy = row.lifecycle.take().ok_or_else(|| wording::no_lifecycle(&target.key))?;
        tx.put(&REPOSITORIES, &target.key, row);
        Ok(api::DeleteLifecyclePolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            lifecycle_policy_text: Some(policy.text),
            last_evaluated_at: policy.evaluated_at,
        })
    }
}
