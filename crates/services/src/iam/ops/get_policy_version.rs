//! `GetPolicyVersion`: a version of a managed policy, with its document.

use landfall_api::iam as api;
use landfall_store::{StoreError, View};

use crate::iam::documents::encoded;
use crate::iam::managed::{Managed, PolicyTarget};
use crate::iam::policies::AwsManagedPolicy;
use crate::iam::record::ManagedPolicy;
use crate::iam::versions::{find_version, listed_aws_version, no_version};
use crate::iam::view::listed_version;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetPolicyVersion {
    type Request = Checked<(PolicyTarget, String)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:GetPolicyVersion");
        Ok(Checked::one((target, input.version_id), permission))
    }
}

impl ReadHandler for api::GetPolicyVersion {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, version_id) = request.into_request();
        let version = match target.existing()? {
            Managed::Aws(policy) => (policy.default_version == version_id).then(|| aws_version(policy)),
            Managed::Customer(policy) => customer_version(view, &target, policy, &version_id)?,
        };
        let version = version.ok_or_else(|| no_version(&target.arn, &version_id))?;
        Ok(api::GetPolicyVersionResponse { policy_version: Some(version) })
    }
}

fn aws_version(policy: &AwsManagedPolicy) -> api::PolicyVersion {
    api::PolicyVersion { document: Some(encoded(policy.document())), ..listed_aws_version(policy) }
}

fn customer_version(
    view: &View,
    target: &PolicyTarget,
    policy: &ManagedPolicy,
    version_id: &str,
) -> Result<Option<api::PolicyVersion>, StoreError> {
    let Some((number, version)) = find_version(view, &target.arn, policy, version_id)? else {
        return Ok(None);
    };
    let document = Some(encoded(version.policy.text()));
    let listed = listed_version(number, &version, policy.default_version);
    Ok(Some(api::PolicyVersion { document, ..listed }))
}
