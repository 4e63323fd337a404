//! `DeleteRepositoryPolicy`: nobody else may use a repository any more; answers the policy that it had.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::principals;

impl Resolve for api::DeleteRepositoryPolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:DeleteRepositoryPolicy")
    }
}

impl WriteHandler for api::DeleteRepositoryPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut row = Repository::clone(target.existing()?);
        let policy = row.policy.take().ok_or_else(|| wording::no_policy(&target.key))?;
        tx.put(&REPOSITORIES, &target.key, row);
        Ok(api::DeleteRepositoryPolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            policy_text: Some(principals::shown(tx, &policy)?),
        })
    }
}
