//! Resource policies of secrets: read, checked and bound to the principals they name.

use landfall_api::secretsmanager::error;
use landfall_base::Arn;
use landfall_iam::{Policy, PolicyError, PolicyKind, ResourceService};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use crate::iam::record::{ROLES, USERS, key_name};
use crate::pipe::Failure;

/// A policy that somebody wants to put on a secret. The users and roles that it names must exist; it is bound to them,
/// not to their names.
///
/// # Errors
/// `MalformedPolicyDocumentException`
pub(super) fn parse(view: &View, text: &str) -> Result<Policy, Failure> {
    let policy = Policy::parse(text, PolicyKind::Resource(ResourceService::Secret));
    let policy = policy.map_err(|error| malformed(&error))?;
    let mut unreadable = None;
    let bound = policy.resolve_principals(|arn| {
        principal_id(view, arn).unwrap_or_else(|error| {
            unreadable = Some(error);
            None
        })
    });
    match unreadable {
        Some(error) => Err(error.into()),
        None => bound.map_err(|error| malformed(&error).into()),
    }
}

fn malformed(error: &PolicyError) -> ServiceError {
    error::malformed_policy_document_exception(error.message())
}

/// The unique id of the user or role with this ARN.
fn principal_id(view: &View, arn: &str) -> Result<Option<String>, StoreError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let Some((account, (kind, path))) = parsed.account_id().zip(parsed.resource().split_once('/')) else {
        return Ok(None);
    };
    let name = key_name(path.rsplit('/').next().unwrap_or(path));
    let key = (&account, name.as_str());
    Ok(match kind {
        "user" => view.get(&USERS, &key)?.filter(|user| user.arn == arn).map(|user| user.id.clone()),
        "role" => view.get(&ROLES, &key)?.filter(|role| role.arn == arn).map(|role| role.id.clone()),
        _ => None,
    })
}
