//! The agent: what should run here becomes what does.
//!
//! A [`Node`] asks the control plane for its assignments whenever they may have changed, and drives each task on its own:
//! credentials, images, sandbox, containers, logs, end. Containers outlive the agent; one that starts anew finds them and
//! goes on where the last one was. It knows no database and no policy: only [`landfall_acs::ControlPlane`].

mod endpoint;
mod inspect;
mod logs;
mod once;
mod probe;
mod supervisor;
mod task;

use std::path::PathBuf;
use std::sync::Arc;

use landfall_acs::{ControlPlane, ImageProbe};
use landfall_base::Clock;
use landfall_image::{Client, LayerStore};
use landfall_runtime::Runtime;

pub use endpoint::{ApiAnswer, TaskApi};
pub use once::Work;

/// What the agent works with.
pub struct Parts {
    /// What should run, and whom to tell.
    pub control: Arc<dyn ControlPlane>,
    /// Runs containers.
    pub runtime: Arc<dyn Runtime>,
    /// Speaks to registries.
    pub client: Client,
    /// Keeps layers.
    pub layers: LayerStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where volumes without a host path live.
    pub volumes: PathBuf,
    /// The server's API, if containers of tasks with a task role shall reach it.
    pub api: Option<TaskApi>,
}

/// The agent of this machine.
#[derive(Clone)]
pub struct Node {
    parts: Arc<Parts>,
}

impl Node {
    /// An agent that does nothing yet.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Who asks registries for images that nobody runs yet.
    pub fn image_probe(&self) -> Arc<dyn ImageProbe> {
        Arc::new(probe::Probe(Arc::clone(&self.parts)))
    }

    /// Runs a container for one piece of work and takes it away again.
    ///
    /// # Errors
    /// Why it failed, in a sentence.
    pub async fn run_once(&self, work: Work) -> Result<(), String> {
        once::run(&self.parts, work).await
    }

    /// Works until `stop` completes. Tasks go on running after that.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        supervisor::run(&self.parts, stop).await;
    }
}
