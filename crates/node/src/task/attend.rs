//! What goes on beside a container that runs: its log lines are delivered, its health is checked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_acs::{ContainerAssignment, LogDriver};
use tokio::task::AbortHandle;

use super::{Task, health, names};
use crate::logs::LogPump;

/// The work beside a task's containers, by the container's name. All of it holds the task, so it has to be ended.
#[derive(Default)]
pub(crate) struct Attendance {
    pumps: Mutex<BTreeMap<String, LogPump>>,
    checks: Mutex<BTreeMap<String, AbortHandle>>,
}

impl Attendance {
    fn take_pumps(&self) -> BTreeMap<String, LogPump> {
        std::mem::take(&mut *self.pumps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the checks: a container that is being stopped is not to be found unhealthy.
    pub(crate) fn end_checks(&self) {
        let checks = std::mem::take(&mut *self.checks.lock().unwrap_or_else(PoisonError::into_inner));
        checks.values().for_each(AbortHandle::abort);
    }

    /// Ends everything, whether it is done or not.
    pub(crate) fn end(&self) {
        self.end_checks();
        drop(self.take_pumps());
    }
}

/// Begins the work beside a container, if it has not begun.
pub(super) fn begin(task: &Arc<Task>, container: &ContainerAssignment) {
    let Some(id) = names::container(&task.assignment.task_id, &container.name) else { return };
    if container.log_driver == LogDriver::Awslogs {
        let mut pumps = task.attendance.pumps.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || LogPump::start(Arc::clone(task), container, &id);
        pumps.entry(container.name.clone()).or_insert_with(start);
    }
    if container.health_check.is_some() {
        let mut checks = task.attendance.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let start =
            || tokio::spawn(health::watch(Arc::clone(task), container.clone(), id.clone())).abort_handle();
        checks.entry(container.name.clone()).or_insert_with(start);
    }
}

/// Delivers the last lines of containers that have ended.
pub(super) async fn drain(task: &Task) {
    for pump in task.attendance.take_pumps().into_values() {
        pump.drain().await;
    }
}
