//! Resource policies of secrets: read, checked and bound to the principals they name.

use landfall_api::secretsmanager::error;
use landfall_iam::{Policy, PolicyError, PolicyKind, ResourceService};
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::pipe::Failure;
use crate::principals;

/// A policy that somebody wants to put on a secret. The users and roles that it names must exist; it is bound to them,
/// not to their names.
///
/// # Errors
/// `MalformedPolicyDocumentException`
pub(super) fn parse(view: &View, text: &str) -> Result<Policy, Failure> {
    let policy = Policy::parse(text, PolicyKind::Resource(ResourceService::Secret));
    let policy = policy.map_err(|error| malformed(&error))?;
    principals::bind(view, &policy)?.map_err(|error| malformed(&error).into())
}

fn malformed(error: &PolicyError) -> ServiceError {
    error::malformed_policy_document_exception(error.message())
}
