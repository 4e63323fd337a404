//! Landfall's own API: what AWS has no operation for. Accounts of the installation, policies over
//! accounts, functions that rotate secrets, who may do something, and the start trace of a task,
//! before and after.

mod allowed;
mod ops;
mod organization;
mod resource_keys;
mod resource_policies;
mod rotation;
mod steps;
#[cfg(test)]
mod tests;

use landfall_api::landfall as api;

use crate::pipe::{Endpoint, blocking, read, write};

pub(crate) use resource_policies::policy_of_resource;

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    blocking::<api::CheckDeploymentStart>(),
    blocking::<api::CheckTaskStart>(),
    write::<api::CreateAccount>(),
    blocking::<api::CreateSnapshot>(),
    write::<api::DeleteOrganizationPolicy>(),
    write::<api::DeleteRotationFunction>(),
    read::<api::DescribeDeploymentStart>(),
    read::<api::DescribePull>(),
    read::<api::DescribeTaskStart>(),
    read::<api::ListAccounts>(),
    read::<api::ListAllowedPrincipals>(),
    read::<api::ListOrganizationPolicies>(),
    read::<api::ListRotations>(),
    write::<api::PutOrganizationPolicy>(),
    write::<api::PutRotationFunction>(),
];
