//! What the control plane and the agent say to each other: the narrow waist between the two. Types, one trait, and
//! the advice that both give. ECS calls its own channel for this the Agent Communication Service.
//!
//! The agent knows neither the database nor policies; the control plane knows neither containers nor registries. The
//! agent asks what should run ([`ControlPlane::assignments`]), asks for what a task needs at the moment it starts
//! ([`ControlPlane::prepare`]), and tells what became of it ([`ControlPlane::report`]).

pub mod advice;
mod assignment;
mod finding;
mod metadata;
mod probe;
mod progress;
mod report;
mod sheet;
mod step;

use async_trait::async_trait;

pub use assignment::{
    Assignment, Condition, ContainerAssignment, Dependency, Desired, HealthCheck, LaunchKind, LogDriver,
    LogOptions, MountPoint, NetworkMode, PortMapping, Protocol, Ulimit, Volume,
};
pub use finding::{Cause, Finding, Fix};
pub use metadata::{ContainerMetadata, TaskMetadata};
pub use probe::{
    ImageProbe, ImageQuestion, MountSource, PlannedMount, Probed, Program, Seen, TellPull, Tmpfs,
};
pub use progress::PullProgress;
pub use report::{
    ContainerReport, ContainerState, Health, ImageReport, NetworkBinding, TaskPhase, TaskReport,
};
pub use sheet::{
    ContainerSheet, LaunchSheet, LogEvent, NoCredentials, RegistryCredential, RoleCredentials, StartFailure,
};
pub use step::{NOT_ASKED, StepOutcome, StepRecord};

/// The control plane as the agent sees it.
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// Every task of this node that is not over yet.
    async fn assignments(&self) -> Vec<Assignment>;

    /// Returns when the assignments may have changed since the last call; spurious wake-ups are fine.
    async fn changed(&self);

    /// Carries out the part of the launch plan that needs the execution role (registry credential, log streams…), records
    /// each step in the start trace, and returns what the containers need. The answer lives in memory only.
    async fn prepare(&self, task_arn: &str) -> Result<LaunchSheet, StartFailure>;

    /// Credentials of the task's role, for the containers of the task that ask by the id of its launch sheet. They are
    /// renewed before they end.
    ///
    /// # Errors
    /// The id is not the task's, or the role cannot be assumed.
    async fn role_credentials(&self, task_arn: &str, id: &str) -> Result<RoleCredentials, NoCredentials>;

    /// What the containers of a task may know of it; `None` once it is gone.
    async fn task_metadata(&self, task_arn: &str) -> Option<TaskMetadata>;

    /// Adds a step that the agent took (image resolved, layers pulled, container started) to the start trace.
    async fn record(&self, task_arn: &str, step: StepRecord);

    /// Tells how far the pulls of a task are. Sent often; kept in memory only.
    fn progress(&self, task_arn: &str, progress: PullProgress);

    /// Tells how the task stands. Reports of one task come in order; telling the same twice is harmless.
    async fn report(&self, report: TaskReport);

    /// Delivers log lines as the execution role. Lines are numbered per container from zero, so that a line delivered twice
    /// is kept once: `first_line` is the number of the first one.
    ///
    /// # Errors
    /// A sentence why not; the agent tries again.
    async fn deliver_logs(
        &self,
        task_arn: &str,
        container: &str,
        first_line: u64,
        events: Vec<LogEvent>,
    ) -> Result<(), String>;

    /// How the container's output becomes events, with what came from secrets when the task started; `None`: as its
    /// assignment says.
    async fn log_options(&self, _task_arn: &str, _container: &str) -> Option<LogOptions> {
        None
    }

    /// How many lines of the container have been delivered so far: where delivery goes on after a restart.
    async fn delivered_lines(&self, task_arn: &str, container: &str) -> u64;
}
