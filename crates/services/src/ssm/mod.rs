//! Systems Manager Parameter Store: configuration by name, in versions, and `SecureString` values that are encrypted.
//!
//! A parameter is a row with its tags and labels; each version is a row with its value. `SecureString` values are under
//! the account's default key, `aws/ssm`, whose work the installation's vault does, or under a customer's key: then KMS
//! encrypts the value (standard tier) or its data key (advanced tier), with the caller's permissions. The name `x` and the
//! name `/x` are one parameter, as their ARN is. [`reconcile`] deletes parameters that a policy lets expire.
//!
//! `/aws/reference/secretsmanager/…` reads a secret through Secrets Manager, as the caller. Documents, commands,
//! sessions and the rest of Systems Manager are absent from the operation table, and so are AWS's public parameters.

mod encryption;
mod filters;
mod listing;
mod names;
mod ops;
mod policies;
mod reading;
mod reconcile;
pub mod record;
mod reference;
pub mod rules;
mod settings;
pub(crate) mod snapshot;
mod tagging;
mod target;
#[cfg(test)]
mod tests;
mod versions;
mod view;

use landfall_api::ssm as api;

pub(crate) use names::can_be_made;
pub use reconcile::reconcile;
pub(crate) use target::{nearly_named, permission_on};

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::AddTagsToResource>(),
    write::<api::DeleteParameter>(),
    write::<api::DeleteParameters>(),
    read::<api::DescribeParameters>(),
    read::<api::GetParameter>(),
    read::<api::GetParameterHistory>(),
    read::<api::GetParameters>(),
    read::<api::GetParametersByPath>(),
    read::<api::GetServiceSetting>(),
    write::<api::LabelParameterVersion>(),
    read::<api::ListTagsForResource>(),
    write::<api::PutParameter>(),
    write::<api::RemoveTagsFromResource>(),
    write::<api::ResetServiceSetting>(),
    write::<api::UnlabelParameterVersion>(),
    write::<api::UpdateServiceSetting>(),
];
