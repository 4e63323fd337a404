//! The resource of the tag operations: of all that Systems Manager tags, there are only parameters here.

use landfall_api::ssm::{ResourceTypeForTagging, error};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::target::Target;
use crate::pipe::{Context, Failure};

/// Looks the resource up.
///
/// # Errors
/// `InvalidResourceId` for what is no parameter.
pub(super) fn resource(
    cx: &Context<'_>,
    view: &View,
    kind: &ResourceTypeForTagging,
    id: &str,
) -> Result<Target, Failure> {
    if *kind != ResourceTypeForTagging::Parameter {
        return Err(invalid_id().into());
    }
    match Target::find(cx, view, id) {
        Err(Failure::Service(_)) => Err(invalid_id().into()),
        found => found,
    }
}

/// The error for a resource that does not exist.
pub(super) fn invalid_id() -> ServiceError {
    error::invalid_resource_id("Invalid Resource Id")
}
