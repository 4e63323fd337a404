//! Rows of ECS.

use landfall_acs::{ContainerState, Desired, Health, LaunchKind, NetworkBinding, StepRecord};
use landfall_api::ecs as api;
use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use crate::stored::Stored;

/// Tags in the order in which they were set.
pub type Tags = Vec<(String, String)>;

/// Clusters by account, Region and name.
pub const CLUSTERS: Table<(AccountId, Region, String), Cluster> = Table::new("ecs.cluster");

/// Families by account, Region and name.
pub const FAMILIES: Table<(AccountId, Region, String), Family> = Table::new("ecs.family");

/// Task definitions by account, Region, family and revision.
pub const TASK_DEFINITIONS: Table<(AccountId, Region, String, u32), TaskDefinition> =
    Table::new("ecs.task_definition");

/// Tasks by account, Region, cluster name and task id.
pub const TASKS: Table<(AccountId, Region, String, String), Task> = Table::new("ecs.task");

/// Start traces by task ARN and step number.
pub const TRACE_STEPS: Table<(String, u32), StepRecord> = Table::new("ecs.trace_step");

/// `clientToken`s of RunTask by account, Region, cluster name and token.
pub const CLIENT_TOKENS: Table<(AccountId, Region, String, String), ClientToken> =
    Table::new("ecs.client_token");

/// Account settings by account, Region, principal ARN (`""` is the account's default) and setting name.
pub const ACCOUNT_SETTINGS: Table<(AccountId, Region, String, String), String> =
    Table::new("ecs.account_setting");

/// Log lines delivered to CloudWatch Logs so far, by task ARN and container name.
pub const DELIVERED_LINES: Table<(String, String), u64> = Table::new("ecs.delivered_lines");

/// Events that those lines became, by task ARN and container name.
pub const DELIVERED_EVENTS: Table<(String, String), u64> = Table::new("ecs.delivered_events");

/// What a task's containers ask by for credentials of its role, by task ARN: sealed, as whoever knows it may have them.
pub const CREDENTIALS_IDS: Table<String, Sealed> = Table::new("ecs.credentials_id");

/// Options of log drivers that came from secrets, by task ARN and container name: JSON, sealed.
pub const SECRET_LOG_OPTIONS: Table<(String, String), Sealed> = Table::new("ecs.secret_log_options");

/// A cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// `containerInsights` and its value.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// `configuration` as awsJson text.
    #[serde(default)]
    pub configuration: Option<String>,
    /// Names of capacity providers.
    #[serde(default)]
    pub capacity_providers: Vec<String>,
    /// Default strategy: provider, weight, base.
    #[serde(default)]
    pub default_capacity_provider_strategy: Vec<(String, i32, i32)>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A family of task definitions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Family {
    /// The highest revision ever registered. Numbers are not used twice.
    pub last_revision: u32,
}

/// A revision of a task definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// As DescribeTaskDefinition answers it.
    pub definition: Stored<api::TaskDefinition>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// An idempotency token that was used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientToken {
    /// Digest of the request it was used for.
    pub request: String,
    /// The tasks that request made.
    pub tasks: Vec<String>,
    /// When it was used.
    pub used_at: Timestamp,
}

/// `lastStatus` of a task (ECS Developer Guide, "Task lifecycle").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Waiting for network interface or capacity.
    Provisioning,
    /// Credentials and images are being fetched.
    Pending,
    /// Being registered with load balancers.
    Activating,
    /// All containers were started.
    Running,
    /// Being taken from load balancers.
    Deactivating,
    /// Containers are being stopped.
    Stopping,
    /// Network interface and volumes are being released.
    Deprovisioning,
    /// Over.
    Stopped,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// `arn:aws:ecs:…:task/cluster/id`
    pub arn: String,
    /// The last part of the ARN.
    pub id: String,
    /// Owner.
    pub account: AccountId,
    /// Where it runs.
    pub region: Region,
    /// The cluster's name.
    pub cluster: String,
    /// Family of its task definition.
    pub family: String,
    /// Revision of its task definition.
    pub revision: u32,
    /// Kind of capacity.
    pub launch: LaunchKind,
    /// The capacity provider, if the task was placed through a strategy.
    #[serde(default)]
    pub capacity_provider: Option<String>,
    /// `platformVersion`, for Fargate.
    pub platform_version: Option<String>,
    /// The container instance's id, for EC2 and EXTERNAL.
    pub container_instance: Option<String>,
    /// `family:…` unless given.
    pub group: String,
    /// `startedBy`
    pub started_by: Option<String>,
    /// Overrides as given.
    pub overrides: Stored<api::TaskOverride>,
    /// The execution role, override applied: an ARN.
    pub execution_role_arn: Option<String>,
    /// The task role, override applied: an ARN.
    pub task_role_arn: Option<String>,
    /// CPU units of the task.
    pub cpu: Option<u32>,
    /// Memory of the task in MiB.
    pub memory: Option<u32>,
    /// `ephemeralStorage.sizeInGiB`, for Fargate.
    pub ephemeral_storage: Option<i32>,
    /// `enableExecuteCommand`
    pub enable_execute_command: bool,
    /// Log drivers without a `mode` are `non-blocking`: the account setting `defaultLogDriverMode`, when the task was made.
    #[serde(default)]
    pub drops_log_lines: bool,
    /// Subnets, security groups and `assignPublicIp` of an `awsvpc` task.
    pub network: Option<NetworkConfiguration>,
    /// What is wanted.
    pub desired: Desired,
    /// What is.
    pub last_status: TaskStatus,
    /// `TaskFailedToStart`, `EssentialContainerExited`, `UserInitiated`…
    pub stop_code: Option<String>,
    /// `stoppedReason`
    pub stopped_reason: Option<String>,
    /// When RunTask made it.
    pub created_at: Timestamp,
    /// `connectivityAt`
    pub connectivity_at: Option<Timestamp>,
    /// `pullStartedAt`
    pub pull_started_at: Option<Timestamp>,
    /// `pullStoppedAt`
    pub pull_stopped_at: Option<Timestamp>,
    /// When it reached RUNNING.
    pub started_at: Option<Timestamp>,
    /// When stopping began.
    pub stopping_at: Option<Timestamp>,
    /// When the first essential container ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// When it was over.
    pub stopped_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
    /// Its containers in definition order.
    pub containers: Vec<Container>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// Network of an `awsvpc` task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NetworkConfiguration {
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`
    pub assign_public_ip: bool,
    /// Id of the attachment, a UUID.
    pub attachment_id: String,
    /// `eni-…`
    pub interface_id: String,
    /// Address, once there is one.
    pub private_address: Option<String>,
    /// Hardware address, once there is one.
    pub mac_address: Option<String>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Last part of `arn:aws:ecs:…:container/cluster/task/id`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// As written in the task definition.
    pub image: String,
    /// What the image was resolved to.
    pub image_digest: Option<String>,
    /// The runtime's identifier.
    pub runtime_id: Option<String>,
    /// How far it is.
    pub state: ContainerState,
    /// What its health check made of it last.
    #[serde(default)]
    pub health: Option<Health>,
    /// Present once its process has ended.
    pub exit_code: Option<i32>,
    /// `ErrorClass: message`
    pub reason: Option<String>,
    /// Published ports.
    #[serde(default)]
    pub network_bindings: Vec<NetworkBinding>,
    /// CPU units.
    pub cpu: u32,
    /// Hard limit in MiB.
    pub memory: Option<u32>,
    /// Soft limit in MiB.
    pub memory_reservation: Option<u32>,
    /// The task ends with it.
    pub essential: bool,
}
