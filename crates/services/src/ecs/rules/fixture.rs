//! Rows for the tests of the rules.

use landfall_acs::{ContainerState, Desired, LaunchKind};
use landfall_base::Timestamp;

use crate::ecs::record::{Container, Task, TaskStatus};
use crate::stored::Stored;

/// A new task with these containers.
pub(in crate::ecs) fn task(launch: LaunchKind, containers: &[&str]) -> Task {
    Task {
        arn: "arn:aws:ecs:us-east-1:111122223333:task/default/0123".to_owned(),
        id: "0123".to_owned(),
        account: crate::testing::account(),
        region: crate::testing::region(),
        cluster: "default".to_owned(),
        family: "app".to_owned(),
        revision: 1,
        launch,
        capacity_provider: None,
        platform_version: None,
        container_instance: None,
        group: "family:app".to_owned(),
        started_by: None,
        overrides: Stored::default(),
        execution_role_arn: None,
        task_role_arn: None,
        cpu: None,
        memory: None,
        ephemeral_storage: None,
        enable_execute_command: false,
        drops_log_lines: false,
        network: None,
        desired: Desired::Running,
        last_status: TaskStatus::Provisioning,
        stop_code: None,
        stopped_reason: None,
        created_at: Timestamp::from_millis(0),
        connectivity_at: None,
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        version: 1,
        containers: containers.iter().map(|name| container(name)).collect(),
        tags: Vec::new(),
    }
}

fn container(name: &str) -> Container {
    Container {
        id: name.to_owned(),
        name: name.to_owned(),
        image: "busybox".to_owned(),
        image_digest: None,
        runtime_id: None,
        state: ContainerState::Pending,
        health: None,
        exit_code: None,
        reason: None,
        network_bindings: Vec::new(),
        cpu: 0,
        memory: None,
        memory_reservation: None,
        essential: true,
    }
}
