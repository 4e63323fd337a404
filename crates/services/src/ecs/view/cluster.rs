//! Clusters as the API shows them.

use std::sync::Arc;

use landfall_acs::Desired;
use landfall_api::ecs as api;
use landfall_shape::Shape as _;
use landfall_wire::json;

use crate::ecs::names::Home;
use crate::ecs::record::{Cluster, Task, TaskStatus};
use crate::ecs::tags;

/// Tasks of a cluster by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ecs) struct Counts {
    pub(in crate::ecs) running: i32,
    pub(in crate::ecs) pending: i32,
}

/// Counts tasks that are not over.
pub(in crate::ecs) fn counts(tasks: &[Arc<Task>]) -> Counts {
    let mut counts = Counts::default();
    for task in tasks {
        match task.last_status {
            TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating => {
                if task.desired == Desired::Running {
                    counts.pending += 1;
                }
            }
            TaskStatus::Stopped => {}
            _ => counts.running += 1,
        }
    }
    counts
}

/// A cluster, with the parts that `include` names.
pub(in crate::ecs) fn cluster(
    row: &Cluster,
    home: Home<'_>,
    counts: Counts,
    include: &[api::ClusterField],
) -> api::Cluster {
    let has = |field: api::ClusterField| include.contains(&field);
    let settings = if has(api::ClusterField::Settings) { settings(row) } else { Vec::new() };
    let tags = if has(api::ClusterField::Tags) { tags::to_api(&row.tags) } else { Vec::new() };
    let statistics = if has(api::ClusterField::Statistics) { statistics(counts) } else { Vec::new() };
    api::Cluster {
        cluster_arn: Some(home.cluster(&row.name).to_string()),
        cluster_name: Some(row.name.clone()),
        configuration: if has(api::ClusterField::Configurations) { configuration(row) } else { None },
        status: Some(if row.active { "ACTIVE" } else { "INACTIVE" }.to_owned()),
        registered_container_instances_count: Some(i32::from(row.active)),
        running_tasks_count: Some(counts.running),
        pending_tasks_count: Some(counts.pending),
        active_services_count: Some(0),
        statistics: Some(statistics),
        tags: Some(tags),
        settings: Some(settings),
        capacity_providers: Some(row.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(strategy(row)),
        ..api::Cluster::default()
    }
}

fn settings(row: &Cluster) -> Vec<api::ClusterSetting> {
    let setting = |(name, value): &(String, String)| api::ClusterSetting {
        name: Some(api::ClusterSettingName::from(name.as_str())),
        value: Some(value.clone()),
    };
    row.settings.iter().map(setting).collect()
}

fn strategy(row: &Cluster) -> Vec<api::CapacityProviderStrategyItem> {
    let item = |(provider, weight, base): &(String, i32, i32)| api::CapacityProviderStrategyItem {
        capacity_provider: provider.clone(),
        weight: Some(*weight),
        base: Some(*base),
    };
    row.default_capacity_provider_strategy.iter().map(item).collect()
}

fn configuration(row: &Cluster) -> Option<api::ClusterConfiguration> {
    let value =
        json::decode(&api::schema::CLUSTER_CONFIGURATION, row.configuration.as_deref()?.as_bytes()).ok()?;
    api::ClusterConfiguration::from_value(value).ok()
}

/// No services exist and launch types are not told apart, so only the totals that can be known are given.
fn statistics(counts: Counts) -> Vec<api::KeyValuePair> {
    let pair = |(name, value): (&str, i32)| api::KeyValuePair {
        name: Some(name.to_owned()),
        value: Some(value.to_string()),
    };
    let pairs = [
        ("runningTasksCount", counts.running),
        ("pendingTasksCount", counts.pending),
        ("activeServiceCount", 0),
        ("drainingServiceCount", 0),
    ];
    pairs.into_iter().map(pair).collect()
}
