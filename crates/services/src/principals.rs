//! The users and roles that a resource's policy names.

use landfall_base::Arn;
use landfall_iam::{Policy, PolicyError};
use landfall_store::{StoreError, View};

use crate::iam::record::{ROLES, USERS, key_name};

/// Binds a policy to the users and roles it names, which must exist: not to their names.
///
/// # Errors
/// A row cannot be read. The inner error is about a principal that does not exist.
pub(crate) fn bind(view: &View, policy: &Policy) -> Result<Result<Policy, PolicyError>, StoreError> {
    let mut unreadable = None;
    let bound = policy.resolve_principals(|arn| {
        principal_id(view, arn).unwrap_or_else(|error| {
            unreadable = Some(error);
            None
        })
    });
    match unreadable {
        Some(error) => Err(error),
        None => Ok(bound),
    }
}

/// The unique id of the user or role with this ARN.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn principal_id(view: &View, arn: &str) -> Result<Option<String>, StoreError> {
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
