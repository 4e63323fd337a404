//! Amazon ECS: clusters, task definitions, tasks, and how tasks start.

pub mod record;
