//! `DeleteOrganizationPolicy`: takes a service or resource control policy away. Without `FullAWSAccess`, the other service
//! control policies of the target say what is left; the last of them cannot be taken.

use landfall_api::landfall as api;
use landfall_store::{Tx, View};

use super::{denied, is_of_default_account};
use crate::iam::organization::{ControlKind, FULL_ACCESS};
use crate::iam::record::{ORGANIZATION_POLICIES, WITHOUT_FULL_ACCESS};
use crate::landfall::organization::{kind, target};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "landfall:DeleteOrganizationPolicy";

impl Resolve for api::DeleteOrganizationPolicy {
    type Request = Checked<api::DeleteOrganizationPolicyRequest>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_of_default_account(cx) {
            return Err(denied(cx, ACTION).into());
        }
        Ok(Checked::one(input, Permission::on_anything(ACTION)))
    }
}

impl WriteHandler for api::DeleteOrganizationPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let target = target(input.target_id.as_deref());
        let invalid = || api::error::invalid_parameter_exception("the type of policy is not known");
        let kind = kind(&input.r#type).ok_or_else(invalid)?;
        if !is_attached(tx, kind, &target, &input.name) {
            let text = format!("policy `{}` is not attached to `{target}`", input.name);
            return Err(api::error::resource_not_found_exception(text).into());
        }
        if kind == ControlKind::Service && left(tx, &target) == 1 {
            let text = format!("`{}` is the last service control policy of `{target}`", input.name);
            return Err(api::error::invalid_parameter_exception(text).into());
        }
        if is_full_access(kind, &input.name) {
            tx.put(&WITHOUT_FULL_ACCESS, target.as_str(), ());
        } else {
            tx.delete(&ORGANIZATION_POLICIES, &(kind.key(), target.as_str(), input.name.as_str()));
        }
        Ok(api::DeleteOrganizationPolicyResponse {})
    }
}

fn is_full_access(kind: ControlKind, name: &str) -> bool {
    kind == ControlKind::Service && name == FULL_ACCESS
}

fn is_attached(view: &View, kind: ControlKind, target: &str, name: &str) -> bool {
    if is_full_access(kind, name) {
        return !view.contains(&WITHOUT_FULL_ACCESS, target);
    }
    view.contains(&ORGANIZATION_POLICIES, &(kind.key(), target, name))
}

/// How many service control policies a target has.
fn left(view: &View, target: &str) -> usize {
    let full = usize::from(!view.contains(&WITHOUT_FULL_ACCESS, target));
    full + view.count(&ORGANIZATION_POLICIES, (ControlKind::Service.key(), target))
}
