//! IAM through the pipe.

mod managed_policies;
mod permissions;
mod roles;
mod support;
mod users;
