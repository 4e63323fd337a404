//! One task, from assignment to end.
//!
//! `start` fetches credentials and images and launches the containers, `watch` follows them until the task is over, `end`
//! stops and removes. `spec` and `wording` decide and do nothing; everything else does and decides nothing.

mod attend;
pub(crate) mod board;
mod end;
mod health;
mod launch;
pub(crate) mod names;
pub(crate) mod pull;
mod report;
pub(crate) mod spec;
mod start;
mod surroundings;
mod watch;
pub(crate) mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use landfall_acs::{Assignment, Desired, Finding, StepOutcome, StepRecord, TaskPhase};
use landfall_base::Timestamp;
use landfall_runtime::{Runtime, RuntimeError};
use tokio::sync::watch::Receiver;

use crate::Parts;
use crate::endpoint::Endpoint;
use crate::endpoint::stats::Sample;
use attend::Attendance;
use board::Board;
use report::Ended;

/// A task that is being driven.
pub(crate) struct Task {
    pub(crate) parts: Arc<Parts>,
    pub(crate) assignment: Assignment,
    pub(crate) endpoint: Endpoint,
    pub(crate) board: Board,
    /// What containers used when that was asked for last, by the runtime's name.
    pub(crate) samples: Mutex<HashMap<String, Sample>>,
    attendance: Attendance,
}

impl Task {
    fn new(parts: Arc<Parts>, assignment: Assignment) -> Self {
        Self {
            parts,
            assignment,
            endpoint: Endpoint::default(),
            board: Board::default(),
            samples: Mutex::default(),
            attendance: Attendance::default(),
        }
    }
}

/// Ends what goes on beside a task's containers, however the driver ends: it holds the task.
struct Closing(Arc<Task>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.endpoint.close();
        self.0.attendance.end();
    }
}

/// How a start came out.
enum Start {
    /// All containers were started.
    Running,
    /// Something failed; the reasons.
    Failed(Ended),
    /// The task was told to stop meanwhile.
    Cancelled,
}

/// Drives a task to its end. What is there already is taken over.
pub(crate) async fn drive(parts: Arc<Parts>, assignment: Assignment, mut desired: Receiver<Desired>) {
    let task = Arc::new(Task::new(parts, assignment));
    let _closing = Closing(Arc::clone(&task));
    let begun = if task.has_run().await { Start::Running } else { start::start(&task, &mut desired).await };
    let ended = match begun {
        Start::Running => watch::until_over(&task, &mut desired).await,
        Start::Failed(ended) => ended,
        Start::Cancelled => Ended::default(),
    };
    end::finish(&task, ended).await;
}

impl Task {
    pub(crate) fn arn(&self) -> &str {
        &self.assignment.task_arn
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Whether all its containers were started before: then it is only watched.
    async fn has_run(self: &Arc<Self>) -> bool {
        if self.assignment.phase != TaskPhase::Pending {
            return true;
        }
        self.blocking(|task, runtime| {
            let mut containers = task.assignment.containers.iter();
            Ok(containers.all(|container| {
                names::container(&task.assignment.task_id, &container.name)
                    .is_some_and(|id| matches!(runtime.status(&id), Ok(status) if launch::has_begun(&status)))
            }))
        })
        .await
        .unwrap_or(false)
    }

    /// Does something with the runtime on a thread that may wait.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Task, &dyn Runtime) -> Result<T, RuntimeError> + Send + 'static,
    ) -> Result<T, RuntimeError> {
        let task = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&task, task.parts.runtime.as_ref())).await;
        done.unwrap_or_else(|panic| Err(RuntimeError::Invalid(format!("the runtime failed: {panic}"))))
    }

    /// Adds a step that the agent took to the start trace.
    pub(crate) async fn record(&self, step: Step<'_>, began: Timestamp, outcome: StepOutcome) {
        self.parts.control.record(self.arn(), step.record(began, self.now(), outcome)).await;
    }
}

/// What a step is about.
#[derive(Default)]
pub(crate) struct Step<'a> {
    pub(crate) name: &'a str,
    pub(crate) container: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) notes: Vec<String>,
    pub(crate) finding: Option<Finding>,
}

impl Step<'_> {
    /// The step as the start trace has it.
    pub(crate) fn record(self, began: Timestamp, ended: Timestamp, outcome: StepOutcome) -> StepRecord {
        let elapsed = ended.millis().saturating_sub(began.millis());
        let fix = self.finding.as_ref().and_then(|finding| finding.fix.as_ref());
        StepRecord {
            name: self.name.to_owned(),
            container: self.container.map(str::to_owned),
            principal: "agent".to_owned(),
            action: self.action.to_owned(),
            resource: self.resource.to_owned(),
            started_at: began,
            duration_ms: elapsed.try_into().unwrap_or(0),
            outcome,
            notes: self.notes,
            hint: fix.map(landfall_acs::Fix::line),
            finding: self.finding,
            context: Vec::new(),
            decision: None,
        }
    }
}
