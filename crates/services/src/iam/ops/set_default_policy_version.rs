//! `SetDefaultPolicyVersion`: chooses the version that counts.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::managed::PolicyTarget;
use crate::iam::record::POLICIES;
use crate::iam::versions::{find_version, no_version};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::SetDefaultPolicyVersion {
    type Request = Checked<(PolicyTarget, String)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:SetDefaultPolicyVersion");
        Ok(Checked::one((target, input.version_id), permission))
    }
}

impl WriteHandler for api::SetDefaultPolicyVersion {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, version_id) = request.into_request();
        let (policy, key) = target.changeable(cx, "iam:SetDefaultPolicyVersion")?;
        let found = find_version(tx, &target.arn, policy, &version_id)?;
        let (number, _) = found.ok_or_else(|| no_version(&target.arn, &version_id))?;
        tx.update(&POLICIES, &key, |policy| {
            policy.default_version = number;
            policy.updated_at = cx.now;
        })?;
        Ok(api::SetDefaultPolicyVersionResponse {})
    }
}
