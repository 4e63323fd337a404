//! Secrets Manager: named values, encrypted at rest, in versions that staging labels point at.
//!
//! A secret is a row without its values; each version is a row with one sealed value. Plaintext exists in requests and
//! answers only, and there in types that do not print themselves. A secret that is deleted keeps its rows until its
//! recovery window is over; [`reconcile`] then removes them.
//!
//! A secret is under the account's default key, `aws/secretsmanager`, whose work the installation's vault does, or under a
//! customer's key: then its values are read and written with the caller's permissions for that key.
//!
//! A secret can have replicas in other Regions: rows of their own, under keys of their Regions, which follow their primary
//! ([`replicate`]) and are changed there only. [`rotation`] makes new values with a function of the owner's.

mod encryption;
mod filters;
mod listing;
mod names;
mod ops;
mod password;
mod public_policy;
mod reading;
mod reconcile;
pub mod record;
mod replication;
mod resource_policy;
pub mod rotation;
pub mod rules;
pub(crate) mod snapshot;
mod stages;
mod target;
#[cfg(test)]
mod tests;
mod value;
mod versions;
mod view;

use landfall_api::secretsmanager as api;

pub(crate) use names::is_name;
pub use reading::{SecretReading, named};
pub use reconcile::reconcile;
pub use replication::replicate;
pub use stages::Stages;
pub(crate) use target::permission_on;

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    read::<api::BatchGetSecretValue>(),
    write::<api::CancelRotateSecret>(),
    write::<api::CreateSecret>(),
    write::<api::DeleteResourcePolicy>(),
    write::<api::DeleteSecret>(),
    read::<api::DescribeSecret>(),
    read::<api::GetRandomPassword>(),
    read::<api::GetResourcePolicy>(),
    read::<api::GetSecretValue>(),
    read::<api::ListSecretVersionIds>(),
    read::<api::ListSecrets>(),
    write::<api::PutResourcePolicy>(),
    write::<api::PutSecretValue>(),
    write::<api::RemoveRegionsFromReplication>(),
    write::<api::ReplicateSecretToRegions>(),
    write::<api::RestoreSecret>(),
    write::<api::RotateSecret>(),
    write::<api::StopReplicationToReplica>(),
    write::<api::TagResource>(),
    write::<api::UntagResource>(),
    write::<api::UpdateSecret>(),
    write::<api::UpdateSecretVersionStage>(),
    read::<api::ValidateResourcePolicy>(),
];
