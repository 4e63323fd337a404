//! What an agent's report makes of a task: a state machine that only goes forward.

use landfall_acs::{ContainerReport, ContainerState, Desired, LaunchKind, TaskPhase, TaskReport};
use landfall_base::Timestamp;

use crate::ecs::record::{Container, Task, TaskStatus};

/// `stopCode` of a task that never ran.
pub const FAILED_TO_START: &str = "TaskFailedToStart";

/// `stopCode` of a task whose essential container ended.
pub const ESSENTIAL_EXITED: &str = "EssentialContainerExited";

/// `stopCode` of a task that StopTask ended.
pub const USER_INITIATED: &str = "UserInitiated";

const FAILED_TO_START_REASON: &str = "Task failed to start";
const ESSENTIAL_EXITED_REASON: &str = "Essential container in task exited";
const USER_REASON: &str = "Task stopped by user";

/// Longest `reason` that the container agent submits, in characters.
const LONGEST_REASON: usize = 1024;

/// Takes a report into a task and says whether the task changed. Reports that were told before, or that come too late,
/// change nothing.
pub fn apply(report: &TaskReport, task: &mut Task, now: Timestamp) -> bool {
    if task.last_status == TaskStatus::Stopped {
        return false;
    }
    let before = task.clone();
    take_times(report, task, now);
    take_address(report, task);
    for container in &report.containers {
        if let Some(row) = task.containers.iter_mut().find(|it| it.name == container.name) {
            take_container(container, row);
        }
    }
    advance(report, task, now);
    let changed = *task != before;
    if changed {
        task.version += 1;
    }
    changed
}

/// Has StopTask's say: what is wanted is now that the task is over. A task that is ending for another reason keeps that
/// reason. Says whether the task changed.
pub fn stop(task: &mut Task, reason: Option<&str>, now: Timestamp) -> bool {
    if task.last_status == TaskStatus::Stopped || task.stop_code.is_some() {
        return false;
    }
    task.desired = Desired::Stopped;
    task.stop_code = Some(USER_INITIATED.to_owned());
    task.stopped_reason = Some(reason.unwrap_or(USER_REASON).to_owned());
    task.stopping_at = Some(now);
    task.version += 1;
    true
}

fn take_times(report: &TaskReport, task: &mut Task, now: Timestamp) {
    task.connectivity_at = task.connectivity_at.or(Some(now));
    task.pull_started_at = task.pull_started_at.or(report.pull_started_at);
    task.pull_stopped_at = report.pull_stopped_at.or(task.pull_stopped_at);
    // A program may end before its start was told: times that contradict each other help nobody.
    let stopped =
        report.execution_stopped_at.map(|moment| task.started_at.map_or(moment, |start| start.max(moment)));
    task.execution_stopped_at = task.execution_stopped_at.or(stopped);
}

fn take_address(report: &TaskReport, task: &mut Task) {
    if let Some(network) = &mut task.network {
        update(&mut network.private_address, report.private_address.as_ref());
        update(&mut network.mac_address, report.mac_address.as_ref());
    }
}

fn take_container(report: &ContainerReport, row: &mut Container) {
    if rank(report.state) > rank(row.state) {
        row.state = report.state;
    }
    row.health = report.health.or(row.health);
    row.exit_code = row.exit_code.or(report.exit_code);
    if row.reason.is_none() {
        row.reason = report.reason.as_deref().map(shorten);
    }
    update(&mut row.image_digest, report.image.as_ref().map(|image| &image.digest));
    update(&mut row.runtime_id, report.runtime_id.as_ref());
    if !report.network_bindings.is_empty() {
        row.network_bindings.clone_from(&report.network_bindings);
    }
}

fn update(slot: &mut Option<String>, value: Option<&String>) {
    if let Some(value) = value {
        *slot = Some(value.clone());
    }
}

fn rank(state: ContainerState) -> u8 {
    match state {
        ContainerState::Pending => 0,
        ContainerState::Running => 1,
        ContainerState::Stopped => 2,
    }
}

fn advance(report: &TaskReport, task: &mut Task, now: Timestamp) {
    match report.phase {
        TaskPhase::Pending => raise(task, TaskStatus::Pending),
        TaskPhase::Running => {
            task.started_at = task.started_at.or(Some(now));
            raise(task, TaskStatus::Running);
        }
        TaskPhase::Stopping => {
            begin_stop(report, task, now);
            raise(task, TaskStatus::Stopping);
        }
        TaskPhase::Stopped => {
            begin_stop(report, task, now);
            for container in &mut task.containers {
                container.state = ContainerState::Stopped;
            }
            task.stopped_at = Some(now);
            raise(task, TaskStatus::Stopped);
        }
    }
}

fn raise(task: &mut Task, status: TaskStatus) {
    task.last_status = task.last_status.max(status);
}

fn begin_stop(report: &TaskReport, task: &mut Task, now: Timestamp) {
    task.stopping_at = task.stopping_at.or(Some(now));
    task.desired = Desired::Stopped;
    let open = task.stop_code.is_none() || task.stopped_reason.as_deref() == Some(FAILED_TO_START_REASON);
    if open {
        let (code, reason) = verdict(report, task);
        task.stop_code = Some(code.to_owned());
        task.stopped_reason = Some(shorten(&reason));
    }
}

/// Why a task that nobody stopped is over. Fargate tells a container's failure as the task's reason; the container agent
/// leaves it with the container.
fn verdict(report: &TaskReport, task: &Task) -> (&'static str, String) {
    let told = report.reason.clone();
    if ran(task) {
        return (ESSENTIAL_EXITED, told.unwrap_or_else(|| ESSENTIAL_EXITED_REASON.to_owned()));
    }
    let of_container = || match task.launch {
        LaunchKind::Fargate => task.containers.iter().find_map(|it| it.reason.clone()),
        LaunchKind::Ec2 | LaunchKind::External => None,
    };
    let reason = told.or_else(of_container).unwrap_or_else(|| FAILED_TO_START_REASON.to_owned());
    (FAILED_TO_START, reason)
}

/// Whether the task was RUNNING. The agent may have been away while it was: a process in every container that ended by
/// itself tells it as well.
fn ran(task: &Task) -> bool {
    let ended = |it: &Container| it.exit_code.is_some() && it.runtime_id.is_some();
    task.started_at.is_some() || (!task.containers.is_empty() && task.containers.iter().all(ended))
}

fn shorten(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
