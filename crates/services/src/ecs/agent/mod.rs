//! The control plane as the agent sees it: what should run, what a task needs at the moment it starts, what became of it,
//! and its output.
//!
//! Nothing here decides: assignments, launch plans and what a report means are pure functions elsewhere. Errors of the
//! store are logged; the agent asks and tells again.

mod credentials;
mod deliver;
mod log_options;
mod metadata;
mod progress;
mod reconcile;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use landfall_acs::{
    Assignment, ControlPlane, LaunchSheet, LogEvent, LogOptions, NoCredentials, PullProgress,
    RoleCredentials, StartFailure, StepRecord, TaskMetadata, TaskPhase, TaskReport,
};
use landfall_store::{StoreError, TableWatch, Tx, View, WriteError};
use tokio::sync::Mutex;

use self::credentials::Kept;
use self::deliver::Deliveries;
use self::session::Sessions;
use super::launch::{TaskFacts, execute, logins, plan, trace};
use super::node;
use super::record::{DELIVERED_LINES, TASKS, Task, TaskDefinition, TaskStatus};
use super::rules::assignment::assignment;
use super::rules::log_lines;
use crate::pipe::{Call, Failure, Installation};

pub use progress::{PullOfCheck, pull_of_check, pull_progress};
pub use reconcile::reconcile;

/// What a task is told whose start could not even be tried.
const BROKEN: &str = "ResourceInitializationError: the task's launch plan could not be carried out. The server's log has \
                      the cause.";

/// The control plane of the node that runs beside it.
#[derive(Debug)]
pub struct EcsControlPlane {
    inner: Arc<Inner>,
    changes: Mutex<TableWatch>,
}

/// What a thread of the pool needs.
#[derive(Debug)]
struct Inner {
    call: Call,
    sessions: Sessions,
    deliveries: Deliveries,
    credentials: Kept,
}

impl EcsControlPlane {
    /// A control plane that makes its calls through `call`.
    pub fn new(call: Call) -> Self {
        let changes = Mutex::new(call.installation().store.changed(&TASKS));
        let inner = Inner {
            call,
            sessions: Sessions::default(),
            deliveries: Deliveries::default(),
            credentials: Kept::default(),
        };
        Self { inner: Arc::new(inner), changes }
    }

    fn installation(&self) -> &Arc<Installation> {
        self.inner.call.installation()
    }

    /// Runs work that may block on a thread of its own; `None` if it panicked.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Option<T> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.inspect_err(|error| tracing::error!(%error, "work for the agent broke off")).ok()
    }
}

#[async_trait]
impl ControlPlane for EcsControlPlane {
    async fn assignments(&self) -> Vec<Assignment> {
        let view = self.installation().store.view();
        let mut found = Vec::new();
        for row in view.scan(&TASKS, ()) {
            let task = match row {
                Ok((_, task)) if task.last_status == TaskStatus::Stopped => continue,
                Ok((_, task)) => task,
                Err(error) => {
                    tracing::error!(%error, "a task cannot be read");
                    continue;
                }
            };
            match node::definition_of(&view, &task) {
                Ok(Some(definition)) => found.push(assignment(&task, &definition.definition)),
                Ok(None) => tracing::error!(task = %task.arn, "the task's definition is gone"),
                Err(error) => {
                    tracing::error!(task = %task.arn, %error, "the task's definition cannot be read");
                }
            }
        }
        found
    }

    async fn changed(&self) {
        if self.changes.lock().await.changed().await.is_none() {
            // The store is closed: nothing will change any more.
            std::future::pending::<()>().await;
        }
    }

    async fn prepare(&self, task_arn: &str) -> Result<LaunchSheet, StartFailure> {
        let task_arn = task_arn.to_owned();
        let broken = || Err(StartFailure { reason: BROKEN.to_owned(), containers: Vec::new() });
        self.blocking(move |inner| inner.prepare(&task_arn)).await.unwrap_or_else(broken)
    }

    async fn role_credentials(&self, task_arn: &str, id: &str) -> Result<RoleCredentials, NoCredentials> {
        let (task_arn, id) = (task_arn.to_owned(), id.to_owned());
        let broken = || Err(NoCredentials::Unavailable);
        self.blocking(move |inner| inner.role_credentials(&task_arn, &id)).await.unwrap_or_else(broken)
    }

    async fn task_metadata(&self, task_arn: &str) -> Option<TaskMetadata> {
        let found = metadata::metadata(&self.installation().store.view(), task_arn);
        let told = |error: &StoreError| tracing::error!(task = task_arn, %error, "a task cannot be read");
        found.inspect_err(told).ok().flatten()
    }

    async fn record(&self, task_arn: &str, step: StepRecord) {
        let written = self.installation().store.write_async("start step", |tx| {
            // A step of a task that has expired would never be removed.
            if node::task_by_arn(tx, task_arn)?.is_some() {
                trace::append(tx, task_arn, [step])
            } else {
                Ok(())
            }
        });
        if let Err(error) = written.await.map_err(WriteError::flatten) {
            tracing::error!(task = task_arn, %error, "a step of the start trace was not written");
        }
    }

    fn progress(&self, task_arn: &str, progress: PullProgress) {
        progress::set(task_arn, progress);
    }

    async fn report(&self, report: TaskReport) {
        if report.phase != TaskPhase::Pending {
            progress::forget(&report.task_arn);
        }
        let installation = self.installation();
        let now = installation.clock.now();
        let written = installation.store.write_async("task report", |tx| node::report(tx, &report, now));
        let written: Result<bool, StoreError> = written.await.map_err(WriteError::flatten);
        if let Err(error) = written {
            tracing::error!(task = %report.task_arn, %error, "a report was not written; the agent tells it again");
        }
    }

    async fn deliver_logs(
        &self,
        task_arn: &str,
        container: &str,
        first_line: u64,
        events: Vec<LogEvent>,
    ) -> Result<(), String> {
        let (task_arn, container) = (task_arn.to_owned(), container.to_owned());
        let work = move |inner: &Inner| inner.deliver(&task_arn, &container, first_line, &events);
        let broken = || Err("the delivery broke off; the server's log has the cause".to_owned());
        self.blocking(work).await.unwrap_or_else(broken)
    }

    async fn log_options(&self, task_arn: &str, container: &str) -> Option<LogOptions> {
        self.inner.log_options(task_arn, container).unwrap_or_else(|failure| {
            tracing::error!(task = task_arn, container, error = %failure, "the log options cannot be read");
            None
        })
    }

    async fn delivered_lines(&self, task_arn: &str, container: &str) -> u64 {
        let view = self.installation().store.view();
        match view.get(&DELIVERED_LINES, &(task_arn, container)) {
            Ok(lines) => lines.map_or(0, |lines| *lines),
            Err(error) => {
                tracing::error!(task = task_arn, container, %error, "the number of delivered lines cannot be read");
                0
            }
        }
    }
}

/// A task with the definition that it was started from.
type Found = (Arc<Task>, Arc<TaskDefinition>);

fn find(view: &View, task_arn: &str) -> Result<Option<Found>, StoreError> {
    let Some(task) = node::task_by_arn(view, task_arn)? else { return Ok(None) };
    let definition = node::definition_of(view, &task)?;
    Ok(definition.map(|definition| (task, definition)))
}

impl Inner {
    fn log_options(&self, task_arn: &str, name: &str) -> Result<Option<LogOptions>, Failure> {
        let view = self.call.installation().store.view();
        let Some((task, definition)) = find(&view, task_arn)? else { return Ok(None) };
        let Some(container) = log_options::container(&definition, name) else { return Ok(None) };
        let whole = log_options::configuration(self.call.installation(), &view, task_arn, container)?;
        Ok(whole.as_deref().map(|whole| log_lines::options(whole, task.drops_log_lines)))
    }

    fn prepare(&self, task_arn: &str) -> Result<LaunchSheet, StartFailure> {
        self.try_prepare(task_arn).unwrap_or_else(|failure| {
            tracing::error!(task = task_arn, error = %failure, "a launch plan could not be carried out");
            Err(StartFailure { reason: BROKEN.to_owned(), containers: Vec::new() })
        })
    }

    /// The outer error is ours, the inner one is told to the user.
    fn try_prepare(&self, task_arn: &str) -> Result<Result<LaunchSheet, StartFailure>, Failure> {
        let store = &self.call.installation().store;
        let Some((task, definition)) = find(&store.view(), task_arn)? else {
            return Err(Failure::internal(format!("there is no task `{task_arn}` with a definition")));
        };
        let execution = {
            let registry = Some(&self.call.installation().registry);
            let facts = TaskFacts { registry, ..TaskFacts::from(&*task) };
            let mut execution = execute(self.call.calls(), &plan(&facts, &definition.definition));
            if let Ok(sheet) = &mut execution.result {
                logins(&store.view(), &facts, &definition.definition, &mut sheet.containers);
            }
            execution
        };
        let options = log_options::seal(self.call.installation(), task_arn, &execution.log_options)?;
        let write = |tx: &mut Tx| {
            log_options::keep(tx, task_arn, &options);
            trace::append(tx, task_arn, execution.steps)
        };
        store.write("start trace", write).map_err(WriteError::flatten)?;
        if let Some(session) = execution.session {
            self.sessions.keep(task_arn, session, self.call.installation().clock.now());
        }
        let mut result = execution.result;
        if let Ok(sheet) = &mut result
            && task.task_role_arn.is_some()
        {
            sheet.credentials_id = Some(self.credentials_id(task_arn)?);
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
