//! What the agent is told of a task: its definition with the overrides applied, in the units the kernel needs.

use landfall_acs::{
    Assignment, Condition, ContainerAssignment, Dependency, HealthCheck, LaunchKind, LogDriver, LogOptions,
    MountPoint, NetworkMode, PortMapping, Protocol, TaskPhase, Ulimit, Volume,
};
use landfall_api::ecs as api;

use crate::ecs::names::Home;
use crate::ecs::record::{Task, TaskStatus};
use crate::ecs::rules::log_lines;

/// The assignment of a task.
pub fn assignment(task: &Task, definition: &api::TaskDefinition) -> Assignment {
    let home = Home { account: &task.account, region: &task.region };
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    Assignment {
        task_arn: task.arn.clone(),
        task_id: task.id.clone(),
        region: task.region.to_string(),
        has_task_role: task.task_role_arn.is_some(),
        cluster_arn: home.cluster(&task.cluster).to_string(),
        family: task.family.clone(),
        revision: i32::try_from(task.revision).unwrap_or(i32::MAX),
        launch: task.launch,
        desired: task.desired,
        phase: phase(task.last_status),
        stopping_at: task.stopping_at,
        network_mode: network_mode(definition),
        cpu: task.cpu,
        memory: task.memory,
        platform: platform(definition.runtime_platform.as_ref()),
        containers: containers.iter().map(|it| container(task, it)).collect(),
        volumes: definition.volumes.iter().flatten().filter_map(volume).collect(),
    }
}

fn phase(status: TaskStatus) -> TaskPhase {
    match status {
        TaskStatus::Provisioning | TaskStatus::Pending => TaskPhase::Pending,
        TaskStatus::Activating | TaskStatus::Running => TaskPhase::Running,
        TaskStatus::Deactivating | TaskStatus::Stopping | TaskStatus::Deprovisioning => TaskPhase::Stopping,
        TaskStatus::Stopped => TaskPhase::Stopped,
    }
}

/// The network mode of a definition; `bridge` where it says nothing (API reference, RegisterTaskDefinition).
pub fn network_mode(definition: &api::TaskDefinition) -> NetworkMode {
    match definition.network_mode {
        Some(api::NetworkMode::Awsvpc) => NetworkMode::Awsvpc,
        Some(api::NetworkMode::Host) => NetworkMode::Host,
        Some(api::NetworkMode::None) => NetworkMode::None,
        _ => NetworkMode::Bridge,
    }
}

/// The protocol of a port mapping; TCP where it says nothing.
pub fn protocol(protocol: Option<&api::TransportProtocol>) -> Protocol {
    match protocol {
        Some(api::TransportProtocol::Udp) => Protocol::Udp,
        _ => Protocol::Tcp,
    }
}

/// The platform of images in OCI's words; this machine's where the definition says nothing.
pub fn platform(platform: Option<&api::RuntimePlatform>) -> String {
    let architecture = match platform.and_then(|it| it.cpu_architecture.as_ref()) {
        Some(api::CPUArchitecture::Arm64) => "arm64",
        Some(_) => "amd64",
        None => HOST_ARCHITECTURE,
    };
    format!("linux/{architecture}")
}

/// The architecture of this machine in OCI's words.
pub const HOST_ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

fn container(task: &Task, definition: &api::ContainerDefinition) -> ContainerAssignment {
    let name = definition.name.clone().unwrap_or_default();
    let given = task.overrides.container_overrides.iter().flatten();
    let over = given.rev().find(|it| it.name.as_deref() == Some(name.as_str()));
    let linux = definition.linux_parameters.as_ref();
    let capabilities = linux.and_then(|it| it.capabilities.as_ref());
    let row = task.containers.iter().find(|it| it.name == name);
    ContainerAssignment {
        id: row.map(|row| row.id.clone()).unwrap_or_default(),
        image: definition.image.clone().unwrap_or_default(),
        essential: definition.essential.unwrap_or(true),
        entry_point: filled(definition.entry_point.as_ref()),
        command: filled(over.and_then(|it| it.command.as_ref()))
            .or_else(|| filled(definition.command.as_ref())),
        environment: environment(task.launch, definition, over),
        user: definition.user.clone(),
        working_directory: definition.working_directory.clone(),
        hostname: definition.hostname.clone(),
        cpu: unsigned(over.and_then(|it| it.cpu).or(definition.cpu)).unwrap_or(0),
        memory: unsigned(over.and_then(|it| it.memory).or(definition.memory)),
        memory_reservation: unsigned(
            over.and_then(|it| it.memory_reservation).or(definition.memory_reservation),
        ),
        readonly_root_filesystem: definition.readonly_root_filesystem.unwrap_or(false),
        privileged: definition.privileged.unwrap_or(false),
        depends_on: definition.depends_on.iter().flatten().filter_map(dependency).collect(),
        start_timeout: unsigned(definition.start_timeout),
        health_check: definition.health_check.as_ref().and_then(health_check),
        stop_timeout: unsigned(definition.stop_timeout),
        ulimits: definition.ulimits.iter().flatten().map(ulimit).collect(),
        init_process_enabled: linux.and_then(|it| it.init_process_enabled).unwrap_or(false),
        capabilities_add: capabilities.and_then(|it| it.add.clone()).unwrap_or_default(),
        capabilities_drop: capabilities.and_then(|it| it.drop.clone()).unwrap_or_default(),
        shared_memory_size: unsigned(linux.and_then(|it| it.shared_memory_size)),
        tmpfs: linux.iter().flat_map(|it| it.tmpfs.iter().flatten()).map(tmpfs).collect(),
        system_controls: definition.system_controls.iter().flatten().filter_map(system_control).collect(),
        dns_servers: definition.dns_servers.clone().unwrap_or_default(),
        extra_hosts: definition.extra_hosts.iter().flatten().map(extra_host).collect(),
        port_mappings: definition.port_mappings.iter().flatten().filter_map(port_mapping).collect(),
        mount_points: definition.mount_points.iter().flatten().filter_map(mount_point).collect(),
        log_driver: log_driver(definition.log_configuration.as_ref()),
        log_options: log_options(task, definition),
        has_repository_credentials: definition.repository_credentials.is_some(),
        name,
    }
}

fn log_options(task: &Task, definition: &api::ContainerDefinition) -> LogOptions {
    let options = |it| log_lines::options(it, task.drops_log_lines);
    definition.log_configuration.as_ref().map(options).unwrap_or_default()
}

/// The definition's variables, with those of the override over them, and the one that says where the task runs (Developer
/// Guide, "AWS_EXECUTION_ENV").
fn environment(
    launch: LaunchKind,
    definition: &api::ContainerDefinition,
    over: Option<&api::ContainerOverride>,
) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let given = definition.environment.iter().flatten();
    for variable in given.chain(over.iter().flat_map(|it| it.environment.iter().flatten())) {
        let Some(name) = variable.name.clone() else { continue };
        let value = variable.value.clone().unwrap_or_default();
        match out.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => out.push((name, value)),
        }
    }
    let place = match launch {
        LaunchKind::Fargate => "AWS_ECS_FARGATE",
        LaunchKind::Ec2 | LaunchKind::External => "AWS_ECS_EC2",
    };
    if !out.iter().any(|(name, _)| name == "AWS_EXECUTION_ENV") {
        out.push(("AWS_EXECUTION_ENV".to_owned(), place.to_owned()));
    }
    out
}

fn dependency(dependency: &api::ContainerDependency) -> Option<Dependency> {
    let condition = match dependency.condition {
        api::ContainerCondition::Start => Condition::Start,
        api::ContainerCondition::Complete => Condition::Complete,
        api::ContainerCondition::Success => Condition::Success,
        api::ContainerCondition::Healthy => Condition::Healthy,
        api::ContainerCondition::Unknown(_) => return None,
    };
    Some(Dependency { container: dependency.container_name.clone(), condition })
}

/// With the defaults of the API reference, HealthCheck. `NONE` is no check.
fn health_check(check: &api::HealthCheck) -> Option<HealthCheck> {
    (check.command.first().map(String::as_str) != Some("NONE")).then(|| HealthCheck {
        command: check.command.clone(),
        interval: unsigned(check.interval).unwrap_or(30),
        timeout: unsigned(check.timeout).unwrap_or(5),
        retries: unsigned(check.retries).unwrap_or(3),
        start_period: unsigned(check.start_period).unwrap_or(0),
    })
}

fn filled(words: Option<&Vec<String>>) -> Option<Vec<String>> {
    words.filter(|words| !words.is_empty()).cloned()
}

fn unsigned(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

fn ulimit(limit: &api::Ulimit) -> Ulimit {
    Ulimit {
        name: limit.name.as_str().to_owned(),
        soft: i64::from(limit.soft_limit),
        hard: i64::from(limit.hard_limit),
    }
}

pub(crate) fn tmpfs(mount: &api::Tmpfs) -> (String, u32, Vec<String>) {
    let size = u32::try_from(mount.size).unwrap_or(0);
    (mount.container_path.clone(), size, mount.mount_options.clone().unwrap_or_default())
}

pub(crate) fn system_control(control: &api::SystemControl) -> Option<(String, String)> {
    Some((control.namespace.clone()?, control.value.clone()?))
}

fn extra_host(host: &api::HostEntry) -> (String, String) {
    (host.hostname.clone(), host.ip_address.clone())
}

pub(crate) fn port_mapping(mapping: &api::PortMapping) -> Option<PortMapping> {
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    Some(PortMapping {
        container_port: port(mapping.container_port)?,
        host_port: port(mapping.host_port).filter(|port| *port != 0),
        protocol: protocol(mapping.protocol.as_ref()),
    })
}

pub(crate) fn mount_point(mount: &api::MountPoint) -> Option<MountPoint> {
    Some(MountPoint {
        source_volume: mount.source_volume.clone()?,
        container_path: mount.container_path.clone()?,
        read_only: mount.read_only.unwrap_or(false),
    })
}

fn log_driver(configuration: Option<&api::LogConfiguration>) -> LogDriver {
    match configuration.map(|it| &it.log_driver) {
        Some(api::LogDriver::Awslogs) => LogDriver::Awslogs,
        _ => LogDriver::JsonFile,
    }
}

pub(crate) fn volume(volume: &api::Volume) -> Option<Volume> {
    let host_path = volume.host.as_ref().and_then(|host| host.source_path.clone());
    Some(Volume { name: volume.name.clone()?, host_path })
}

#[cfg(test)]
#[path = "assignment_tests.rs"]
mod tests;
