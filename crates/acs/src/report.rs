//! What became of a task.

use landfall_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Protocol;

/// How a task stands. Members that are `None` leave what was told before.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskReport {
    /// The task.
    pub task_arn: String,
    /// How far it is.
    pub phase: TaskPhase,
    /// Why the whole task stopped, in the words of the launch type; only for failures that are the task's, not a
    /// container's.
    pub reason: Option<String>,
    /// The containers that are told about.
    pub containers: Vec<ContainerReport>,
    /// Address of the task's interface (`awsvpc`).
    pub private_address: Option<String>,
    /// Hardware address of the task's interface.
    pub mac_address: Option<String>,
    /// When the first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When the last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When the first essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
}

/// How far a task is, as the agent sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskPhase {
    /// Being prepared: credentials, images, sandbox.
    Pending,
    /// All containers were started.
    Running,
    /// Containers are being stopped.
    Stopping,
    /// All is over and cleaned up.
    Stopped,
}

/// How a container stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerReport {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: ContainerState,
    /// Present once its process has ended.
    pub exit_code: Option<i32>,
    /// `ErrorClass: message` (ECS Developer Guide, "Stopped tasks error messages").
    pub reason: Option<String>,
    /// Which image was resolved.
    pub image: Option<ImageReport>,
    /// The runtime's identifier.
    pub runtime_id: Option<String>,
    /// What its health check makes of it.
    pub health: Option<Health>,
    /// Published ports.
    pub network_bindings: Vec<NetworkBinding>,
}

/// What a health check makes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Health {
    /// Nothing yet.
    Unknown,
    /// It is well.
    Healthy,
    /// It is not.
    Unhealthy,
}

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// Not started yet.
    Pending,
    /// Its process runs.
    Running,
    /// Over, or never to run.
    Stopped,
}

/// The image a tag stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// Digest of the manifest, `sha256:…`.
    pub digest: String,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkBinding {
    /// Address of the host it is bound to.
    pub bind_ip: String,
    /// Port in the container.
    pub container_port: u16,
    /// Port of the host.
    pub host_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}
