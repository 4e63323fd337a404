//! Stopping, cleaning up, and the last report.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use landfall_acs::{ContainerAssignment, TaskPhase, TaskReport};
use landfall_base::Timestamp;
use landfall_runtime::{ContainerStatus, Runtime, RuntimeError};

use super::report::{self, Ended};
use super::{Task, attend, names, spec};

/// Seconds between the stop signal and the kill (ECS Developer Guide, `stopTimeout`).
const STOP_TIMEOUT: u32 = 30;

/// How long to wait before a clean-up that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// How often a clean-up is tried before it is left to the next start of the server.
const TRIES: u32 = 3;

/// Stops every container that runs: those first that no other one depends on, then those that only these depended on, and so
/// on (Developer Guide, `dependsOn`: the reverse of the start).
pub(super) async fn stop_containers(task: &Arc<Task>) {
    task.attendance.end_checks();
    for round in rounds(&task.assignment.containers) {
        let stops = join_all(round.into_iter().map(|container| stop(task, container))).await;
        for error in stops.into_iter().filter_map(Result::err) {
            if !matches!(error, RuntimeError::NoSuchContainer(_) | RuntimeError::NotRunning(_)) {
                tracing::warn!(task = task.arn(), %error, "a container could not be stopped");
            }
        }
    }
}

async fn stop(task: &Arc<Task>, container: &ContainerAssignment) -> Result<(), RuntimeError> {
    let Some(id) = names::container(&task.assignment.task_id, &container.name) else { return Ok(()) };
    let whole = Duration::from_secs(container.stop_timeout.unwrap_or(STOP_TIMEOUT).into());
    let patience = patience(whole, task.assignment.stopping_at, task.now());
    task.blocking(move |_, runtime| runtime.stop_container(&id, patience).map(drop)).await
}

/// Containers in the order in which they stop; those of one round at once. A cycle, which no definition has, is one round.
fn rounds(containers: &[ContainerAssignment]) -> Vec<Vec<&ContainerAssignment>> {
    let mut left: Vec<&ContainerAssignment> = containers.iter().collect();
    let mut rounds = Vec::new();
    while !left.is_empty() {
        let needed: Vec<&str> =
            left.iter().flat_map(|it| &it.depends_on).map(|it| it.container.as_str()).collect();
        let (later, mut now): (Vec<_>, Vec<_>) =
            left.iter().copied().partition(|it| needed.contains(&it.name.as_str()));
        if now.is_empty() {
            now.clone_from(&later);
            left = Vec::new();
        } else {
            left = later;
        }
        rounds.push(now);
    }
    rounds
}

/// How long a container may still take. A task that was being stopped when this agent took it over does not get its whole
/// time again; a moment it always has, should the signal not have reached it.
fn patience(whole: Duration, stopping_at: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(since) = stopping_at else { return whole };
    let gone = u64::try_from(now.millis().saturating_sub(since.millis())).unwrap_or(0);
    whole.saturating_sub(Duration::from_millis(gone)).max(whole.min(Duration::from_secs(1)))
}

/// Ends what is left, reports, and removes everything.
pub(super) async fn finish(task: &Arc<Task>, ended: Ended) {
    stop_containers(task).await;
    attend::drain(task).await;
    let statuses = task.blocking(|task, runtime| Ok(statuses(task, runtime))).await.unwrap_or_default();
    let containers = task.assignment.containers.iter().map(|container| {
        let status = statuses.iter().find(|(name, _)| *name == container.name).map(|(_, status)| status);
        let reason = ended.container_reasons.iter().find(|(name, _)| *name == container.name);
        report::over(&container.name, status, reason.map(|(_, reason)| reason.clone()))
    });
    let last = TaskReport {
        reason: ended.reason,
        containers: containers.collect(),
        execution_stopped_at: ended.execution_stopped_at.or_else(|| first_essential_end(task, &statuses)),
        ..report::empty(task, TaskPhase::Stopped)
    };
    // What is removed cannot be told again: so first the exit codes are brought to safety, as a task that is stopping,
    // and only when nothing is left is the task said to be over.
    task.parts.control.report(TaskReport { phase: TaskPhase::Stopping, ..last.clone() }).await;
    task.endpoint.close();
    clean_up(task).await;
    task.parts.control.report(last).await;
}

/// When the first essential container of a task that was stopped ended.
fn first_essential_end(task: &Task, statuses: &[(String, ContainerStatus)]) -> Option<Timestamp> {
    let essential = task.assignment.containers.iter().filter(|container| container.essential);
    let ends = essential.filter_map(|container| {
        let status = statuses.iter().find(|(name, _)| *name == container.name).map(|(_, status)| status);
        report::finished_at(status)
    });
    ends.min()
}

fn statuses(task: &Task, runtime: &dyn Runtime) -> Vec<(String, ContainerStatus)> {
    let containers = task.assignment.containers.iter();
    let status = |name: &str| runtime.status(&names::container(&task.assignment.task_id, name)?).ok();
    containers.filter_map(|container| Some((container.name.clone(), status(&container.name)?))).collect()
}

async fn clean_up(task: &Arc<Task>) {
    for attempt in 1..=TRIES {
        match task.blocking(|task, runtime| remove(task, runtime)).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(task = task.arn(), attempt, %error, "clean-up failed"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn remove(task: &Task, runtime: &dyn Runtime) -> Result<(), RuntimeError> {
    let ids = task.assignment.containers.iter();
    let ids = ids.filter_map(|container| names::container(&task.assignment.task_id, &container.name));
    let mut failures: Vec<String> =
        ids.filter_map(|id| runtime.remove_container(&id).err()).map(|error| error.to_string()).collect();
    if let Some(id) = names::sandbox(&task.assignment.task_id) {
        failures.extend(runtime.remove_sandbox(&id).err().map(|error| error.to_string()));
    }
    let volumes = spec::task_volumes(&task.parts.volumes, &task.assignment);
    match std::fs::remove_dir_all(&volumes) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            failures.push(format!("`{}`: {error}", volumes.display()));
        }
        _ => {}
    }
    if failures.is_empty() { Ok(()) } else { Err(RuntimeError::Cleanup(failures)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_is_gone_does_not_come_back() {
        let at = Timestamp::from_millis;
        let seconds = Duration::from_secs;
        for (whole, since, now, left) in [
            (30, None, 0, seconds(30)),
            (30, Some(at(0)), 10_000, seconds(20)),
            (30, Some(at(0)), 60_000, seconds(1)),
            (0, Some(at(0)), 60_000, seconds(0)),
            (30, Some(at(5_000)), 0, seconds(30)),
        ] {
            assert_eq!(patience(seconds(whole), since, at(now)), left);
        }
    }
}
