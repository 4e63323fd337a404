//! What the control plane knows of a task that its containers may ask for.

use landfall_base::Timestamp;

use crate::{ContainerState, Desired, NetworkBinding};

/// A task as it stands, for the metadata endpoint (Developer Guide, "Task metadata endpoint version 4").
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMetadata {
    /// `RUNNING`, `PENDING`…
    pub known_status: String,
    /// What is wanted.
    pub desired: Desired,
    /// `service:…`'s name, for tasks of services.
    pub service_name: Option<String>,
    /// `family:…` or as given.
    pub group: String,
    /// Where the task runs.
    pub availability_zone: String,
    /// When the first pull began.
    pub pull_started_at: Option<Timestamp>,
    /// When the last pull ended.
    pub pull_stopped_at: Option<Timestamp>,
    /// When the first essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// `us-east-1`'s name of the interface: `ip-10-0-0-1.ec2.internal` (`awsvpc`).
    pub private_dns_name: Option<String>,
    /// The task's tags.
    pub tags: Vec<(String, String)>,
    /// Gibibytes of ephemeral storage (Fargate).
    pub ephemeral_storage: Option<i32>,
    /// Its containers in definition order.
    pub containers: Vec<ContainerMetadata>,
}

/// A container as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerMetadata {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// How far it is.
    pub state: ContainerState,
    /// Present once its process has ended.
    pub exit_code: Option<i32>,
    /// What the image was resolved to.
    pub image_digest: Option<String>,
    /// Published ports.
    pub network_bindings: Vec<NetworkBinding>,
    /// `dockerLabels` of the definition.
    pub labels: Vec<(String, String)>,
    /// The log driver and its options, without secret ones.
    pub log: Option<(String, Vec<(String, String)>)>,
}
