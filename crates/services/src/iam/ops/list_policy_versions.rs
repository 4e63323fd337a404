//! `ListPolicyVersions`: the versions of a managed policy, the newest first.

use landfall_api::iam as api;
use landfall_store::{StoreError, View};

use crate::iam::managed::{Managed, PolicyTarget};
use crate::iam::page::Paging;
use crate::iam::record::ManagedPolicy;
use crate::iam::versions::{listed_aws_version, versions};
use crate::iam::view::listed_version;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListPolicyVersions {
    type Request = Checked<(PolicyTarget, Paging)>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let permission = target.permission("iam:ListPolicyVersions");
        Ok(Checked::one((target, paging), permission))
    }
}

impl ReadHandler for api::ListPolicyVersions {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, paging) = &request.request;
        let page = match target.existing()? {
            Managed::Aws(policy) => {
                paging.take([Ok((policy.default_version.clone(), listed_aws_version(policy)))])?
            }
            Managed::Customer(policy) => paging.sort_and_take(newest_first(view, target, policy)?)?,
        };
        Ok(api::ListPolicyVersionsResponse {
            versions: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Versions with keys that sort the highest number first.
fn newest_first(
    view: &View,
    target: &PolicyTarget,
    policy: &ManagedPolicy,
) -> Result<Vec<(String, api::PolicyVersion)>, StoreError> {
    let versions = versions(view, &target.arn, policy)?;
    let listed = versions.into_iter().map(|(number, version)| {
        let sort_key = format!("{:010}", u32::MAX - number);
        (sort_key, listed_version(number, &version, policy.default_version))
    });
    Ok(listed.collect())
}
