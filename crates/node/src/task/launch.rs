//! From images to running containers, each as soon as those that it depends on are so far. The start of a container itself is
//! not interrupted: it takes milliseconds, and what is half made is hard to find.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use landfall_acs::{
    ContainerAssignment, ContainerReport, ContainerState, Dependency, Desired, Fix, LaunchKind, LaunchSheet,
    StepOutcome, TaskPhase, TaskReport, advice,
};
use landfall_base::Timestamp;
use landfall_image::Image;
use landfall_runtime::{
    ContainerId, ContainerStatus, Runtime, RuntimeError, Sandbox, SandboxId, SandboxSpec,
};
use tokio::sync::{Mutex, watch};

use super::board::{Verdict, verdict};
use super::report::{self, Ended};
use super::spec::Given;
use super::start::until_stopped;
use super::surroundings::Surroundings;
use super::watch::container_end;
use super::{Start, Step, Task, attend, names, spec, wording};
use crate::endpoint::{self, Place};

/// What the container agent tells of a container that never ran, as something that it depends on failed.
const NEVER_RAN: i32 = 143;

/// Whether a container's program has run: then it is taken over and not started a second time.
pub(super) fn has_begun(status: &ContainerStatus) -> bool {
    matches!(status, ContainerStatus::Running { .. } | ContainerStatus::Exited { .. })
}

/// Makes the sandbox and starts the containers: in definition order, those that depend on others when they may. A task that
/// is to stop, or whose essential container ends, starts no further one. What was made is left for the clean-up.
pub(super) async fn containers(
    task: &Arc<Task>,
    sheet: LaunchSheet,
    images: Vec<Image>,
    desired: &mut watch::Receiver<Desired>,
) -> Start {
    let sandbox = match sandbox(task).await {
        Ok(sandbox) => sandbox,
        Err(ended) => return Start::Failed(ended),
    };
    let launch = Launch {
        task,
        sandbox: &sandbox,
        sheet: Arc::new(sheet),
        turn: Mutex::new(()),
        halt: watch::channel(false).0,
    };
    if let Some(early) = launch.all(images, desired).await {
        return early;
    }
    task.parts.control.report(running(task, &sandbox)).await;
    Start::Running
}

/// What the starts of a task's containers share.
struct Launch<'a> {
    task: &'a Arc<Task>,
    sandbox: &'a Sandbox,
    sheet: Arc<LaunchSheet>,
    /// Containers start one at a time.
    turn: Mutex<()>,
    /// No further container shall start.
    halt: watch::Sender<bool>,
}

/// What became of a container.
enum Outcome {
    /// It runs, or ran.
    Started,
    /// It was not started, as the task is not to go on.
    Halted,
    /// It will never be started, and the task goes on without it.
    LeftOut,
}

impl Launch<'_> {
    /// Starts everything; why that came to an early end, if it did.
    async fn all(&self, images: Vec<Image>, desired: &mut watch::Receiver<Desired>) -> Option<Start> {
        let containers = &self.task.assignment.containers;
        // Where nobody waits for anybody there is nothing to tell before all have started.
        let ordered = containers.iter().any(|it| !it.depends_on.is_empty());
        let pairs = containers.iter().zip(images);
        let mut starts: FuturesUnordered<_> =
            pairs.map(|(wanted, image)| async move { (wanted, self.one(wanted, image).await) }).collect();
        let mut ends = FuturesUnordered::new();
        let mut early = None;
        while !starts.is_empty() {
            tokio::select! {
                Some((wanted, outcome)) = starts.next() => match outcome {
                    Ok(Outcome::Started) if ordered => {
                        self.tell_started(wanted).await;
                        ends.push(container_end(self.task, wanted));
                    }
                    Ok(_) => {}
                    Err(ended) => drop(early.get_or_insert(Start::Failed(ended))),
                },
                Some((wanted, status)) = ends.next(), if !ends.is_empty() => {
                    self.tell_ended(wanted, status.as_ref()).await;
                    if wanted.essential && !starts.is_empty() {
                        let execution_stopped_at = report::finished_at(status.as_ref());
                        early.get_or_insert(Start::Failed(Ended { execution_stopped_at, ..Ended::default() }));
                    }
                }
                () = until_stopped(desired), if early.is_none() => early = Some(Start::Cancelled),
            }
            if early.is_some() {
                self.halt.send_replace(true);
            }
        }
        early
    }

    async fn tell_started(&self, wanted: &ContainerAssignment) {
        self.tell(running_container(self.task, wanted, self.sandbox)).await;
    }

    async fn tell_ended(&self, wanted: &ContainerAssignment, status: Option<&ContainerStatus>) {
        let code = match status {
            Some(ContainerStatus::Exited { code, .. }) => Some(*code),
            _ => None,
        };
        self.task.board.note(&wanted.name, |progress| {
            progress.ended = true;
            progress.exit_code = code;
        });
        self.tell(report::over(&wanted.name, status, None)).await;
    }

    async fn tell(&self, container: ContainerReport) {
        let phase = TaskPhase::Pending;
        let told = TaskReport { containers: vec![container], ..report::empty(self.task, phase) };
        self.task.parts.control.report(told).await;
    }

    async fn one(&self, wanted: &ContainerAssignment, image: Image) -> Result<Outcome, Ended> {
        let hindered = tokio::select! {
            ready = self.ready(wanted) => ready.err(),
            () = halted(self.halt.subscribe()) => return Ok(Outcome::Halted),
        };
        if let Some(hindrance) = hindered {
            return self.leave_out(wanted, &hindrance).await;
        }
        let _turn = self.turn.lock().await;
        if *self.halt.borrow() {
            return Ok(Outcome::Halted);
        }
        let started_at = self.start(wanted, image).await?;
        self.task.board.note(&wanted.name, |progress| progress.started_at = Some(started_at));
        attend::begin(self.task, wanted);
        Ok(Outcome::Started)
    }

    /// Waits until everything that a container depends on is so far.
    async fn ready(&self, wanted: &ContainerAssignment) -> Result<(), Hindrance> {
        let mut changes = self.task.board.changes();
        loop {
            changes.borrow_and_update();
            let mut waits = false;
            let mut deadline: Option<Timestamp> = None;
            for dependency in &wanted.depends_on {
                match self.verdict(dependency) {
                    Verdict::Holds => {}
                    Verdict::Waits(until) => {
                        waits = true;
                        deadline = deadline.into_iter().chain(until).min();
                    }
                    Verdict::Never => return Err(Hindrance::Never(dependency.clone())),
                    Verdict::TimedOut => return Err(Hindrance::TimedOut(dependency.clone())),
                }
            }
            if !waits {
                return Ok(());
            }
            let left = deadline.map(|until| until.millis().saturating_sub(self.task.now().millis()));
            let left = left.map_or(LONGEST_WAIT, |it| Duration::from_millis(u64::try_from(it).unwrap_or(0)));
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(left.min(LONGEST_WAIT)) => {}
            }
        }
    }

    fn verdict(&self, dependency: &Dependency) -> Verdict {
        let of = self.dependency(dependency);
        let progress = self.task.board.of(&dependency.container);
        verdict(dependency.condition, &progress, of.and_then(|it| it.start_timeout), self.task.now())
    }

    fn dependency(&self, dependency: &Dependency) -> Option<&ContainerAssignment> {
        self.task.assignment.containers.iter().find(|it| it.name == dependency.container)
    }

    /// Tells that a container will never run. The task goes on without one that is not essential.
    async fn leave_out(&self, wanted: &ContainerAssignment, hindrance: &Hindrance) -> Result<Outcome, Ended> {
        let (task, began) = (self.task, self.task.now());
        let dependency = hindrance.dependency();
        let image = self.dependency(dependency).map_or("", |it| it.image.as_str());
        let reason = match hindrance {
            Hindrance::Never(_) => None,
            Hindrance::TimedOut(_) => Some(wording::dependency_timed_out(wanted, dependency, image)),
        };
        let exit_code = task.board.of(&dependency.container).exit_code;
        let finding = wording::dependency_finding(wanted, dependency, exit_code, reason.as_deref());
        let outcome = StepOutcome::Failed(finding.headline.clone());
        let step = Step {
            name: "start container",
            container: Some(&wanted.name),
            action: "start",
            resource: &wanted.image,
            finding: Some(finding),
            ..Step::default()
        };
        task.record(step, began, outcome).await;
        task.board.note(&wanted.name, |progress| progress.ended = true);
        let mut told = report::container(&wanted.name, ContainerState::Stopped);
        told.exit_code = reason.is_none().then_some(NEVER_RAN);
        told.reason.clone_from(&reason);
        self.tell(told).await;
        match (wanted.essential, reason) {
            (false, _) => Ok(Outcome::LeftOut),
            (true, Some(reason)) => Err(Ended::container(&wanted.name, reason)),
            (true, None) => Err(Ended::default()),
        }
    }
}

/// Longest wait for news of a container, should the clock have been set.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why a container will never start.
enum Hindrance {
    Never(Dependency),
    TimedOut(Dependency),
}

impl Hindrance {
    fn dependency(&self) -> &Dependency {
        match self {
            Self::Never(dependency) | Self::TimedOut(dependency) => dependency,
        }
    }
}

async fn halted(mut halt: watch::Receiver<bool>) {
    if halt.wait_for(|halt| *halt).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn sandbox(task: &Arc<Task>) -> Result<Sandbox, Ended> {
    let began = task.now();
    let made = task.blocking(|task, runtime| make_sandbox(task, runtime)).await;
    let made = match made {
        Ok(sandbox) => endpoint::open(task, &sandbox).await.map(|()| sandbox),
        Err(error) => Err(error),
    };
    let mut step =
        Step { name: "make network", action: "create sandbox", resource: task.arn(), ..Step::default() };
    match made {
        Ok(sandbox) => {
            step.notes.extend(sandbox.address.map(|address| format!("address {address}")));
            task.record(step, began, StepOutcome::Done).await;
            Ok(sandbox)
        }
        Err(error) => {
            let reason = wording::sandbox(task.assignment.launch, &error);
            let mut finding = wording::sandbox_finding(&error, reason.clone());
            finding.fix = another_port(task, &error).or(finding.fix);
            step.finding = Some(finding);
            task.record(step, began, StepOutcome::Failed(error.to_string())).await;
            // The container agent blames the container whose port it is; Fargate blames the task.
            Err(match port_owner(task, &error) {
                Some(container) => Ended::container(container, reason),
                None => Ended::task(reason),
            })
        }
    }
}

fn port_owner<'a>(task: &'a Task, error: &RuntimeError) -> Option<&'a str> {
    let (owner, _) = who_wants(task, error)?;
    (task.assignment.launch != LaunchKind::Fargate).then_some(owner.name.as_str())
}

fn another_port(task: &Task, error: &RuntimeError) -> Option<Fix> {
    let (owner, port) = who_wants(task, error)?;
    Some(advice::another_port(&owner.name, &owner.port_mappings, port))
}

/// The container that wants a port which is taken.
fn who_wants<'a>(task: &'a Task, error: &RuntimeError) -> Option<(&'a ContainerAssignment, u16)> {
    let RuntimeError::PortTaken { host_port, .. } = error else { return None };
    let mut containers = task.assignment.containers.iter();
    let owner = containers.find(|it| it.port_mappings.iter().any(|port| port.host_port == Some(*host_port)));
    owner.map(|owner| (owner, *host_port))
}

fn make_sandbox(task: &Task, runtime: &dyn Runtime) -> Result<Sandbox, RuntimeError> {
    let id = sandbox_id(task)?;
    let mut spec = spec::sandbox(&task.assignment, id);
    spec.labels.extend(endpoint::labels(&task.assignment)?);
    match runtime.create_sandbox(&spec) {
        Err(RuntimeError::Exists(_)) => take_over(runtime, &spec),
        made => made,
    }
}

/// A sandbox that an earlier run of the server made: with containers in it, it is whole and stays. Without, the server may
/// have died while it made it.
fn take_over(runtime: &dyn Runtime, spec: &SandboxSpec) -> Result<Sandbox, RuntimeError> {
    let is_used = runtime.list()?.containers.iter().any(|container| container.sandbox == spec.id);
    if is_used {
        return existing_sandbox(runtime, &spec.id);
    }
    runtime.remove_sandbox(&spec.id)?;
    runtime.create_sandbox(spec)
}

fn sandbox_id(task: &Task) -> Result<SandboxId, RuntimeError> {
    let id = &task.assignment.task_id;
    names::sandbox(id).ok_or_else(|| RuntimeError::Invalid(format!("`{id}` is no task id")))
}

/// One that an earlier run of the server made for this task.
pub(super) fn existing_sandbox(runtime: &dyn Runtime, id: &SandboxId) -> Result<Sandbox, RuntimeError> {
    let found = runtime.list()?.sandboxes.into_iter().find(|sandbox| sandbox.id == *id);
    found.ok_or_else(|| RuntimeError::NoSuchSandbox(id.clone()))
}

impl Launch<'_> {
    async fn start(&self, wanted: &ContainerAssignment, image: Image) -> Result<Timestamp, Ended> {
        let (task, began, name) = (self.task, self.task.now(), wanted.name.clone());
        let (sheet, sandbox, own) = (Arc::clone(&self.sheet), self.sandbox.clone(), name.clone());
        let config = image.config.config.clone();
        let started = task
            .blocking(move |task, runtime| start_container(task, runtime, &own, &sheet, &image, &sandbox))
            .await;
        let mut step = Step {
            name: "start container",
            container: Some(&name),
            action: "start",
            resource: &wanted.image,
            ..Step::default()
        };
        match started {
            Ok(started_at) => {
                task.record(step, began, StepOutcome::Done).await;
                Ok(started_at)
            }
            Err(error) => {
                let reason = wording::start(task.assignment.launch, &error);
                let started = wording::Started {
                    container: &name,
                    entry_point: wanted.entry_point.as_ref(),
                    command: wanted.command.as_ref(),
                    image: &config,
                };
                let mut finding = wording::start_finding(started, &error, reason.clone());
                if let RuntimeError::Start(failure) = &error {
                    finding.fix =
                        wording::Outfit::of(&task.assignment, wanted).left_out(failure, &[]).or(finding.fix);
                }
                step.finding = Some(finding);
                task.record(step, began, StepOutcome::Failed(error.to_string())).await;
                Err(Ended::container(&name, reason))
            }
        }
    }
}

/// Starts a container, or finds that it was started by an earlier run of the server, and says when.
fn start_container(
    task: &Task,
    runtime: &dyn Runtime,
    name: &str,
    sheet: &LaunchSheet,
    image: &Image,
    sandbox: &Sandbox,
) -> Result<Timestamp, RuntimeError> {
    let wanted = task.assignment.containers.iter().find(|it| it.name == name);
    let wanted = wanted.ok_or_else(|| RuntimeError::Invalid(format!("there is no container `{name}`")))?;
    let id = names::container(&task.assignment.task_id, &wanted.name)
        .ok_or_else(|| RuntimeError::Invalid(format!("`{}` is no container name", wanted.name)))?;
    match runtime.status(&id) {
        Ok(status) if has_begun(&status) => return began(task, runtime, &id, &status),
        Ok(_) => runtime.remove_container(&id)?,
        Err(_) => {}
    }
    let given = Given {
        sheet: sheet.containers.iter().find(|entry| entry.name == wanted.name),
        image,
        volumes: &task.parts.volumes,
        surroundings: Surroundings {
            assignment: &task.assignment,
            container_id: &wanted.id,
            place: Place::of(&task.assignment, sandbox),
            credentials_id: sheet.credentials_id.as_ref(),
            api: task.parts.api.as_ref(),
        },
    };
    let spec = spec::container(&task.assignment, wanted, &given, id, sandbox.id.clone())
        .map_err(RuntimeError::Invalid)?;
    runtime.start_container(&spec).map(|started| Timestamp::from_millis(started.started_at))
}

/// When a container's program began; for one that has ended, what the runtime remembers of it.
fn began(
    task: &Task,
    runtime: &dyn Runtime,
    id: &ContainerId,
    status: &ContainerStatus,
) -> Result<Timestamp, RuntimeError> {
    if let ContainerStatus::Running { started_at, .. } = status {
        return Ok(Timestamp::from_millis(*started_at));
    }
    let found = runtime.list()?.containers.into_iter().find(|container| container.id == *id);
    Ok(found.and_then(|it| it.started_at).map_or_else(|| task.now(), Timestamp::from_millis))
}

/// What is told once everything runs.
pub(super) fn running(task: &Task, sandbox: &Sandbox) -> TaskReport {
    TaskReport {
        containers: task
            .assignment
            .containers
            .iter()
            .filter(|it| !is_left_out(task, it))
            .map(|it| running_container(task, it, sandbox))
            .collect(),
        private_address: sandbox.address.map(|address| address.to_string()),
        mac_address: sandbox.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":")),
        ..report::empty(task, TaskPhase::Running)
    }
}

fn is_left_out(task: &Task, container: &ContainerAssignment) -> bool {
    let progress = task.board.of(&container.name);
    progress.ended && progress.started_at.is_none()
}

fn running_container(task: &Task, container: &ContainerAssignment, sandbox: &Sandbox) -> ContainerReport {
    let own = sandbox.ports.iter().filter(|port| {
        container.port_mappings.iter().any(|mapping| mapping.container_port == port.container_port)
    });
    ContainerReport {
        runtime_id: names::container(&task.assignment.task_id, &container.name)
            .map(|id| id.as_str().to_owned()),
        network_bindings: report::bindings(&own.cloned().collect::<Vec<_>>()),
        ..report::container(&container.name, ContainerState::Running)
    }
}
