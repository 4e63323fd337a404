//! What ECS fills in when a task definition is registered, so that what is described equals what AWS describes.

use landfall_api::ecs::{
    ContainerDefinition, HostVolumeProperties, NetworkMode, PortMapping, RegisterTaskDefinitionRequest,
    TaskDefinition, TaskDefinitionStatus, TransportProtocol, Volume,
};
use landfall_base::Timestamp;
use landfall_shape::ServiceError;

use super::{attributes, compatibility, task_cpu, task_memory};

/// The definition that a checked request becomes; ARN and revision are the caller's to set.
///
/// # Errors
/// None for a request that was checked.
pub fn fill(
    request: RegisterTaskDefinitionRequest,
    registered_by: String,
    registered_at: Timestamp,
) -> Result<TaskDefinition, ServiceError> {
    let requires_attributes = attributes::required(&request);
    let compatibilities = compatibility::compatibilities(&request);
    let cpu = request.cpu.as_deref().map(task_cpu).transpose()?;
    let memory = request.memory.as_deref().map(task_memory).transpose()?;
    let mode = request.network_mode.clone();
    let containers =
        request.container_definitions.into_iter().map(|it| container(it, mode.as_ref())).collect();
    Ok(TaskDefinition {
        container_definitions: Some(containers),
        family: Some(request.family),
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        network_mode: request.network_mode,
        volumes: Some(request.volumes.unwrap_or_default().into_iter().map(volume).collect()),
        status: Some(TaskDefinitionStatus::Active),
        requires_attributes: Some(requires_attributes),
        placement_constraints: Some(request.placement_constraints.unwrap_or_default()),
        compatibilities: Some(compatibilities),
        runtime_platform: request.runtime_platform,
        requires_compatibilities: request.requires_compatibilities,
        cpu: cpu.map(|cpu| cpu.to_string()),
        memory: memory.map(|memory| memory.to_string()),
        inference_accelerators: request.inference_accelerators,
        pid_mode: request.pid_mode,
        ipc_mode: request.ipc_mode,
        proxy_configuration: request.proxy_configuration,
        registered_at: Some(registered_at),
        registered_by: Some(registered_by),
        ephemeral_storage: request.ephemeral_storage,
        enable_fault_injection: request.enable_fault_injection,
        ..TaskDefinition::default()
    })
}

fn container(mut container: ContainerDefinition, mode: Option<&NetworkMode>) -> ContainerDefinition {
    container.cpu.get_or_insert(0);
    container.essential.get_or_insert(true);
    container.environment.get_or_insert_default();
    container.mount_points.get_or_insert_default();
    container.volumes_from.get_or_insert_default();
    container.system_controls.get_or_insert_default();
    for mapping in container.port_mappings.get_or_insert_default() {
        fill_port(mapping, mode);
    }
    if let Some(check) = &mut container.health_check {
        check.interval.get_or_insert(30);
        check.timeout.get_or_insert(5);
        check.retries.get_or_insert(3);
    }
    container
}

fn fill_port(mapping: &mut PortMapping, mode: Option<&NetworkMode>) {
    mapping.protocol.get_or_insert(TransportProtocol::Tcp);
    if mapping.container_port_range.is_some() {
        return;
    }
    let same = matches!(mode, Some(NetworkMode::Awsvpc | NetworkMode::Host));
    let given = mapping.host_port.filter(|port| *port != 0);
    mapping.host_port = given.or_else(|| mapping.container_port.filter(|_| same)).or(Some(0));
}

/// A volume that names no kind is an empty directory of the host.
fn volume(mut volume: Volume) -> Volume {
    let other = volume.docker_volume_configuration.is_some()
        || volume.efs_volume_configuration.is_some()
        || volume.s3files_volume_configuration.is_some()
        || volume.fsx_windows_file_server_volume_configuration.is_some()
        || volume.configured_at_launch == Some(true);
    if !other {
        volume.host.get_or_insert(HostVolumeProperties::default());
    }
    volume
}
