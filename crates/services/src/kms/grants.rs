//! Grants: permissions on one key for one principal (Developer Guide, "Grants in AWS KMS").

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::kms::{GrantConstraints, GrantOperation, error};
use landfall_base::Arn;
use landfall_iam::{Grant as Rule, GrantConstraint};
use landfall_shape::{Entries, ServiceError};
use landfall_store::{StoreError, Tx, View};

use super::encryption_context::EncryptionContext;
use super::kind::Kind;
use super::names::key_arn;
use super::record::{GRANTS, Grant, KeyKey};
use crate::pipe::{Failure, Permission};
use crate::principals::{present_arn, principal_id};

/// What every key can be granted for.
const OF_ALL: [&str; 3] = ["CreateGrant", "RetireGrant", "DescribeKey"];

/// What a grant allows.
///
/// # Errors
/// `ValidationException` for two constraints at once.
pub(super) fn rule(
    grantee: String,
    operations: &[GrantOperation],
    constraints: Option<GrantConstraints>,
) -> Result<Rule, ServiceError> {
    let operations = operations.iter().map(|operation| operation.as_str().to_owned()).collect();
    Ok(Rule { grantee, operations, constraint: constraint(constraints.unwrap_or_default())? })
}

/// Whether a key of this kind can do what a grant allows.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_operations(rule: &Rule, kind: Kind) -> Result<(), ServiceError> {
    let names = &rule.operations;
    let known = |name: &str| OF_ALL.contains(&name) || kind.grant_operations().contains(&name);
    if !names.is_empty() && names.iter().all(|name| known(name)) {
        return Ok(());
    }
    let message = format!(
        "The grant operations [{}] are not all supported by KMS keys of spec {}.",
        names.join(", "),
        kind.spec.as_str()
    );
    Err(ServiceError::client("ValidationException", message))
}

fn constraint(given: GrantConstraints) -> Result<Option<GrantConstraint>, ServiceError> {
    let pairs = |entries: Entries<String>| entries.0.into_iter().collect();
    match (given.encryption_context_equals, given.encryption_context_subset) {
        (Some(_), Some(_)) => {
            let message = "Specify either EncryptionContextEquals or EncryptionContextSubset, not both.";
            Err(ServiceError::client("ValidationException", message))
        }
        (Some(equals), None) => Ok(Some(GrantConstraint::EncryptionContextEquals(pairs(equals)))),
        (None, Some(subset)) => Ok(Some(GrantConstraint::EncryptionContextSubset(pairs(subset)))),
        (None, None) => Ok(None),
    }
}

/// Accepts users and roles that exist, sessions, accounts and services. Answers the unique id of a user or role.
///
/// # Errors
/// `InvalidArnException`
pub(super) fn check_principal(view: &View, principal: &str) -> Result<Option<String>, Failure> {
    if principal.ends_with(".amazonaws.com") && !principal.contains(':') {
        return Ok(None);
    }
    let invalid = || {
        let message = format!("ARN does not refer to a valid principal: {principal}");
        Failure::from(error::invalid_arn_exception(message))
    };
    let arn = principal.parse::<Arn>().ok().filter(|arn| arn.account_id().is_some()).ok_or_else(invalid)?;
    let is_principal = match (arn.service(), arn.resource().split_once('/').map_or("", |(kind, _)| kind)) {
        ("iam", "user" | "role") => {
            return Ok(Some(principal_id(view, principal)?.ok_or_else(invalid)?));
        }
        ("iam", "") => arn.resource() == "root",
        ("sts", kind) => matches!(kind, "assumed-role" | "federated-user"),
        _ => false,
    };
    if is_principal { Ok(None) } else { Err(invalid()) }
}

/// A principal as lists show it: the unique id of a user or role that is not there any more, as policies do.
///
/// # Errors
/// A row cannot be read.
pub(super) fn shown_principal(view: &View, arn: &str, id: Option<&str>) -> Result<String, StoreError> {
    let Some(id) = id else { return Ok(arn.to_owned()) };
    Ok(present_arn(view, arn, id)?.unwrap_or_else(|| id.to_owned()))
}

/// Adds the condition keys of `CreateGrant`.
pub(super) fn add_to(permission: Permission, grant: &Grant) -> Permission {
    let kind = grant.rule.constraint.as_ref().map(|constraint| match constraint {
        GrantConstraint::EncryptionContextEquals(_) => "EncryptionContextEquals",
        GrantConstraint::EncryptionContextSubset(_) => "EncryptionContextSubset",
    });
    let context = grant.rule.constraint.as_ref().map(|constraint| match constraint {
        GrantConstraint::EncryptionContextEquals(pairs) | GrantConstraint::EncryptionContextSubset(pairs) => {
            EncryptionContext::from(pairs)
        }
    });
    let permission = match context {
        Some(context) => context.add_to(permission),
        None => permission,
    };
    permission
        .with("kms:GrantIsForAWSResource", "false")
        .with("kms:GranteePrincipal", &grant.rule.grantee)
        .with_all("kms:GrantOperations", grant.rule.operations.iter().cloned())
        .with_some("kms:RetiringPrincipal", grant.retiring_principal.as_deref())
        .with_some("kms:GrantConstraintType", kind)
}

/// Whoever makes a grant because of a grant can pass on only what it has: grants that allow less than the new one do
/// not help to make it.
pub(super) fn keep_wide_enough(grants: &mut Vec<Rule>, new: &Rule) {
    grants.retain(|grant| new.operations.iter().all(|operation| grant.operations.contains(operation)));
}

/// Who may retire a grant, as grants: the retiring principal always, the grantee if the grant says so.
pub(super) fn retirers(grant: &Grant) -> Vec<Rule> {
    let retiring = grant.retiring_id.as_ref().or(grant.retiring_principal.as_ref());
    let retiring = retiring.map(|principal| Rule {
        grantee: principal.clone(),
        operations: vec!["RetireGrant".to_owned()],
        constraint: None,
    });
    retiring.into_iter().chain([grant.effective()]).collect()
}

/// A grant by key and id.
///
/// # Errors
/// The row cannot be read.
pub(super) fn find(
    view: &View,
    (account, region, key_id): &KeyKey,
    id: &str,
) -> Result<Option<Arc<Grant>>, StoreError> {
    view.get(&GRANTS, &(account, region, key_id.as_str(), id))
}

/// Takes a grant away.
pub(super) fn remove(tx: &mut Tx, (account, region, key_id): &KeyKey, id: &str) {
    tx.delete(&GRANTS, &(account, region, key_id.as_str(), id));
}

/// The error for a grant that does not exist.
pub(super) fn no_grant(id: &str) -> ServiceError {
    error::not_found_exception(format!("Grant with id {id} does not exist"))
}

/// The token of a grant: names key and grant. It gives no rights here, because grants hold at once.
pub(super) fn token(place: &KeyKey, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {id}", key_arn(place)))
}

/// Key ARN and grant id of a token.
///
/// # Errors
/// `InvalidGrantTokenException`
pub(super) fn of_token(token: &str) -> Result<(String, String), ServiceError> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| text.split_once(' '));
    let parts = parts.map(|(arn, id)| (arn.to_owned(), id.to_owned()));
    parts.ok_or_else(|| error::invalid_grant_token_exception("The grant token is not valid."))
}
