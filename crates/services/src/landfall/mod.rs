//! Landfall's own API: what AWS has no operation for. Accounts of the installation, policies over
//! accounts, who may do something, and the start trace of a task.

mod ops;
mod organization;
mod resource_policies;
#[cfg(test)]
mod tests;

use landfall_api::landfall as api;

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CreateAccount>(),
    write::<api::DeleteOrganizationPolicy>(),
    read::<api::DescribeTaskStart>(),
    read::<api::ListAccounts>(),
    read::<api::ListAllowedPrincipals>(),
    read::<api::ListOrganizationPolicies>(),
    write::<api::PutOrganizationPolicy>(),
];
