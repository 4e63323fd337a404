//! `SetRepositoryPolicy`: who else may use a repository.

use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_iam::Policy;
use landfall_store::{Tx, View};

use crate::ecr::policy::{self, Kind};
use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler, would_allow};

/// A policy to be set.
#[derive(Debug)]
pub struct Request {
    target: Target,
    policy: String,
    force: bool,
}

impl Resolve for api::SetRepositoryPolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:SetRepositoryPolicy")?;
        let force = input.force.unwrap_or_default();
        Ok(checked.map(|target| Request { target, policy: input.policy_text, force }))
    }
}

impl WriteHandler for api::SetRepositoryPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, policy, force } = request.into_request();
        let row = Repository::clone(target.existing()?);
        let policy = Arc::new(policy::parse(tx, Kind::Repository, &policy)?);
        if !force {
            refuse_lockout(cx, tx, &target, &policy)?;
        }
        let text = policy.text().to_owned();
        tx.put(&REPOSITORIES, &target.key, Repository { policy: Some(policy), ..row });
        Ok(api::SetRepositoryPolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            policy_text: Some(text),
        })
    }
}

/// A policy that its author could not change again needs `force`.
fn refuse_lockout(
    cx: &Context<'_>,
    view: &View,
    target: &Target,
    policy: &Arc<Policy>,
) -> Result<(), Failure> {
    let again = target.permission(view, "ecr:SetRepositoryPolicy")?.guarded_by(Some(Arc::clone(policy)));
    // Nobody makes that call now.
    if would_allow(cx, view, &api::SERVICE, &again)? {
        return Ok(());
    }
    let text = "The policy would prevent you from setting a policy again. Use force to set it all the same";
    Err(wording::invalid("PolicyText", text).into())
}
