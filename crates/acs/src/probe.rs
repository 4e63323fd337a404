//! Asking a registry for an image without running it.

use async_trait::async_trait;

use crate::{LaunchKind, RegistryCredential, StepRecord};

/// An image that a container would have.
#[derive(Debug, Clone)]
pub struct ImageQuestion {
    /// The container.
    pub container: String,
    /// As written in the task definition.
    pub image: String,
    /// `os/architecture`.
    pub platform: String,
    /// Decides the wording of a failure.
    pub launch: LaunchKind,
    /// The credential for its registry.
    pub credential: Option<RegistryCredential>,
}

/// Who can ask registries: the agent.
#[async_trait]
pub trait ImageProbe: Send + Sync {
    /// Asks for the image's manifest, as the start of a task does, and says how that step came out.
    async fn probe(&self, question: ImageQuestion) -> StepRecord;
}
