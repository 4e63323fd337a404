//! `PutLifecyclePolicy`: which images a repository lets go of.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::lifecycle;
use crate::ecr::record::{Lifecycle, REPOSITORIES, Repository};
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A policy to be set.
#[derive(Debug)]
pub struct Request {
    target: Target,
    text: String,
}

impl Resolve for api::PutLifecyclePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:PutLifecyclePolicy")?;
        Ok(checked.map(|target| Request { target, text: input.lifecycle_policy_text }))
    }
}

impl WriteHandler for api::PutLifecyclePolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, text } = request.into_request();
        let row = Repository::clone(target.existing()?);
        lifecycle::parse(&text)?;
        let policy = Lifecycle { text: text.clone(), evaluated_at: None };
        tx.put(&REPOSITORIES, &target.key, Repository { lifecycle: Some(policy), ..row });
        Ok(api::PutLifecyclePolicyResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            lifecycle_policy_text: Some(text),
        })
    }
}
