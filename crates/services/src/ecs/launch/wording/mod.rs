//! AWS's words for what goes wrong before a task's containers start. Fargate and the container agent tell the same failure
//! in different words; a task's launch type decides which. Pure: the request id is given.

mod fargate;
mod instance;
mod sdk;

use landfall_acs::{LaunchKind, advice};

use super::problem::{Problem, Purpose};
use crate::ecs::rules::trust;

/// Longest reason that is submitted, in characters (container agent, `field.MaxReasonLength`).
const LONGEST: usize = 1024;

/// The `stoppedReason` of a task whose start failed.
pub fn reason(launch: LaunchKind, purpose: &Purpose, problem: &Problem, request_id: &str) -> String {
    let text = match (purpose, launch) {
        (Purpose::Role { arn }, _) => cannot_assume(arn),
        _ if matches!(problem, Problem::ZeroByte { .. }) => not_started(launch, &problem.to_string()),
        (_, LaunchKind::Fargate) => fargate::reason(purpose, problem, request_id),
        (_, LaunchKind::Ec2 | LaunchKind::External) => instance::reason(purpose, problem, request_id),
    };
    submitted(&text)
}

/// Of a container whose program the runtime could not start.
pub(super) fn not_started(launch: LaunchKind, why: &str) -> String {
    submitted(&advice::not_started(launch, why))
}

/// What the container agent submits when it got several secrets not: all its sentences in one.
pub fn joined(first: &str, purpose: &Purpose, problem: &Problem, request_id: &str) -> String {
    submitted(&format!("{first};{}", instance::text(purpose, problem, request_id)))
}

/// Without runs of spaces and not longer than a reason may be.
fn submitted(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// Told by the service itself, before any agent has a say.
fn cannot_assume(role: &str) -> String {
    trust::cannot_assume(role).message
}

#[cfg(test)]
mod tests;
