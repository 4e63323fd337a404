//! Statements that deny: where they are, and the policy without them.

use landfall_acs::{Cause, Fix};

use super::policy::{delete, put_role_policy, statements, without, write};
use super::remedy::{Command, Place};
use super::text::{quote, role_name, short};
use super::{Advice, Circumstances, Remedy};
use crate::pipe::CheckRecord;

/// A policy that denies, and that its owner can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denying {
    /// Where the policy is.
    pub holder: Holder,
    /// Its document.
    pub policy: String,
    /// The statements that deny: places in the document, from 0.
    pub statements: Vec<usize>,
}

/// Where a policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// In a role.
    Role {
        /// The role's ARN.
        role: String,
        /// The policy's name.
        policy: String,
    },
    /// A customer's managed policy, by its ARN.
    Managed(String),
    /// On the resource of the check.
    Resource,
    /// In the organization.
    Organization {
        /// As `landfall organization` calls it.
        kind: &'static str,
        /// The policy's name.
        name: String,
        /// An account, or `root`.
        target: String,
    },
}

/// Whether a statement denies, and not merely none allows.
pub(super) fn explicitly(denied: &CheckRecord) -> bool {
    denied.trace.as_ref().is_some_and(|trace| !trace.denials().is_empty())
}

/// Names the statement; the command takes it away, if that is what the reader wants.
pub(super) fn denial(of: &Circumstances<'_>, denied: &CheckRecord) -> Advice {
    let place = denied.deciding.as_deref().unwrap_or("a statement");
    let headline = format!("{place} denies `{}` on `{}`", denied.action, short(&denied.resource));
    let what = format!("{place} denies `{}`: change or remove it, no Allow can undo a Deny", denied.action);
    let parts: Option<Vec<Remedy>> = of.denying.iter().map(|it| remove(of, denied, it)).collect();
    let whose = match of.denying.iter().any(|it| matches!(it.holder, Holder::Organization { .. })) {
        true => "; it takes the managing account's credentials",
        false => "",
    };
    let remedy = match parts.filter(|parts| !parts.is_empty()) {
        Some(parts) => Remedy::together(parts, false).saying(format!("{what}; this removes it{whose}")),
        None => Fix::advice(what).into(),
    };
    Advice::with(Cause::Permission, headline, remedy)
}

fn remove(of: &Circumstances<'_>, denied: &CheckRecord, it: &Denying) -> Option<Remedy> {
    let place = match &it.holder {
        Holder::Role { role, policy } => Place::Role { role: role.clone(), policy: policy.clone() },
        Holder::Managed(arn) => Place::Managed(arn.clone()),
        Holder::Organization { kind, name, target } => {
            Place::Organization { kind, name: name.clone(), target: target.clone() }
        }
        Holder::Resource => Place::on(&denied.resource),
    };
    let denying = statements(&it.policy, &it.statements);
    let policy = of.advised.text(&place, Some(&it.policy));
    let rest = policy.and_then(|policy| without(policy, &denying));
    let command = match (&it.holder, &rest) {
        (Holder::Role { role, policy }, Some(rest)) => put_role_policy(role, policy, rest),
        (Holder::Role { role, policy }, None) => format!(
            "aws iam delete-role-policy --role-name {} --policy-name {}",
            quote(role_name(role)),
            quote(policy)
        ),
        (Holder::Managed(arn), Some(rest)) => format!(
            "aws iam create-policy-version --policy-arn {} --set-as-default --policy-document {}",
            quote(arn),
            quote(rest)
        ),
        (Holder::Managed(arn), None) => format!(
            "aws iam detach-role-policy --role-name {} --policy-arn {}",
            quote(role_name(of.role?)),
            quote(arn)
        ),
        (Holder::Organization { kind, name, target }, Some(rest)) => format!(
            "printf '%s' {} | landfall organization attach {kind} {} --target {target} --document -",
            quote(rest),
            quote(name)
        ),
        (Holder::Organization { kind, name, target }, None) => {
            format!("landfall organization detach {kind} {} --target {target}", quote(name))
        }
        (Holder::Resource, Some(rest)) => write(&denied.resource, &of.step.region, rest)?.1,
        (Holder::Resource, None) => delete(&denied.resource, &of.step.region)?,
    };
    let whose = match &it.holder {
        Holder::Resource => of.other_account(&denied.resource),
        Holder::Role { .. } | Holder::Managed(_) | Holder::Organization { .. } => {
            Some(of.account.to_string())
        }
    };
    Some(Remedy::from(Command::rewriting(command, place, rest)).in_account(whose.as_deref()))
}
