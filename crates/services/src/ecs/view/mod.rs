//! Rows as the API shows them.

mod cluster;
mod instance;
mod task;

pub(super) use cluster::{Counts, cluster, counts};
pub(super) use instance::container_instance;
pub use task::task;
pub(super) use task::{launch_type, private_dns_name, status as task_status};
