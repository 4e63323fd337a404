//! `ListOrganizationPolicies`: the service and resource control policies and what they are attached to. `FullAWSAccess` is
//! listed where somebody attached something, and at the root.

use std::collections::BTreeSet;

use landfall_api::landfall as api;
use landfall_store::View;

use super::{denied, is_of_default_account};
use crate::iam::organization::{ControlKind, ROOT};
use crate::iam::record::{ORGANIZATION_POLICIES, WITHOUT_FULL_ACCESS};
use crate::landfall::organization::{full_access, shown};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

const ACTION: &str = "landfall:ListOrganizationPolicies";

impl Resolve for api::ListOrganizationPolicies {
    type Request = Checked<api::ListOrganizationPoliciesRequest>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_of_default_account(cx) {
            return Err(denied(cx, ACTION).into());
        }
        Ok(Checked::one(input, Permission::on_anything(ACTION)))
    }
}

impl ReadHandler for api::ListOrganizationPolicies {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let wanted = request.into_request();
        let mut targets = BTreeSet::from([ROOT.to_owned()]);
        let mut policies = Vec::new();
        for kind in [ControlKind::Resource, ControlKind::Service] {
            for row in view.scan(&ORGANIZATION_POLICIES, (kind.key(),)) {
                let ((_, target, name), row) = row?;
                policies.push(shown(kind, &target, &name, &row));
                targets.insert(target);
            }
        }
        targets.retain(|target| !view.contains(&WITHOUT_FULL_ACCESS, target.as_str()));
        policies.extend(targets.iter().map(|target| full_access(target)));
        policies.retain(|policy| {
            wanted.r#type.as_ref().is_none_or(|kind| *kind == policy.r#type)
                && wanted.target_id.as_ref().is_none_or(|target| *target == policy.target_id)
        });
        Ok(api::ListOrganizationPoliciesResponse { policies })
    }
}
