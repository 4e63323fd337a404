//! `PutOrganizationPolicy`: attaches a service or resource control policy to an account, or to all, in place of the one of
//! that name. `FullAWSAccess` is put back where it was deleted.

use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_iam::{Policy, policy_size};
use landfall_store::{Tx, View};

use super::{denied, is_of_default_account};
use crate::iam::accounts;
use crate::iam::organization::{ControlKind, FULL_ACCESS, ROOT};
use crate::iam::record::{ORGANIZATION_POLICIES, OrganizationPolicy, WITHOUT_FULL_ACCESS};
use crate::landfall::organization::{full_access, kind, new_arn, shown, target};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "landfall:PutOrganizationPolicy";

/// The most characters of a policy, without white space (AWS Organizations User Guide, "Quotas").
const QUOTA: usize = 5_120;

/// The most policies of a kind on one target, the one that allows everything included (the same page).
const MOST: usize = 5;

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
        check_target(tx, &target)?;
        if input.name == FULL_ACCESS {
            check_count(tx, kind, &target, FULL_ACCESS)?;
            return put_back(tx, kind, &target);
        }
        check_count(tx, kind, &target, &input.name)?;
        let missing =
            || api::error::invalid_parameter_exception(format!("policy `{}` needs a document", input.name));
        let content = input.content.as_deref().ok_or_else(missing)?;
        let key = (kind.key(), target.as_str(), input.name.as_str());
        let old = tx.get(&ORGANIZATION_POLICIES, &key)?;
        let arn = old.map_or_else(|| new_arn(&cx.installation.default_account, kind), |old| old.arn.clone());
        let row = OrganizationPolicy { arn, policy: parse(kind, content)?, updated_at: cx.now };
        tx.put(&ORGANIZATION_POLICIES, &key, &row);
        Ok(api::PutOrganizationPolicyResponse { policy: shown(kind, &target, &input.name, &row) })
    }
}

/// A policy on an account that is not there would be one that somebody believes in.
fn check_target(view: &View, target: &str) -> Result<(), Failure> {
    if target == ROOT || accounts(view)?.iter().any(|(account, _)| account.as_str() == target) {
        return Ok(());
    }
    let text = format!("there is no account `{target}`: expected the id of an account, or `{ROOT}`");
    Err(api::error::invalid_parameter_exception(text).into())
}

fn check_count(view: &View, kind: ControlKind, target: &str, name: &str) -> Result<(), Failure> {
    // `RCPFullAWSAccess` cannot be detached.
    let full = kind == ControlKind::Resource || !view.contains(&WITHOUT_FULL_ACCESS, target);
    if full && kind == ControlKind::Service && name == FULL_ACCESS {
        return Ok(());
    }
    let attached = view.list(&ORGANIZATION_POLICIES, (kind.key(), target))?;
    let others = attached.iter().filter(|((_, _, other), _)| other != name).count();
    if others + usize::from(full) < MOST {
        return Ok(());
    }
    let text = format!("`{target}` has {MOST} policies of this kind: detach one first");
    Err(api::error::invalid_parameter_exception(text).into())
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
