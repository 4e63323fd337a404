//! IAM through the pipe.

mod account;
mod allowed_principals;
mod boundaries;
mod denials;
mod groups;
mod instance_profiles;
mod managed_policies;
mod organization;
mod permissions;
mod principal_ids;
mod roles;
mod service_linked;
mod simulate;
mod support;
mod users;
