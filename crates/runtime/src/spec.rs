//! What a caller asks for: a sandbox and the containers in it. Plain data, no decisions.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use landfall_base::Sensitive;
use serde::{Deserialize, Serialize};

use crate::names::{ContainerId, SandboxId};

/// What the containers of one task share: network, name resolution, a parent cgroup.
#[derive(Debug, Clone)]
pub struct SandboxSpec {
    /// The sandbox's name.
    pub id: SandboxId,
    /// The host name that containers see.
    pub hostname: String,
    /// The kind of network.
    pub network: Network,
    /// Name resolution.
    pub dns: Dns,
    /// Limits for all containers together.
    pub limits: TaskLimits,
    /// Free text for the caller, kept with the sandbox and given back by `list`. Never put a secret here.
    pub labels: BTreeMap<String, String>,
}

impl SandboxSpec {
    /// A sandbox with a private network, no published port and no limit.
    pub fn new(id: SandboxId) -> Self {
        Self {
            hostname: id.as_str().chars().take(63).collect(),
            id,
            network: Network::Private { publish: Vec::new() },
            dns: Dns::default(),
            limits: TaskLimits::default(),
            labels: BTreeMap::new(),
        }
    }
}

/// The network of a sandbox.
#[derive(Debug, Clone)]
pub enum Network {
    /// Its own network namespace with an address on the runtime's bridge.
    Private {
        /// Ports of the sandbox that the host passes on.
        publish: Vec<PortMapping>,
    },
    /// The host's network.
    Host,
    /// A network namespace with a loopback interface only.
    None,
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// The host's address to publish on; `0.0.0.0` for all.
    pub host_ip: Ipv4Addr,
    /// The host's port; `None` or 0 to take a free one from 32768 on.
    pub host_port: Option<u16>,
    /// The port in the sandbox.
    pub container_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// A port as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBinding {
    /// The host's address.
    pub host_ip: Ipv4Addr,
    /// The host's port.
    pub host_port: u16,
    /// The port in the sandbox.
    pub container_port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// Name resolution in a sandbox.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    /// Name servers; when empty, the host's that are not on its loopback.
    pub servers: Vec<IpAddr>,
    /// Search domains; when empty, the host's.
    pub search: Vec<String>,
    /// Further lines of `/etc/hosts`: name and address.
    pub extra_hosts: Vec<(String, IpAddr)>,
}

/// Limits of a sandbox.
#[derive(Debug, Clone, Default)]
pub struct TaskLimits {
    /// Relative weight against other sandboxes (Docker's CPU shares, 2 to 262144).
    pub cpu_shares: Option<u64>,
    /// Most processor time, in processors.
    pub cpu_quota: Option<f64>,
    /// Most memory, in bytes.
    pub memory_bytes: Option<u64>,
}

/// One container.
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    /// The container's name.
    pub id: ContainerId,
    /// The sandbox to run in.
    pub sandbox: SandboxId,
    /// Unpacked image layers, lowest first.
    pub layers: Vec<PathBuf>,
    /// Program and arguments: entry point and command, already merged.
    pub args: Vec<String>,
    /// The environment, `NAME` and value. `PATH` and `HOME` are added where missing.
    pub env: Vec<(String, Sensitive<String>)>,
    /// The working directory; made if missing, as Docker does.
    pub cwd: PathBuf,
    /// `name`, `uid`, `name:group` or `uid:gid`, resolved against the image; empty for root.
    pub user: String,
    /// No writes to the root file system.
    pub readonly_rootfs: bool,
    /// Further mounts, in order.
    pub mounts: Vec<Mount>,
    /// Limits of this container.
    pub limits: ContainerLimits,
    /// Run the program below a small init that forwards signals and reaps.
    pub init: bool,
    /// Changes to Docker's fourteen default capabilities.
    pub capabilities: CapabilityChanges,
    /// Forbid gaining privileges through set-user-id programs.
    pub no_new_privileges: bool,
    /// All capabilities, all devices, no seccomp filter, no masked paths.
    pub privileged: bool,
    /// Apply Docker's default seccomp filter.
    pub seccomp: bool,
    /// Kernel parameters, for example `net.core.somaxconn`; only those that belong to a namespace.
    pub sysctls: BTreeMap<String, String>,
    /// The signal that asks the program to end; `SIGTERM` when `None`.
    pub stop_signal: Option<String>,
    /// Size of `/dev/shm` in bytes; 64 MiB when `None`.
    pub shm_bytes: Option<u64>,
    /// How much log to keep, in bytes; older lines are given back to the file system. `None` keeps all.
    pub log_bytes: Option<u64>,
    /// Free text for the caller, kept with the container. Never put a secret here.
    pub labels: BTreeMap<String, String>,
}

impl ContainerSpec {
    /// A container with Docker's defaults.
    pub fn new(id: ContainerId, sandbox: SandboxId, layers: Vec<PathBuf>, args: Vec<String>) -> Self {
        Self {
            id,
            sandbox,
            layers,
            args,
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            user: String::new(),
            readonly_rootfs: false,
            mounts: Vec::new(),
            limits: ContainerLimits::default(),
            init: false,
            capabilities: CapabilityChanges::default(),
            no_new_privileges: false,
            privileged: false,
            seccomp: true,
            sysctls: BTreeMap::new(),
            stop_signal: None,
            shm_bytes: None,
            log_bytes: None,
            labels: BTreeMap::new(),
        }
    }
}

/// A mount into the container.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mount {
    /// A file or directory of the host. A missing source is made as a directory, as Docker does.
    Bind {
        /// On the host.
        source: PathBuf,
        /// In the container, absolute.
        target: PathBuf,
        /// No writes through this mount.
        readonly: bool,
    },
    /// Memory.
    Tmpfs {
        /// In the container, absolute.
        target: PathBuf,
        /// Most bytes.
        size: Option<u64>,
        /// Further mount options as `key` or `key=value`, for example `noexec`, `mode=1777`.
        options: Vec<String>,
    },
}

/// Limits of a container.
#[derive(Debug, Clone, Default)]
pub struct ContainerLimits {
    /// Most memory, in bytes.
    pub memory: Option<u64>,
    /// Memory that is kept for the container under pressure, in bytes.
    pub memory_reservation: Option<u64>,
    /// Relative weight within the sandbox (2 to 262144).
    pub cpu_shares: Option<u64>,
    /// Most processor time, in processors.
    pub cpu_quota: Option<f64>,
    /// Most processes and threads.
    pub pids: Option<u64>,
    /// Resource limits of the process; lowered to the host's hard limit where this process may not exceed it.
    pub ulimits: Vec<Ulimit>,
}

/// One resource limit (setrlimit(2)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// Docker's name, for example `nofile`.
    pub name: String,
    /// The soft limit; `u64::MAX` for none.
    pub soft: u64,
    /// The hard limit; `u64::MAX` for none.
    pub hard: u64,
}

/// Changes to the default capabilities, by name with or without `CAP_`, or `ALL`.
#[derive(Debug, Clone, Default)]
pub struct CapabilityChanges {
    /// Capabilities to add.
    pub add: Vec<String>,
    /// Capabilities to drop. `add` wins over `drop: ALL`.
    pub drop: Vec<String>,
}

/// A further process in a running container.
#[derive(Debug, Clone)]
pub struct ExecSpec {
    /// Program and arguments.
    pub args: Vec<String>,
    /// Environment on top of what the container was started with.
    pub env: Vec<(String, Sensitive<String>)>,
    /// The working directory.
    pub cwd: PathBuf,
    /// As in [`ContainerSpec::user`].
    pub user: String,
}
