//! What RunTask refuses, and what it decides before a task is placed.

mod capacity;
mod network;
mod overrides;
mod support;

use landfall_api::ecs::{self as api, error};
use landfall_shape::ServiceError;

pub use capacity::{Capacity, capacities};
pub use network::network;
pub use overrides::{Sizes, check_overrides, complete_overrides, sizes};
pub use support::check_supported;

type Verdict = Result<(), ServiceError>;

fn refuse(text: impl Into<String>) -> ServiceError {
    error::invalid_parameter_exception(text)
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(refuse(text())) }
}

/// How many tasks are asked for.
///
/// # Errors
/// `InvalidParameterException` outside 1–10 (API reference, RunTask).
pub fn count(request: &api::RunTaskRequest) -> Result<usize, ServiceError> {
    match request.count.unwrap_or(1) {
        count @ 1..=10 => Ok(usize::try_from(count).unwrap_or(1)),
        _ => Err(refuse("Count must be between 1 and 10.")),
    }
}

/// Checks members that stand for themselves.
///
/// # Errors
/// `InvalidParameterException`, naming the member.
pub fn check_plain_members(request: &api::RunTaskRequest) -> Verdict {
    let long = request.started_by.as_deref().is_some_and(|it| it.chars().count() > 128);
    ensure(!long, || "startedBy must have length less than or equal to 128.".to_owned())?;
    let group = request.group.as_deref().is_some_and(|it| it.chars().count() > 255);
    ensure(!group, || "group must have length less than or equal to 255.".to_owned())?;
    let token = request.client_token.as_deref().is_some_and(|it| it.is_empty() || it.len() > 64);
    ensure(!token, || "clientToken must have length between 1 and 64.".to_owned())?;
    ensure(request.propagate_tags != Some(api::PropagateTags::Service), || {
        "The propagateTags value SERVICE is only supported for tasks that a service starts.".to_owned()
    })
}

/// Checks constraints and strategies: there are none on Fargate, and one machine knows no attributes to choose by.
///
/// # Errors
/// `InvalidParameterException`, naming the member.
pub fn check_placement(request: &api::RunTaskRequest, fargate: bool) -> Verdict {
    let constraints = request.placement_constraints.as_deref().unwrap_or_default();
    let strategies = request.placement_strategy.as_deref().unwrap_or_default();
    ensure(!fargate || constraints.is_empty(), || {
        "Placement constraints are not supported with FARGATE launch type.".to_owned()
    })?;
    ensure(!fargate || strategies.is_empty(), || {
        "Placement strategies are not supported with FARGATE launch type.".to_owned()
    })?;
    let member_of =
        |it: &api::PlacementConstraint| it.r#type != Some(api::PlacementConstraintType::DistinctInstance);
    ensure(!constraints.iter().any(member_of), || {
        "Landfall does not evaluate `placementConstraints` of type memberOf yet. Remove them from the request.".to_owned()
    })
}

/// Whether every task has to be on an instance of its own.
pub fn needs_distinct_instances(request: &api::RunTaskRequest) -> bool {
    let distinct =
        |it: &api::PlacementConstraint| it.r#type == Some(api::PlacementConstraintType::DistinctInstance);
    request.placement_constraints.iter().flatten().any(distinct)
}

#[cfg(test)]
mod tests;
