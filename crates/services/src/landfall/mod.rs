//! Landfall's own API: what AWS has no operation for. Accounts of the installation, and the start trace of a task.

mod ops;
#[cfg(test)]
mod tests;

use landfall_api::landfall as api;

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] =
    &[write::<api::CreateAccount>(), read::<api::DescribeTaskStart>(), read::<api::ListAccounts>()];
