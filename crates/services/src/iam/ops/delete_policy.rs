//! `DeletePolicy`: deletes a managed policy that nobody has and that has one version.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::managed::{PolicyTarget, Usage, Usages};
use crate::iam::record::{POLICIES, POLICY_VERSIONS};
use crate::iam::versions::versions;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeletePolicy {
    type Request = Checked<PolicyTarget>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:DeletePolicy");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeletePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let (policy, (account, key)) = target.changeable(cx, "iam:DeletePolicy")?;
        if Usages::of(tx, &account)?.get(&policy.arn) != Usage::default() {
            return Err(delete_conflict_exception("Cannot delete a policy attached to entities.").into());
        }
        if versions(tx, &target.arn, policy)?.len() > 1 {
            let text = "This policy has more than one version. Before you delete a policy, you must delete the \
                        policy's versions. The default version is deleted with the policy.";
            return Err(delete_conflict_exception(text).into());
        }
        tx.delete(&POLICY_VERSIONS, &(&account, key.as_str(), policy.default_version));
        tx.delete(&POLICIES, &(&account, key.as_str()));
        Ok(api::DeletePolicyResponse {})
    }
}
