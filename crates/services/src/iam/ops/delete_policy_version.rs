//! `DeletePolicyVersion`: deletes a version that is not the default.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::managed::PolicyTarget;
use crate::iam::record::POLICY_VERSIONS;
use crate::iam::versions::{find_version, no_version};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeletePolicyVersion {
    type Request = Checked<(PolicyTarget, String)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:DeletePolicyVersion");
        Ok(Checked::one((target, input.version_id), permission))
    }
}

impl WriteHandler for api::DeletePolicyVersion {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, version_id) = request.into_request();
        let (policy, (account, key)) = target.changeable(cx, "iam:DeletePolicyVersion")?;
        let found = find_version(tx, &target.arn, policy, &version_id)?;
        let (number, _) = found.ok_or_else(|| no_version(&target.arn, &version_id))?;
        if number == policy.default_version {
            let text = "Cannot delete the default version of a policy.";
            return Err(delete_conflict_exception(text).into());
        }
        tx.delete(&POLICY_VERSIONS, &(&account, key.as_str(), number));
        Ok(api::DeletePolicyVersionResponse {})
    }
}
