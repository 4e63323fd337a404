//! `UntagPolicy`: removes tags of a managed policy.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::managed::PolicyTarget;
use crate::iam::record::POLICIES;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UntagPolicy {
    type Request = Checked<(PolicyTarget, Vec<String>)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:UntagPolicy").with_all("aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one((target, input.tag_keys), permission))
    }
}

impl WriteHandler for api::UntagPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, keys) = request.into_request();
        let (_, key) = target.changeable(cx, "iam:UntagPolicy")?;
        tx.update(&POLICIES, &key, |policy| tags::remove(&mut policy.tags, &keys))?;
        Ok(api::UntagPolicyResponse {})
    }
}
