//! A running task, until it is over.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use landfall_acs::{ContainerAssignment, Desired, TaskPhase, TaskReport};
use landfall_runtime::{ContainerId, ContainerStatus, RuntimeError, Sandbox};
use tokio::sync::watch::Receiver;
use tokio::task::AbortHandle;

use super::report::{self, Ended};
use super::start::until_stopped;
use super::{Task, attend, end, launch, names};
use crate::endpoint;

/// Follows the containers until an essential one has ended or the task is to stop, then stops the others and waits for the
/// last log lines.
pub(super) async fn until_over(task: &Arc<Task>, desired: &mut Receiver<Desired>) -> Ended {
    let found = sandbox(task).await;
    if task.assignment.phase == TaskPhase::Pending {
        tell_running(task, found.as_ref()).await;
    }
    let endpoint = found.map(|it| tokio::spawn(endpoint::open_again(Arc::clone(task), it)));
    let endpoint = endpoint.map(|it| it.abort_handle());
    task.assignment.containers.iter().for_each(|container| attend::begin(task, container));
    let execution_stopped_at = tokio::select! {
        moment = essential_end(task) => Some(moment),
        () = until_stopped(desired) => None,
    };
    let told = TaskReport { execution_stopped_at, ..report::empty(task, TaskPhase::Stopping) };
    task.parts.control.report(told).await;
    end::stop_containers(task).await;
    endpoint.iter().for_each(AbortHandle::abort);
    attend::drain(task).await;
    Ended { execution_stopped_at, ..Ended::default() }
}

/// The server died after the last container was started and before it could say so.
async fn tell_running(task: &Arc<Task>, sandbox: Option<&Sandbox>) {
    if let Some(sandbox) = sandbox {
        task.parts.control.report(launch::running(task, sandbox)).await;
    }
}

/// The task's sandbox, if it is there.
async fn sandbox(task: &Arc<Task>) -> Option<Sandbox> {
    let found = task.blocking(|task, runtime| {
        let id = names::sandbox(&task.assignment.task_id);
        id.map(|id| launch::existing_sandbox(runtime, &id)).transpose()
    });
    found.await.ok().flatten()
}

/// Returns when the first essential container has ended; tells of the others on the way.
async fn essential_end(task: &Arc<Task>) -> landfall_base::Timestamp {
    let waits: FuturesUnordered<_> =
        task.assignment.containers.iter().map(|container| container_end(task, container)).collect();
    let mut ends = waits;
    while let Some((container, status)) = ends.next().await {
        // One that was left out because of what it depends on has been told of.
        let Some(status) = status else { continue };
        let told = report::over(&container.name, Some(&status), None);
        let told = TaskReport { containers: vec![told], ..report::empty(task, TaskPhase::Running) };
        task.parts.control.report(told).await;
        if container.essential {
            return report::finished_at(Some(&status)).unwrap_or_else(|| task.now());
        }
    }
    task.now()
}

pub(super) async fn container_end<'a>(
    task: &Arc<Task>,
    container: &'a ContainerAssignment,
) -> (&'a ContainerAssignment, Option<ContainerStatus>) {
    let id: Option<ContainerId> = names::container(&task.assignment.task_id, &container.name);
    let Some(id) = id else { return (container, None) };
    let status = match task.parts.runtime.wait(&id).await {
        Ok(status) => status,
        Err(RuntimeError::NoSuchContainer(_)) if !container.essential && !container.depends_on.is_empty() => {
            return (container, None);
        }
        Err(error) => {
            tracing::warn!(task = task.arn(), container = container.name, %error, "a container is gone");
            ContainerStatus::Lost
        }
    };
    (container, Some(status))
}
