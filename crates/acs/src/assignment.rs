//! What should run: a task definition with its overrides applied, in the units the kernel needs.

use landfall_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::TaskPhase;

/// A task that this node shall run or end.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// `arn:aws:ecs:…:task/cluster/id`
    pub task_arn: String,
    /// The last part of the ARN.
    pub task_id: String,
    /// The Region that it runs in.
    pub region: String,
    /// Its containers can ask for credentials of its role: see [`crate::ControlPlane::role_credentials`].
    pub has_task_role: bool,
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// Task definition family.
    pub family: String,
    /// Task definition revision.
    pub revision: i32,
    /// Decides the wording of failures: Fargate's or the container agent's.
    pub launch: LaunchKind,
    /// Run, or stop if running.
    pub desired: Desired,
    /// How far it was told to be: a task that has run is not started again, even if nothing is left of it.
    pub phase: TaskPhase,
    /// When it was told to stop: what is left of `stopTimeout` counts from there, whatever happened to the agent since.
    pub stopping_at: Option<Timestamp>,
    /// How the task reaches the network.
    pub network_mode: NetworkMode,
    /// CPU units of the whole task (1024 = one vCPU), if limited.
    pub cpu: Option<u32>,
    /// Memory of the whole task in MiB, if limited.
    pub memory: Option<u32>,
    /// `os/architecture` of the platform, for example `linux/amd64`.
    pub platform: String,
    /// Containers in definition order.
    pub containers: Vec<ContainerAssignment>,
    /// Volumes that containers mount.
    pub volumes: Vec<Volume>,
}

/// Which kind of capacity the task asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaunchKind {
    /// `FARGATE`
    Fargate,
    /// `EC2`
    Ec2,
    /// `EXTERNAL`
    External,
}

/// What the control plane wants of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Desired {
    /// It should run.
    Running,
    /// It should be over.
    Stopped,
}

/// `networkMode` of the task definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// An address of its own.
    Awsvpc,
    /// An address behind the host, ports published.
    Bridge,
    /// The host's network.
    Host,
    /// No network but loopback.
    None,
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerAssignment {
    /// Unique in the task.
    pub name: String,
    /// The id of the last part of its ARN: what it asks by for its metadata.
    pub id: String,
    /// As written in the task definition.
    pub image: String,
    /// The task ends with it.
    pub essential: bool,
    /// Replaces the image's entry point.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Plain environment, overrides applied. Secrets come with the [`crate::LaunchSheet`].
    pub environment: Vec<(String, String)>,
    /// `user[:group]`, by name or number.
    pub user: Option<String>,
    /// Replaces the image's working directory.
    pub working_directory: Option<String>,
    /// Host name inside the container.
    pub hostname: Option<String>,
    /// CPU units (1024 = one vCPU).
    pub cpu: u32,
    /// Hard memory limit in MiB.
    pub memory: Option<u32>,
    /// Soft memory limit in MiB.
    pub memory_reservation: Option<u32>,
    /// The root file system is read-only.
    pub readonly_root_filesystem: bool,
    /// All capabilities and devices of the host.
    pub privileged: bool,
    /// Containers that have to be so far before this one starts.
    pub depends_on: Vec<Dependency>,
    /// Seconds after its start in which it has to be as far as others wait for.
    pub start_timeout: Option<u32>,
    /// How to find out whether it is well.
    pub health_check: Option<HealthCheck>,
    /// Seconds between the stop signal and the kill.
    pub stop_timeout: Option<u32>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// A small init reaps and forwards signals.
    pub init_process_enabled: bool,
    /// Capabilities beyond the default set.
    pub capabilities_add: Vec<String>,
    /// Default capabilities taken away.
    pub capabilities_drop: Vec<String>,
    /// Size of `/dev/shm` in MiB.
    pub shared_memory_size: Option<u32>,
    /// Extra `tmpfs` mounts: path, size in MiB, options.
    pub tmpfs: Vec<(String, u32, Vec<String>)>,
    /// `sysctl` settings of the container's namespaces.
    pub system_controls: Vec<(String, String)>,
    /// Further DNS servers instead of the task's.
    pub dns_servers: Vec<String>,
    /// Lines for `/etc/hosts`: name and address.
    pub extra_hosts: Vec<(String, String)>,
    /// Ports to publish.
    pub port_mappings: Vec<PortMapping>,
    /// Volumes to mount.
    pub mount_points: Vec<MountPoint>,
    /// Where the output goes.
    pub log_driver: LogDriver,
    /// How it gets there.
    pub log_options: LogOptions,
    /// The registry asks for a credential from Secrets Manager.
    pub has_repository_credentials: bool,
}

/// A container that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub container: String,
    /// How far it has to be.
    pub condition: Condition,
}

/// How far a container has to be that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It has started.
    Start,
    /// It has ended.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check has passed.
    Healthy,
}

impl Condition {
    /// As the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Success => "SUCCESS",
            Self::Healthy => "HEALTHY",
        }
    }
}

/// How to find out whether a container is well. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `CMD` and a program with its arguments, or `CMD-SHELL` and a line for the shell.
    pub command: Vec<String>,
    /// Between checks.
    pub interval: u32,
    /// A check that takes longer has failed.
    pub timeout: u32,
    /// Failures in a row that make a container unhealthy.
    pub retries: u32,
    /// After the start, in which failures do not count.
    pub start_period: u32,
}

/// How output becomes log events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// A regular expression that the first line of an event matches: the lines behind it belong to it.
    pub first_line: Option<String>,
    /// Bytes that may wait while delivery is refused; what comes when there are more is dropped. `None`: everything waits.
    pub max_buffer: Option<u64>,
}

/// Where a container's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogDriver {
    /// To CloudWatch Logs, through [`crate::ControlPlane::deliver_logs`].
    Awslogs,
    /// Kept beside the container on the host until the task is cleaned up.
    JsonFile,
    /// Nowhere.
    None,
}

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
}

/// A port to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// The port the container listens on.
    pub container_port: u16,
    /// The port of the host; `None` picks one.
    pub host_port: Option<u16>,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// A resource limit, by its name without `RLIMIT_`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// `nofile`, `nproc`, …
    pub name: String,
    /// Soft limit; -1 is unlimited.
    pub soft: i64,
    /// Hard limit; -1 is unlimited.
    pub hard: i64,
}

/// A volume of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Unique in the task.
    pub name: String,
    /// Directory of the host; `None` is an empty directory that lives as long as the task.
    pub host_path: Option<String>,
}

/// A mount of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// The volume's name.
    pub source_volume: String,
    /// Where it appears.
    pub container_path: String,
    /// Without writing.
    pub read_only: bool,
}
