//! A task as its own containers may see it.

use landfall_acs::{ContainerMetadata, TaskMetadata};
use landfall_api::ecs as api;
use landfall_shape::Entries;
use landfall_store::{StoreError, View};

use super::find;
use crate::ecs::names::Home;
use crate::ecs::record::{Container, Task};
use crate::ecs::view;

/// What there is to tell of a task; `None` if there is none.
pub(super) fn metadata(view: &View, task_arn: &str) -> Result<Option<TaskMetadata>, StoreError> {
    Ok(find(view, task_arn)?.map(|(task, definition)| of(&task, &definition.definition)))
}

fn of(task: &Task, definition: &api::TaskDefinition) -> TaskMetadata {
    let address = task.network.as_ref().and_then(|it| it.private_address.as_deref());
    TaskMetadata {
        known_status: view::task_status(task.last_status).to_owned(),
        desired: task.desired,
        service_name: task.group.strip_prefix("service:").map(str::to_owned),
        group: task.group.clone(),
        availability_zone: format!("{}a", task.region),
        pull_started_at: task.pull_started_at,
        pull_stopped_at: task.pull_stopped_at,
        execution_stopped_at: task.execution_stopped_at,
        private_dns_name: address.map(|address| view::private_dns_name(address, task)),
        tags: task.tags.clone(),
        ephemeral_storage: task.ephemeral_storage,
        containers: task.containers.iter().map(|row| container(task, row, definition)).collect(),
    }
}

fn container(task: &Task, row: &Container, definition: &api::TaskDefinition) -> ContainerMetadata {
    let home = Home { account: &task.account, region: &task.region };
    let mut all = definition.container_definitions.iter().flatten();
    let definition = all.find(|it| it.name.as_deref() == Some(row.name.as_str()));
    let labels = definition.and_then(|it| it.docker_labels.as_ref());
    let log = definition.and_then(|it| it.log_configuration.as_ref());
    ContainerMetadata {
        name: row.name.clone(),
        arn: home.container(&task.cluster, &task.id, &row.id).to_string(),
        state: row.state,
        exit_code: row.exit_code,
        image_digest: row.image_digest.clone(),
        network_bindings: row.network_bindings.clone(),
        labels: labels.map(pairs).unwrap_or_default(),
        log: log.map(|it| {
            (it.log_driver.as_str().to_owned(), it.options.as_ref().map(pairs).unwrap_or_default())
        }),
    }
}

fn pairs(entries: &Entries<String>) -> Vec<(String, String)> {
    entries.0.clone()
}
