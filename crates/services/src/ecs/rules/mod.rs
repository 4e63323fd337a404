//! Decisions of ECS without I/O: what a task definition may say, where a task fits, what a report makes of a task.

pub mod account_setting;
pub mod assignment;
pub mod cluster;
pub mod expiry;
#[cfg(test)]
pub(in crate::ecs) mod fixture;
pub mod lifecycle;
pub mod log_lines;
pub mod placement;
pub mod run;
pub mod task_definition;
pub mod trust;
