//! The rows of a task that was just accepted.

use std::sync::Arc;

use landfall_acs::{ContainerState, Desired};
use landfall_api::ecs as api;
use landfall_base::random;

use crate::ecs::lookup::home;
use crate::ecs::record::{Cluster, Container, NetworkConfiguration, Tags, Task, TaskDefinition, TaskStatus};
use crate::ecs::rules::run::{Capacity, Sizes};
use crate::pipe::Context;
use crate::stored::Stored;

/// What was decided for the tasks of a request.
pub(super) struct Plan {
    pub(super) definition: Arc<TaskDefinition>,
    pub(super) overrides: api::TaskOverride,
    /// One entry a task.
    pub(super) tasks: Vec<TaskShape>,
    pub(super) tags: Tags,
    /// ARN of the execution role.
    pub(super) execution_role: Option<String>,
    /// ARN of the task role.
    pub(super) task_role: Option<String>,
    /// The account's default mode of log drivers is `non-blocking`.
    pub(super) drops_log_lines: bool,
}

/// In what the tasks of a request differ.
pub(super) struct TaskShape {
    pub(super) capacity: Capacity,
    pub(super) sizes: Sizes,
    pub(super) network: Option<NetworkConfiguration>,
}

/// A new task.
pub(super) fn task(
    cx: &Context<'_>,
    input: &api::RunTaskRequest,
    cluster: &Cluster,
    plan: &Plan,
    shape: &TaskShape,
) -> Task {
    let (home, id) = (home(cx), random::hex(32));
    let TaskShape { capacity, sizes, network } = shape;
    let definition = &plan.definition.definition;
    let family = definition.family.clone().unwrap_or_default();
    let containers = definition.container_definitions.iter().flatten();
    Task {
        arn: home.task(&cluster.name, &id).to_string(),
        id,
        account: home.account.clone(),
        region: home.region.clone(),
        cluster: cluster.name.clone(),
        revision: definition.revision.and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
        launch: capacity.launch,
        capacity_provider: capacity.provider.clone(),
        platform_version: capacity.platform_version.clone(),
        container_instance: None,
        group: input.group.clone().unwrap_or_else(|| format!("family:{family}")),
        family,
        started_by: input.started_by.clone(),
        overrides: Stored(plan.overrides.clone()),
        execution_role_arn: plan.execution_role.clone(),
        task_role_arn: plan.task_role.clone(),
        cpu: sizes.cpu,
        memory: sizes.memory,
        ephemeral_storage: sizes.ephemeral_storage,
        enable_execute_command: input.enable_execute_command.unwrap_or(false),
        drops_log_lines: plan.drops_log_lines,
        network: network.as_ref().map(interface),
        desired: Desired::Running,
        last_status: if network.is_some() { TaskStatus::Provisioning } else { TaskStatus::Pending },
        stop_code: None,
        stopped_reason: None,
        created_at: cx.now,
        connectivity_at: None,
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        version: 1,
        containers: containers.map(|it| container(it, &plan.overrides)).collect(),
        tags: plan.tags.clone(),
    }
}

fn interface(network: &NetworkConfiguration) -> NetworkConfiguration {
    NetworkConfiguration {
        attachment_id: random::uuid(),
        interface_id: format!("eni-0{}", random::hex(16)),
        ..network.clone()
    }
}

fn container(definition: &api::ContainerDefinition, overrides: &api::TaskOverride) -> Container {
    let mut given = overrides.container_overrides.iter().flatten();
    let over = given.find(|it| it.name == definition.name);
    let unsigned = |number: Option<i32>| number.and_then(|it| u32::try_from(it).ok());
    Container {
        id: random::uuid(),
        name: definition.name.clone().unwrap_or_default(),
        image: definition.image.clone().unwrap_or_default(),
        image_digest: None,
        runtime_id: None,
        state: ContainerState::Pending,
        health: None,
        exit_code: None,
        reason: None,
        network_bindings: Vec::new(),
        cpu: unsigned(over.and_then(|it| it.cpu).or(definition.cpu)).unwrap_or(0),
        memory: unsigned(over.and_then(|it| it.memory).or(definition.memory)),
        memory_reservation: unsigned(
            over.and_then(|it| it.memory_reservation).or(definition.memory_reservation),
        ),
        essential: definition.essential.unwrap_or(true),
    }
}
