//! Repository and registry policies: read, checked, brought into the form that ECR prints, bound to the principals they name.

use landfall_iam::{Policy, PolicyKind, ResourceService};
use landfall_shape::ServiceError;
use landfall_store::View;
use serde_json::{Map, Value};

use super::registry;
use super::rules::{pretty, wording};
use crate::pipe::Failure;
use crate::principals;

/// Where a statement names somebody.
const PRINCIPALS: [&str; 2] = ["Principal", "NotPrincipal"];

/// Which of the two a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a repository.
    Repository,
    /// Of a registry.
    Registry,
}

impl Kind {
    fn iam(self) -> PolicyKind {
        PolicyKind::Resource(match self {
            Self::Repository => ResourceService::EcrRepository,
            Self::Registry => ResourceService::EcrRegistry,
        })
    }

    /// Whether an action, or a pattern of actions, may be in such a policy: ECR's alone, by a name that there is, and of a
    /// repository those that are done to one (`ecr:GetAuthorizationToken` is not).
    fn takes(self, action: &str) -> bool {
        let is_ecr = action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("ecr:"));
        if action == "*" || (is_ecr && action.contains(['*', '?'])) {
            return true;
        }
        let resources = landfall_iam::reference::action_resources(action).filter(|_| is_ecr);
        resources.is_some_and(|types| self == Self::Registry || !types.is_empty())
    }

    pub(super) fn refuse(self) -> ServiceError {
        wording::invalid(
            "PolicyText",
            match self {
                Self::Repository => "Invalid repository policy provided",
                Self::Registry => "Invalid registry policy provided",
            },
        )
    }
}

/// A policy that somebody wants to set.
///
/// # Errors
/// `InvalidParameterException`
pub(super) fn parse(view: &View, kind: Kind, text: &str) -> Result<Policy, Failure> {
    let policy = Policy::parse(text, kind.iam()).map_err(|error| refused(&error))?;
    let mut document: Value = serde_json::from_str(policy.text()).map_err(|_| kind.refuse())?;
    if !statements(&mut document)
        .all(|statement| has_ecr_actions(kind, statement) && has_ecr_principals(statement))
    {
        return Err(kind.refuse().into());
    }
    statements(&mut document).for_each(name_accounts);
    let policy = Policy::parse(&pretty::print(&document), kind.iam()).map_err(|error| refused(&error))?;
    principals::bind(view, &policy)?.map_err(|error| refused(&error).into())
}

fn refused(error: &landfall_iam::PolicyError) -> ServiceError {
    landfall_api::ecr::error::invalid_parameter_exception(error.message())
}

fn statements(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.as_mut_slice(),
        Some(single) => std::slice::from_mut(single),
        None => &mut [],
    };
    statements.iter_mut().filter_map(Value::as_object_mut)
}

fn has_ecr_actions(kind: Kind, statement: &Map<String, Value>) -> bool {
    let fits = |action: &str| kind.takes(action);
    ["Action", "NotAction"].iter().filter_map(|name| statement.get(*name)).all(|value| match value {
        Value::String(action) => fits(action),
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).all(fits),
        _ => false,
    })
}

/// Nobody comes to ECR with the token of an identity provider, or as a canonical user.
fn has_ecr_principals(statement: &Map<String, Value>) -> bool {
    let named = PRINCIPALS.iter().filter_map(|name| statement.get(*name)?.as_object());
    named.flat_map(Map::keys).all(|kind| matches!(kind.as_str(), "AWS" | "Service"))
}

/// Whether a registry policy says something about no other actions than those that it has a say in by default.
pub(super) fn is_of_narrow_scope(policy: &Policy) -> bool {
    let Ok(mut document) = serde_json::from_str::<Value>(policy.text()) else { return false };
    let is_narrow =
        |action: &str| registry::REGISTRY_ACTIONS.iter().any(|it| it.eq_ignore_ascii_case(action));
    statements(&mut document).all(|statement| match statement.get("Action") {
        Some(Value::String(action)) => is_narrow(action),
        Some(Value::Array(actions)) => actions.iter().filter_map(Value::as_str).all(is_narrow),
        _ => false,
    })
}

/// Account ids become the ARNs of their roots, as AWS shows them.
fn name_accounts(statement: &mut Map<String, Value>) {
    for name in PRINCIPALS {
        match statement.get_mut(name).and_then(|principal| principal.get_mut("AWS")) {
            Some(Value::Array(entries)) => entries.iter_mut().for_each(name_account),
            Some(single) => name_account(single),
            None => {}
        }
    }
}

fn name_account(principal: &mut Value) {
    let Value::String(text) = principal else { return };
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        *text = format!("arn:aws:iam::{text}:root");
    }
}
