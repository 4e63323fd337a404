//! `PutOrganizationPolicy`: attaches a service or resource control policy to an account, or to all, in place of the one of
//! that name. `FullAWSAccess` is put back where it was deleted.

use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_iam::{Policy, policy_size};
use landfall_store::{Tx, View};

use super::{denied, is_of_default_account};
use crate::iam::organization::{ControlKind, FULL_ACCESS};
use crate::iam::record::{ORGANIZATION_POLICIES, OrganizationPolicy, WITHOUT_FULL_ACCESS};
use crate::landfall::organization::{full_access, kind, new_arn, shown, target};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "landfall:PutOrganizationPolicy";

/// The most characters of a policy, without white space (AWS Organizations User Guide, "Quotas").
const QUOTA: usize = 5_120;

impl Resolve for api::PutOrganizationPolicy {
    type Request = Checked<api::PutOrganizationPolicyRequest>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_of_default_account(cx) {
            return Err(denied(cx, ACTION).into());
        }
        Ok(Checked::one(input, Permission::on_anything(ACTION)))
    }
}

impl WriteHandler for api::PutOrganizationPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let target = target(input.target_id.as_deref());
        let invalid = || api::error::invalid_parameter_exception("the type of policy is not known");
        let kind = kind(&input.r#type).ok_or_else(invalid)?;
        if input.name == FULL_ACCESS {
            return put_back(tx, kind, &target);
        }
        let key = (kind.key(), target.as_str(), input.name.as_str());
        let old = tx.get(&ORGANIZATION_POLICIES, &key)?;
        let arn = old.map_or_else(|| new_arn(&cx.installation.default_account, kind), |old| old.arn.clone());
        let row = OrganizationPolicy { arn, policy: parse(kind, &input.content)?, updated_at: cx.now };
        tx.put(&ORGANIZATION_POLICIES, &key, &row);
        Ok(api::PutOrganizationPolicyResponse { policy: shown(kind, &target, &input.name, &row) })
    }
}

fn parse(kind: ControlKind, content: &str) -> Result<Arc<Policy>, Failure> {
    if policy_size(content) > QUOTA {
        let text = format!("the policy is longer than {QUOTA} characters");
        return Err(api::error::invalid_parameter_exception(text).into());
    }
    let policy = Policy::parse(content, kind.policy_kind());
    let malformed = |error: landfall_iam::PolicyError| {
        api::error::malformed_policy_document_exception(error.message().to_string())
    };
    Ok(Arc::new(policy.map_err(malformed)?))
}

fn put_back(
    tx: &mut Tx,
    kind: ControlKind,
    target: &str,
) -> Result<api::PutOrganizationPolicyResponse, Failure> {
    if kind == ControlKind::Resource {
        let text = format!("`{FULL_ACCESS}` is the name of a service control policy: choose another");
        return Err(api::error::invalid_parameter_exception(text).into());
    }
    tx.delete(&WITHOUT_FULL_ACCESS, target);
    Ok(api::PutOrganizationPolicyResponse { policy: full_access(target) })
}
