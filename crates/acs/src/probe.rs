//! Asking a registry for an image without running it.

use async_trait::async_trait;

use crate::{Fix, LaunchKind, RegistryCredential, StepRecord};

/// An image that a container would have.
#[derive(Debug, Clone)]
pub struct ImageQuestion {
    /// The container.
    pub container: String,
    /// As written in the task definition.
    pub image: String,
    /// Where it is pulled from, if not from there: registries of Amazon ECR have addresses of their own.
    pub address: Option<String>,
    /// `os/architecture`.
    pub platform: String,
    /// Decides the wording of a failure.
    pub launch: LaunchKind,
    /// The credential for its registry.
    pub credential: Option<RegistryCredential>,
    /// How to give the container a credential, where it has none.
    pub login: Option<Fix>,
    /// The image's manifest, where it is known: the registry is not asked then.
    pub manifest: Option<String>,
    /// What the container would start.
    pub program: Program,
}

/// What a task definition says of a container's program.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// `entryPoint`
    pub entry_point: Option<Vec<String>>,
    /// `command`
    pub command: Option<Vec<String>>,
    /// `user`
    pub user: Option<String>,
    /// `workingDirectory`
    pub working_directory: Option<String>,
    /// `PATH` in `environment`.
    pub path: Option<String>,
    /// Where its volumes are mounted.
    pub mounts: Vec<String>,
}

/// What is known of an image that nobody runs yet.
#[derive(Debug, Default)]
pub struct Probed {
    /// The steps that were taken.
    pub steps: Vec<StepRecord>,
    /// How much of the image was seen.
    pub seen: Seen,
}

/// How much of an image was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seen {
    /// Nothing of what it holds.
    #[default]
    Nothing,
    /// Its config: whether it has an entry point of its own.
    Config {
        /// Whether it does.
        entry_point: bool,
    },
    /// Its files, or enough to know that nothing of it would start.
    All,
}

/// Who can ask registries: the agent.
#[async_trait]
pub trait ImageProbe: Send + Sync {
    /// Asks for the image's manifest and config and for its layers, as the start of a task does, and says how these steps
    /// came out. No layer is brought. Where all of them are on this machine, a further step says whether the image has what
    /// the container would start.
    async fn probe(&self, question: ImageQuestion) -> Probed;
}
