//! Amazon ECS: clusters, task definitions, tasks, and how tasks start.
//!
//! RunTask only writes rows: tasks that should run. The agent is woken by the commit, is told what should run
//! ([`assignments`]), and tells back what became of it ([`report`]). The machine that the server runs on is one container
//! instance of every cluster; Fargate tasks run on it too, without counting against it.

pub mod agent;
pub mod image_host;
pub mod launch;
mod lookup;
pub mod machine;
pub mod names;
pub mod node;
mod ops;
mod page;
pub mod record;
pub mod rules;
mod tagged;
mod tags;
pub mod view;

use landfall_api::ecs as api;

use crate::pipe::{Endpoint, read, write};

pub use node::{expire, report};
pub(crate) use ops::demands_on_this_machine;
pub(crate) use tagged::permission_on;

/// Every operation of the service.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CreateCluster>(),
    write::<api::DeleteAccountSetting>(),
    write::<api::DeleteCluster>(),
    write::<api::DeleteTaskDefinitions>(),
    write::<api::DeregisterTaskDefinition>(),
    read::<api::DescribeClusters>(),
    read::<api::DescribeContainerInstances>(),
    read::<api::DescribeServices>(),
    read::<api::DescribeTaskDefinition>(),
    read::<api::DescribeTasks>(),
    read::<api::ListAccountSettings>(),
    read::<api::ListClusters>(),
    read::<api::ListContainerInstances>(),
    read::<api::ListServices>(),
    read::<api::ListTagsForResource>(),
    read::<api::ListTaskDefinitionFamilies>(),
    read::<api::ListTaskDefinitions>(),
    read::<api::ListTasks>(),
    write::<api::PutAccountSetting>(),
    write::<api::PutAccountSettingDefault>(),
    write::<api::PutClusterCapacityProviders>(),
    write::<api::RegisterTaskDefinition>(),
    write::<api::RunTask>(),
    write::<api::StopTask>(),
    write::<api::TagResource>(),
    write::<api::UntagResource>(),
    write::<api::UpdateCluster>(),
    write::<api::UpdateClusterSettings>(),
];
