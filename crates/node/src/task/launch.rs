//! From images to running containers. Not interrupted: it takes milliseconds, and what is half made is hard to find.

use std::sync::Arc;

use landfall_acs::{
    ContainerReport, ContainerState, LaunchKind, LaunchSheet, StepOutcome, TaskPhase, TaskReport,
};
use landfall_image::Image;
use landfall_runtime::{ContainerStatus, Runtime, RuntimeError, Sandbox, SandboxId};

use super::report::{self, Ended};
use super::spec::Given;
use super::surroundings::Surroundings;
use super::{Step, Task, names, spec, wording};
use crate::endpoint::{self, Place};

/// Whether a container's program has run: then it is taken over and not started a second time.
pub(super) fn has_begun(status: &ContainerStatus) -> bool {
    matches!(status, ContainerStatus::Running { .. } | ContainerStatus::Exited { .. })
}

/// Makes the sandbox and starts the containers in definition order.
///
/// # Errors
/// The first failure, in the words of the launch type. What was made is left for the clean-up.
pub(super) async fn containers(
    task: &Arc<Task>,
    sheet: LaunchSheet,
    images: Vec<Image>,
) -> Result<(), Ended> {
    let sandbox = sandbox(task).await?;
    let sheet = Arc::new(sheet);
    for (index, image) in images.into_iter().enumerate() {
        container(task, &sandbox, index, &sheet, image).await?;
    }
    task.parts.control.report(running(task, &sandbox)).await;
    Ok(())
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
            step.finding = Some(wording::sandbox_finding(&error, reason.clone()));
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
    let RuntimeError::PortTaken { host_port, .. } = error else { return None };
    let mut containers = task.assignment.containers.iter();
    let owner = containers.find(|it| it.port_mappings.iter().any(|port| port.host_port == Some(*host_port)));
    owner.filter(|_| task.assignment.launch != LaunchKind::Fargate).map(|container| container.name.as_str())
}

fn make_sandbox(task: &Task, runtime: &dyn Runtime) -> Result<Sandbox, RuntimeError> {
    let id = sandbox_id(task)?;
    let mut spec = spec::sandbox(&task.assignment, id);
    spec.labels.extend(endpoint::labels(&task.assignment)?);
    match runtime.create_sandbox(&spec) {
        Err(RuntimeError::Exists(_)) => existing_sandbox(runtime, &spec.id),
        made => made,
    }
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

async fn container(
    task: &Arc<Task>,
    sandbox: &Sandbox,
    index: usize,
    sheet: &Arc<LaunchSheet>,
    image: Image,
) -> Result<(), Ended> {
    let Some(wanted) = task.assignment.containers.get(index) else { return Ok(()) };
    let (began, name) = (task.now(), wanted.name.clone());
    let (sheet, sandbox) = (Arc::clone(sheet), sandbox.clone());
    let started = task
        .blocking(move |task, runtime| start_container(task, runtime, index, &sheet, &image, &sandbox))
        .await;
    let mut step = Step {
        name: "start container",
        container: Some(&name),
        action: "start",
        resource: &wanted.image,
        ..Step::default()
    };
    match started {
        Ok(()) => {
            task.record(step, began, StepOutcome::Done).await;
            Ok(())
        }
        Err(error) => {
            let reason = wording::start(task.assignment.launch, &error);
            step.finding = Some(wording::start_finding(&name, &error, reason.clone()));
            task.record(step, began, StepOutcome::Failed(error.to_string())).await;
            Err(Ended::container(&name, reason))
        }
    }
}

fn start_container(
    task: &Task,
    runtime: &dyn Runtime,
    index: usize,
    sheet: &LaunchSheet,
    image: &Image,
    sandbox: &Sandbox,
) -> Result<(), RuntimeError> {
    let Some(wanted) = task.assignment.containers.get(index) else { return Ok(()) };
    let id = names::container(&task.assignment.task_id, &wanted.name)
        .ok_or_else(|| RuntimeError::Invalid(format!("`{}` is no container name", wanted.name)))?;
    match runtime.status(&id) {
        Ok(status) if has_begun(&status) => return Ok(()),
        Ok(_) => runtime.remove_container(&id)?,
        Err(_) => {}
    }
    let given = Given {
        sheet: sheet.containers.iter().find(|entry| entry.name == wanted.name),
        image,
        volumes: &task.parts.volumes,
        surroundings: Surroundings {
            assignment: &task.assignment,
            place: Place::of(&task.assignment, sandbox),
            credentials_id: sheet.credentials_id.as_ref(),
            api: task.parts.api.as_ref(),
        },
    };
    let spec = spec::container(&task.assignment, wanted, &given, id, sandbox.id.clone())
        .map_err(RuntimeError::Invalid)?;
    runtime.start_container(&spec).map(drop)
}

/// What is told once everything runs.
pub(super) fn running(task: &Task, sandbox: &Sandbox) -> TaskReport {
    TaskReport {
        containers: task
            .assignment
            .containers
            .iter()
            .map(|it| running_container(task, it, sandbox))
            .collect(),
        private_address: sandbox.address.map(|address| address.to_string()),
        mac_address: sandbox.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":")),
        ..report::empty(task, TaskPhase::Running)
    }
}

fn running_container(
    task: &Task,
    container: &landfall_acs::ContainerAssignment,
    sandbox: &Sandbox,
) -> ContainerReport {
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
