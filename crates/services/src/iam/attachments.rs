//! Managed policies on users and roles.

use landfall_api::iam as api;
use landfall_api::iam::error::{
    limit_exceeded_exception, no_such_entity_exception, policy_not_attachable_exception,
};
use landfall_base::Arn;
use landfall_store::{Tx, View};

use super::entity::{Entity, SERVICE_LINKED_PATH, Target};
use super::managed::{Managed, policy_arn};
use super::page::{Page, Paging};
use super::record::key_name;
use crate::pipe::{Checked, Context, Failure};

/// The most managed policies that one user or role may have.
pub(super) const QUOTA: usize = 10;

/// A policy to attach or detach.
#[derive(Debug)]
pub struct Attachment<E> {
    target: Target<E>,
    policy: Arn,
}

/// Resolves a call that attaches or detaches.
pub(super) fn resolve<E: Entity>(
    cx: &Context<'_>,
    view: &View,
    action: &'static str,
    name: &str,
    policy: &str,
) -> Result<Checked<Attachment<E>>, Failure> {
    let target = Target::find(cx, view, name)?;
    let policy = policy_arn(policy)?;
    let permission = target.permission(action).with("iam:PolicyARN", policy.as_str());
    Ok(Checked::one(Attachment { target, policy }, permission))
}

/// Attaches a policy; one that is attached already stays as it is.
pub(super) fn attach<E: Entity>(
    cx: &Context<'_>,
    tx: &mut Tx,
    request: Attachment<E>,
) -> Result<(), Failure> {
    let Attachment { target, policy } = request;
    let attached = target.changeable()?.attached();
    check_attachable(cx, tx, &policy)?;
    if attached.iter().any(|arn| arn == policy.as_str()) {
        return Ok(());
    }
    if attached.len() >= QUOTA {
        let text = format!("Cannot exceed quota for {}: {QUOTA}", E::ATTACHED_QUOTA);
        return Err(limit_exceeded_exception(text).into());
    }
    target.update(tx, |entity| entity.attached_mut().push(policy.to_string()))
}

fn check_attachable(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<(), Failure> {
    let missing = || format!("Policy {arn} does not exist or is not attachable.");
    let policy = Managed::attachable(view, cx.account(), arn)?;
    let policy = policy.ok_or_else(|| no_such_entity_exception(missing()))?;
    if policy.path().starts_with(SERVICE_LINKED_PATH) {
        let text = "Cannot attach a Service Role Policy to a Customer Role.";
        return Err(policy_not_attachable_exception(text).into());
    }
    Ok(())
}

/// Detaches a policy.
pub(super) fn detach<E: Entity>(tx: &mut Tx, request: Attachment<E>) -> Result<(), Failure> {
    let Attachment { target, policy } = request;
    if !target.changeable()?.attached().iter().any(|arn| arn == policy.as_str()) {
        return Err(no_such_entity_exception(format!("Policy {policy} was not found.")).into());
    }
    target.update(tx, |entity| entity.attached_mut().retain(|arn| arn != policy.as_str()))
}

/// A page of the attached policies, by name.
pub(super) fn list<E: Entity>(
    view: &View,
    target: &Target<E>,
    path_prefix: Option<&str>,
    paging: &Paging,
) -> Result<Page<api::AttachedPolicy>, Failure> {
    let mut listed = Vec::new();
    for arn in target.existing()?.attached() {
        let Some(policy) = Managed::find(view, arn)? else { continue };
        if policy.path().starts_with(path_prefix.unwrap_or("/")) {
            let shown = api::AttachedPolicy {
                policy_name: Some(policy.name().to_owned()),
                policy_arn: Some(arn.clone()),
            };
            listed.push((format!("{} {arn}", key_name(policy.name())), shown));
        }
    }
    paging.sort_and_take(listed)
}
