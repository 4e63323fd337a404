//! Lightsail container services: a few containers behind a public address.
//!
//! A service has a size (`power`), a number of nodes (`scale`) and deployments, one of which serves. Each node is an ECS task
//! of Lightsail's own account ([`owner`]), so that images, logs, restarts and start traces are those of every other task.
//! What has to happen next is decided by a pure function ([`rules::reconcile`]) and carried out by [`reconcile`], which is
//! woken by changes and by a timer and is never told what changed.
//!
//! Requests reach the nodes through the public edge, which asks [`endpoint`] whom to give them to and writes what it learns
//! about their health onto the [`HealthBoard`].

mod check;
mod deploy;
mod domains;
pub mod endpoint;
mod images;
mod metrics;
mod names;
mod nodes;
mod operations;
mod ops;
mod owner;
mod reconcile;
pub mod record;
pub mod rules;
mod story;
mod tags;
mod target;
#[cfg(test)]
mod tests;
mod view;

use landfall_api::lightsail as api;

pub use check::DeploymentQuestion;
pub use metrics::{Meter, Reading};
pub use nodes::HealthBoard;
pub use owner::account as owner;
pub use reconcile::reconcile;
pub use story::{DeploymentStory, deployment_story};
pub(crate) use target::permission_on;

use crate::pipe::{Endpoint, blocking, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CreateCertificate>(),
    write::<api::CreateContainerService>(),
    write::<api::CreateContainerServiceDeployment>(),
    write::<api::CreateContainerServiceRegistryLogin>(),
    write::<api::DeleteCertificate>(),
    write::<api::DeleteContainerImage>(),
    write::<api::DeleteContainerService>(),
    read::<api::GetCertificates>(),
    read::<api::GetContainerAPIMetadata>(),
    read::<api::GetContainerImages>(),
    blocking::<api::GetContainerLog>(),
    read::<api::GetContainerServiceDeployments>(),
    read::<api::GetContainerServiceMetricData>(),
    read::<api::GetContainerServicePowers>(),
    read::<api::GetContainerServices>(),
    read::<api::GetOperation>(),
    read::<api::GetOperations>(),
    read::<api::GetOperationsForResource>(),
    read::<api::GetRegions>(),
    write::<api::RegisterContainerImage>(),
    write::<api::TagResource>(),
    write::<api::UntagResource>(),
    write::<api::UpdateContainerService>(),
];
