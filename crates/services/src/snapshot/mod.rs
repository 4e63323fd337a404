//! Snapshots: what a dry launch needs of an installation, and no secret, in one file. `landfall check --snapshot` evaluates
//! it with the server's own code, without a server.
//!
//! [`tables`] says of every table whether its rows go into a snapshot as they are, changed, or not at all. Values of secrets
//! and parameters, environment files and key material are never in one: [`shape`] leaves of a secret's text what a content
//! check can see, and whoever opens the snapshot ([`open`]) gets fresh keys under which such stand-ins are encrypted anew.
//! [`format`] is the file.

mod format;
mod open;
pub mod shape;
mod tables;
mod take;
#[cfg(test)]
mod tests;

pub use landfall_acs::NOT_ASKED;
use landfall_base::{AccountId, Region, Timestamp};
use serde::{Deserialize, Serialize};

pub use format::SnapshotError;
pub(crate) use open::Target;
pub use open::{Opened, open};
pub(crate) use take::Source;
pub use take::{Taken, take};

use crate::ecs::rules::placement::{Demand, Machine};
use crate::pipe::AuthMode;

/// What a snapshot says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// The version of Landfall that made it.
    pub made_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The account that exists from the first start.
    pub default_account: AccountId,
    /// The Region of clients that name none.
    pub default_region: Region,
    /// The accounts that are in it.
    pub accounts: Vec<AccountId>,
    /// Other accounts were left out.
    pub partial: bool,
    /// Whether refusals are enforced.
    pub auth: AuthMode,
    /// The registries have AWS's host names.
    pub aws_registry_names: bool,
    /// Where the registries are reached.
    pub registry: String,
    /// The machine that runs the tasks.
    pub origin: Origin,
}

/// What an installation that was opened from a snapshot knows of the one that it was taken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The machine that runs the tasks.
    pub machine: Machine,
    /// What ran on it.
    pub taken: Vec<Demand>,
}

/// Waits for something on a thread of its own: the caller's may belong to a runtime, which cannot be entered twice. `None`
/// when there is no thread, or it panicked.
fn wait_for<T: Send>(work: impl Future<Output = T> + Send) -> Option<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        Some(runtime.block_on(work))
    };
    std::thread::scope(|scope| scope.spawn(run).join()).ok().flatten()
}
