//! Rows as the API shows them.

mod cluster;
mod instance;
mod task;

pub(super) use cluster::{Counts, cluster, counts};
pub(super) use instance::container_instance;
pub(super) use task::launch_type;
pub use task::task;
