//! `GetPolicy`: a managed policy.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::managed::{PolicyTarget, Usages};
use crate::iam::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetPolicy {
    type Request = Checked<PolicyTarget>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:GetPolicy");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::GetPolicy {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let policy = request.request.existing()?;
        let usage = Usages::of(view, cx.account())?.get(policy.arn());
        Ok(api::GetPolicyResponse { policy: Some(view::policy(policy, usage)) })
    }
}
