//! `TagPolicy`: sets tags of a managed policy.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::managed::PolicyTarget;
use crate::iam::record::{POLICIES, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::TagPolicy {
    type Request = Checked<(PolicyTarget, Tags)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let tags = tags::pairs(Some(input.tags));
        let permission = tags::with_request_tags(target.permission("iam:TagPolicy"), &tags);
        Ok(Checked::one((target, tags), permission))
    }
}

impl WriteHandler for api::TagPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, new) = request.into_request();
        let (policy, key) = target.changeable(cx, "iam:TagPolicy")?;
        let merged = tags::merge(&policy.tags, &new)?;
        tx.update(&POLICIES, &key, |policy| policy.tags = merged)?;
        Ok(api::TagPolicyResponse {})
    }
}
