//! Asking a registry for an image without running it.

use async_trait::async_trait;

use crate::{Finding, Fix, LaunchKind, MountPoint, PullProgress, RegistryCredential, StepRecord};

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
    /// What is mounted, in this order, before the file systems in memory.
    pub mounts: Vec<PlannedMount>,
    /// File systems in memory.
    pub tmpfs: Vec<Tmpfs>,
}

/// A mount of a volume that nobody has made yet.
#[derive(Debug, Clone)]
pub struct PlannedMount {
    /// As in the task definition.
    pub point: MountPoint,
    /// What is mounted there.
    pub source: MountSource,
}

/// What a mount brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A directory of the task's own.
    Task,
    /// This file or directory of the machine.
    Host(String),
    /// Something of the machine that whoever asks must not learn about.
    Unseen,
}

/// Path, MiB and mount options of a file system in memory.
pub type Tmpfs = (String, u32, Vec<String>);

/// Who hears how far pulls are. Called often: it must return fast.
pub type TellPull = Box<dyn Fn(PullProgress) + Send + Sync>;

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
    /// Asks for each image's manifest and config and for its layers, as the start of a task does, and says how these steps came
    /// out, image by image. With `pull` what is missing is brought; without it no layer is. Where all layers of an image are on
    /// this machine, further steps say whether it has what the container would start, and takes what is mounted.
    async fn probe(&self, questions: Vec<ImageQuestion>, pull: Option<TellPull>) -> Vec<Probed>;

    /// What this machine refuses of a container's file systems in memory, whatever is in the image.
    fn refused_tmpfs(&self, container: &str, launch: LaunchKind, tmpfs: &[Tmpfs]) -> Option<Finding>;
}
