//! `StartLifecyclePolicyPreview`: works out what a lifecycle policy would do now, and keeps that to be read.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::lifecycle;
use crate::ecr::record::{PREVIEWS, Preview};
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A policy to be tried.
#[derive(Debug)]
pub struct Request {
    target: Target,
    text: Option<String>,
}

impl Resolve for api::StartLifecyclePolicyPreview {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:StartLifecyclePolicyPreview")?;
        Ok(checked.map(|target| Request { target, text: input.lifecycle_policy_text }))
    }
}

impl WriteHandler for api::StartLifecyclePolicyPreview {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, text } = request.into_request();
        let own = target.existing()?.lifecycle.as_ref().map(|policy| policy.text.clone());
        let text = text.or(own).ok_or_else(|| wording::no_lifecycle(&target.key))?;
        let policy = lifecycle::parse(&text)?;
        let expiring = lifecycle::expiring(tx, &target.key, &policy, cx.now)?;
        tx.put(&PREVIEWS, &target.key, Preview { text: text.clone(), expiring });
        Ok(api::StartLifecyclePolicyPreviewResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            lifecycle_policy_text: Some(text),
            status: Some(api::LifecyclePolicyPreviewStatus::InProgress),
        })
    }
}
