//! Tasks as the API shows them.

use landfall_acs::{ContainerState, Desired, Health, LaunchKind, Protocol};
use landfall_api::ecs as api;

use crate::ecs::names::Home;
use crate::ecs::record::{Container, NetworkConfiguration, Task, TaskStatus};
use crate::ecs::rules::run::complete_overrides;
use crate::ecs::tags;

/// A task as DescribeTasks shows it.
pub fn task(row: &Task, with_tags: bool) -> api::Task {
    let home = Home { account: &row.account, region: &row.region };
    let fargate = row.launch == LaunchKind::Fargate;
    api::Task {
        attachments: Some(row.network.iter().map(|network| attachment(row, network)).collect()),
        attributes: Some(vec![architecture()]),
        availability_zone: Some(format!("{}a", row.region)),
        capacity_provider_name: row.capacity_provider.clone(),
        cluster_arn: Some(home.cluster(&row.cluster).to_string()),
        connectivity: row.connectivity_at.map(|_| api::Connectivity::Connected),
        connectivity_at: row.connectivity_at,
        container_instance_arn: row
            .container_instance
            .as_ref()
            .map(|id| home.container_instance(&row.cluster, id).to_string()),
        containers: Some(row.containers.iter().map(|it| container(row, home, it)).collect()),
        cpu: Some(row.cpu.unwrap_or_else(|| sum(row, |it| Some(it.cpu))).to_string()),
        created_at: Some(row.created_at),
        desired_status: Some(desired(row.desired).to_owned()),
        enable_execute_command: Some(row.enable_execute_command),
        execution_stopped_at: row.execution_stopped_at,
        group: Some(row.group.clone()),
        health_status: Some(task_health(row)),
        last_status: Some(status(row.last_status).to_owned()),
        launch_type: Some(launch_type(row.launch)),
        memory: Some(
            row.memory.unwrap_or_else(|| sum(row, |it| it.memory.or(it.memory_reservation))).to_string(),
        ),
        overrides: Some(complete_overrides(&row.overrides, row.containers.iter().map(|it| it.name.as_str()))),
        platform_version: row.platform_version.clone(),
        platform_family: fargate.then(|| "Linux".to_owned()),
        pull_started_at: row.pull_started_at,
        pull_stopped_at: row.pull_stopped_at,
        started_at: row.started_at,
        started_by: row.started_by.clone(),
        stop_code: row.stop_code.as_deref().map(api::TaskStopCode::from),
        stopped_at: row.stopped_at,
        stopped_reason: row.stopped_reason.clone(),
        stopping_at: row.stopping_at,
        tags: Some(if with_tags { tags::to_api(&row.tags) } else { Vec::new() }),
        task_arn: Some(row.arn.clone()),
        task_definition_arn: Some(home.task_definition(&row.family, row.revision).to_string()),
        version: Some(row.version),
        ephemeral_storage: row.ephemeral_storage.map(|size_in_gib| api::EphemeralStorage { size_in_gib }),
        fargate_ephemeral_storage: row
            .ephemeral_storage
            .map(|size| api::TaskEphemeralStorage { size_in_gib: Some(size), kms_key_id: None }),
        ..api::Task::default()
    }
}

fn health(health: Option<Health>) -> api::HealthStatus {
    match health {
        Some(Health::Healthy) => api::HealthStatus::Healthy,
        Some(Health::Unhealthy) => api::HealthStatus::Unhealthy,
        Some(Health::Unknown) | None => api::HealthStatus::UnknownValue,
    }
}

/// Essential containers count: one that is unhealthy makes the task so, and only all of them make it healthy (API reference,
/// `Task.healthStatus`).
fn task_health(row: &Task) -> api::HealthStatus {
    let mut essential = row.containers.iter().filter(|it| it.essential);
    if essential.clone().any(|it| it.health == Some(Health::Unhealthy)) {
        api::HealthStatus::Unhealthy
    } else if essential.all(|it| it.health == Some(Health::Healthy)) {
        api::HealthStatus::Healthy
    } else {
        api::HealthStatus::UnknownValue
    }
}

fn sum(row: &Task, of: impl Fn(&Container) -> Option<u32>) -> u32 {
    row.containers.iter().filter_map(of).fold(0, u32::saturating_add)
}

/// `launchType` of a kind of capacity.
pub(in crate::ecs) fn launch_type(launch: LaunchKind) -> api::LaunchType {
    match launch {
        LaunchKind::Fargate => api::LaunchType::Fargate,
        LaunchKind::Ec2 => api::LaunchType::Ec2,
        LaunchKind::External => api::LaunchType::External,
    }
}

fn desired(desired: Desired) -> &'static str {
    match desired {
        Desired::Running => "RUNNING",
        Desired::Stopped => "STOPPED",
    }
}

pub(in crate::ecs) fn status(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Provisioning => "PROVISIONING",
        TaskStatus::Pending => "PENDING",
        TaskStatus::Activating => "ACTIVATING",
        TaskStatus::Running => "RUNNING",
        TaskStatus::Deactivating => "DEACTIVATING",
        TaskStatus::Stopping => "STOPPING",
        TaskStatus::Deprovisioning => "DEPROVISIONING",
        TaskStatus::Stopped => "STOPPED",
    }
}

fn architecture() -> api::Attribute {
    let value = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    api::Attribute {
        name: "ecs.cpu-architecture".to_owned(),
        value: Some(value.to_owned()),
        ..api::Attribute::default()
    }
}

fn attachment(row: &Task, network: &NetworkConfiguration) -> api::Attachment {
    let status = match (row.last_status, &network.private_address) {
        (TaskStatus::Stopped, _) => "DELETED",
        (_, Some(_)) => "ATTACHED",
        (_, None) => "PRECREATED",
    };
    let address = network.private_address.as_ref();
    let details = [
        ("subnetId", network.subnets.first().cloned()),
        ("networkInterfaceId", address.map(|_| network.interface_id.clone())),
        ("macAddress", network.mac_address.clone()),
        ("privateDnsName", address.map(|address| private_dns_name(address, row))),
        ("privateIPv4Address", address.cloned()),
    ];
    let details = details.into_iter().filter(|(_, value)| value.is_some());
    let pair =
        |(name, value): (&str, Option<String>)| api::KeyValuePair { name: Some(name.to_owned()), value };
    api::Attachment {
        id: Some(network.attachment_id.clone()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some(status.to_owned()),
        details: Some(details.map(pair).collect()),
    }
}

/// `ip-10-0-0-1.eu-west-1.compute.internal`; us-east-1 has a name of its own (VPC User Guide, "DNS hostnames").
pub(in crate::ecs) fn private_dns_name(address: &str, row: &Task) -> String {
    let host = address.replace('.', "-");
    match row.region.as_str() {
        "us-east-1" => format!("ip-{host}.ec2.internal"),
        region => format!("ip-{host}.{region}.compute.internal"),
    }
}

fn container(row: &Task, home: Home<'_>, container: &Container) -> api::Container {
    let own_address = |network: &NetworkConfiguration| api::NetworkInterface {
        attachment_id: Some(network.attachment_id.clone()),
        private_ipv4_address: network.private_address.clone(),
        ipv6_address: None,
    };
    let interfaces = row.network.iter().filter(|network| network.private_address.is_some()).map(own_address);
    api::Container {
        container_arn: Some(home.container(&row.cluster, &row.id, &container.id).to_string()),
        task_arn: Some(row.arn.clone()),
        name: Some(container.name.clone()),
        image: Some(container.image.clone()),
        image_digest: container.image_digest.clone(),
        runtime_id: container.runtime_id.clone(),
        last_status: Some(container_status(container.state).to_owned()),
        exit_code: container.exit_code,
        reason: container.reason.clone(),
        network_bindings: Some(container.network_bindings.iter().map(binding).collect()),
        network_interfaces: Some(interfaces.collect()),
        health_status: Some(health(container.health)),
        cpu: Some(container.cpu.to_string()),
        memory: container.memory.map(|memory| memory.to_string()),
        memory_reservation: container.memory_reservation.map(|memory| memory.to_string()),
        ..api::Container::default()
    }
}

fn container_status(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Pending => "PENDING",
        ContainerState::Running => "RUNNING",
        ContainerState::Stopped => "STOPPED",
    }
}

fn binding(binding: &landfall_acs::NetworkBinding) -> api::NetworkBinding {
    let protocol = match binding.protocol {
        Protocol::Tcp => api::TransportProtocol::Tcp,
        Protocol::Udp => api::TransportProtocol::Udp,
    };
    api::NetworkBinding {
        bind_ip: Some(binding.bind_ip.clone()),
        container_port: Some(i32::from(binding.container_port)),
        host_port: Some(i32::from(binding.host_port)),
        protocol: Some(protocol),
        ..api::NetworkBinding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::rules::fixture;

    #[test]
    fn a_task_is_as_healthy_as_its_essential_containers() {
        let (unknown, well, ill) = (Some(Health::Unknown), Some(Health::Healthy), Some(Health::Unhealthy));
        for (essential, other, expected) in [
            ([None, None], None, api::HealthStatus::UnknownValue),
            ([well, None], None, api::HealthStatus::UnknownValue),
            ([well, unknown], None, api::HealthStatus::UnknownValue),
            ([well, well], ill, api::HealthStatus::Healthy),
            ([well, ill], well, api::HealthStatus::Unhealthy),
            ([None, None], well, api::HealthStatus::UnknownValue),
        ] {
            let mut row = fixture::task(LaunchKind::Fargate, &["a", "b", "c"]);
            let healths = [essential[0], essential[1], other];
            for (container, health) in row.containers.iter_mut().zip(healths) {
                container.health = health;
                container.essential = container.name != "c";
            }
            assert_eq!(task_health(&row), expected, "{healths:?}");
        }
    }
}
