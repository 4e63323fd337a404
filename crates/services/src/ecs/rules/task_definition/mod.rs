//! What RegisterTaskDefinition refuses, and what it fills in. One topic a file; the texts are AWS's.

mod attributes;
mod compatibility;
mod container;
mod defaults;
mod dependencies;
mod fargate;
mod health_check;
mod linux;
mod logging;
mod ports;
mod resources;
mod roles;
mod secrets;
mod volumes;

use landfall_api::ecs::{self as api, ContainerDefinition, error};
use landfall_shape::ServiceError;

pub use defaults::fill;
pub use fargate::is_size as is_fargate_size;
pub use resources::{task_cpu, task_memory};
pub use roles::complete_role;
pub use secrets::shared_name;

/// Most containers of a task definition (Developer Guide, "Service quotas").
const MOST_CONTAINERS: usize = 10;

type Verdict = Result<(), ServiceError>;

fn refuse(text: impl Into<String>) -> ServiceError {
    error::client_exception(text)
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(refuse(text())) }
}

fn name_of(container: &ContainerDefinition) -> &str {
    container.name.as_deref().unwrap_or_default()
}

fn is_essential(container: &ContainerDefinition) -> bool {
    container.essential.unwrap_or(true)
}

/// Checks a whole request.
///
/// # Errors
/// The first thing that AWS would refuse, in its words.
pub fn check(request: &api::RegisterTaskDefinitionRequest) -> Verdict {
    check_family(&request.family)?;
    let containers = &request.container_definitions;
    ensure(!containers.is_empty(), || "Container list cannot be empty.".to_owned())?;
    ensure(containers.len() <= MOST_CONTAINERS, || {
        format!("Too many containers: a task definition has at most {MOST_CONTAINERS}.")
    })?;
    container::check_names(containers)?;
    check_enumerations(request)?;
    resources::check(request)?;
    for container in containers {
        check_container(request, container)?;
    }
    ensure(containers.iter().any(is_essential), || {
        "Task definition doesn't have any essential container.".to_owned()
    })?;
    ports::check_host_ports(containers)?;
    dependencies::check(containers)?;
    volumes::check(request)?;
    compatibility::check(request)
}

/// Everything that AWS would refuse, as far as it does not depend on what is refused already; the first entry is what
/// [`check`] says.
pub fn check_all(request: &api::RegisterTaskDefinitionRequest) -> Vec<ServiceError> {
    let mut found: Vec<ServiceError> = check(request).err().into_iter().collect();
    let containers = &request.container_definitions;
    let whole = [
        check_enumerations(request),
        resources::check(request),
        ports::check_host_ports(containers),
        dependencies::check(containers),
        volumes::check(request),
        compatibility::check(request),
    ];
    let each = containers.iter().flat_map(|container| {
        [
            container::check(request, container),
            resources::check_container(request, container),
            ports::check(request.network_mode.as_ref(), container),
            logging::check(request, container),
            secrets::check(request, container),
            health_check::check(container),
            linux::check(container),
        ]
    });
    for error in whole.into_iter().chain(each).filter_map(Result::err) {
        if !found.iter().any(|it| it.message == error.message) {
            found.push(error);
        }
    }
    found
}

fn check_family(family: &str) -> Verdict {
    ensure(!family.is_empty(), || "Family should not be null or empty.".to_owned())?;
    ensure(crate::ecs::names::is_resource_name(family), || "Family contains invalid characters.".to_owned())
}

fn check_container(request: &api::RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    container::check(request, container)?;
    resources::check_container(request, container)?;
    ports::check(request.network_mode.as_ref(), container)?;
    logging::check(request, container)?;
    secrets::check(request, container)?;
    health_check::check(container)?;
    linux::check(container)
}

/// Values that the model's enumerations do not list.
fn check_enumerations(request: &api::RegisterTaskDefinitionRequest) -> Verdict {
    if let Some(api::NetworkMode::Unknown(mode)) = &request.network_mode {
        return Err(refuse(format!("Invalid network mode: {mode}.")));
    }
    let mut kinds = request.requires_compatibilities.iter().flatten();
    if let Some(api::Compatibility::Unknown(kind)) =
        kinds.find(|it| matches!(it, api::Compatibility::Unknown(_)))
    {
        return Err(refuse(format!("Invalid compatibility: {kind}.")));
    }
    if let Some(api::PidMode::Unknown(mode)) = &request.pid_mode {
        return Err(refuse(format!("Invalid pidMode: {mode}.")));
    }
    if let Some(api::IpcMode::Unknown(mode)) = &request.ipc_mode {
        return Err(refuse(format!("Invalid ipcMode: {mode}.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
