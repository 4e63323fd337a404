//! `CreatePolicyVersion`: adds a version to a managed policy.

use landfall_api::iam as api;
use landfall_api::iam::error::limit_exceeded_exception;
use landfall_store::{Tx, View};

use crate::iam::documents;
use crate::iam::managed::PolicyTarget;
use crate::iam::record::{ManagedPolicy, POLICIES, POLICY_VERSIONS, PolicyVersion};
use crate::iam::versions::{QUOTA, versions};
use crate::iam::view::listed_version;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::CreatePolicyVersion {
    type Request = Checked<(PolicyTarget, api::CreatePolicyVersionRequest)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:CreatePolicyVersion");
        Ok(Checked::one((target, input), permission))
    }
}

impl WriteHandler for api::CreatePolicyVersion {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, input) = request.into_request();
        let (policy, key) = target.changeable(cx, "iam:CreatePolicyVersion")?;
        if versions(tx, &target.arn, policy)?.len() >= QUOTA {
            let text = "A managed policy can have up to 5 versions. Before you create a new version, you must \
                        delete an existing version.";
            return Err(limit_exceeded_exception(text).into());
        }
        let version =
            PolicyVersion { policy: documents::managed(&input.policy_document)?, created_at: cx.now };
        let mut policy = ManagedPolicy::clone(policy);
        policy.last_version += 1;
        if input.set_as_default == Some(true) {
            policy.default_version = policy.last_version;
            policy.updated_at = cx.now;
        }
        let shown = listed_version(policy.last_version, &version, policy.default_version);
        tx.put(&POLICY_VERSIONS, &(&key.0, key.1.as_str(), policy.last_version), version);
        tx.put(&POLICIES, &key, policy);
        Ok(api::CreatePolicyVersionResponse { policy_version: Some(shown) })
    }
}
