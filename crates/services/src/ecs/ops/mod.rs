//! The operations, one a file.

mod create_cluster;
mod delete_account_setting;
mod delete_cluster;
mod delete_task_definitions;
mod deregister_task_definition;
mod describe_clusters;
mod describe_container_instances;
mod describe_services;
mod describe_task_definition;
mod describe_tasks;
mod list_account_settings;
mod list_clusters;
mod list_container_instances;
mod list_services;
mod list_tags_for_resource;
mod list_task_definition_families;
mod list_task_definitions;
mod list_tasks;
mod new_task;
mod put_account_setting;
mod put_account_setting_default;
mod put_cluster_capacity_providers;
mod register_task_definition;
mod run_task;
mod stop_task;
mod tag_resource;
mod untag_resource;
mod update_cluster;
mod update_cluster_settings;

pub(super) use register_task_definition::passes;
pub(crate) use run_task::demands_on_this_machine;

#[cfg(test)]
mod tests;
