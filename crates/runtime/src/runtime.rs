//! The engine's interface, so that other engines and recording fakes can stand in for the native one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::names::{ContainerId, SandboxId};
use crate::spec::{ContainerSpec, ExecSpec, PortBinding, SandboxSpec};

/// What [`Runtime::wait`] gives.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = Result<ContainerStatus, RuntimeError>> + Send + 'a>>;

/// Runs containers on this host. Every function but `wait` blocks for milliseconds (`stop_container`: up to its
/// timeout and a little more; `exec`: likewise); call them from a thread that may.
pub trait Runtime: Send + Sync {
    /// Makes what the containers of one task share. Undoes everything if a part fails.
    fn create_sandbox(&self, spec: &SandboxSpec) -> Result<Sandbox, RuntimeError>;

    /// Takes a sandbox away. Nothing to do if there is none; containers in it must have been removed.
    fn remove_sandbox(&self, id: &SandboxId) -> Result<(), RuntimeError>;

    /// Starts a container and returns once its program runs. A container that has ended is started again, with the
    /// files and the log it left.
    ///
    /// # Errors
    /// [`RuntimeError::Start`] with runc's text if the program cannot run; then nothing is left behind.
    fn start_container(&self, spec: &ContainerSpec) -> Result<StartedContainer, RuntimeError>;

    /// Sends a signal to the container's first process.
    fn signal_container(&self, id: &ContainerId, signal: i32) -> Result<(), RuntimeError>;

    /// Sends the container's stop signal, and `SIGKILL` to all its processes if it still runs after `timeout`.
    fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<ContainerStatus, RuntimeError>;

    /// How the container is now.
    fn status(&self, id: &ContainerId) -> Result<ContainerStatus, RuntimeError>;

    /// Waits for the container's end, without holding a thread. Needs a tokio runtime with I/O enabled.
    fn wait<'a>(&'a self, id: &'a ContainerId) -> Waiting<'a>;

    /// Runs a further process in a running container, with the container's limits and permissions. When `timeout` has
    /// passed it is killed.
    fn exec(&self, id: &ContainerId, spec: &ExecSpec, timeout: Duration)
    -> Result<ExecOutcome, RuntimeError>;

    /// Ends the container if it runs and removes all of it. Nothing to do if there is none.
    fn remove_container(&self, id: &ContainerId) -> Result<(), RuntimeError>;

    /// Everything that is there, for a server that has just started.
    fn list(&self) -> Result<Inventory, RuntimeError>;

    /// Where the container's log is; see [`crate::LogReader`].
    fn log_path(&self, id: &ContainerId) -> PathBuf;

    /// What the container uses now.
    fn usage(&self, id: &ContainerId) -> Result<Usage, RuntimeError>;

    /// A socket that only the sandbox reaches: adds `address` to its loopback interface and listens there. What is
    /// connected to it is known by that alone. In the host's network the address must be the host's own.
    fn listen_in_sandbox(&self, id: &SandboxId, address: SocketAddr) -> Result<TcpListener, RuntimeError>;

    /// A socket at `169.254.170.2` that only the sandbox reaches, beside its own network, so that programs in it can bind
    /// every port. What is connected to it is known by that alone. Only with a private network.
    fn listen_at_door(&self, id: &SandboxId, port: u16) -> Result<TcpListener, RuntimeError>;
}

/// A sandbox as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// Its name.
    pub id: SandboxId,
    /// Its address on the runtime's bridge, with a private network.
    pub address: Option<Ipv4Addr>,
    /// The hardware address of its interface, with a private network.
    pub mac: Option<[u8; 6]>,
    /// The network namespace, bound to a file; none with the host's network.
    pub netns: Option<PathBuf>,
    /// Published ports, with those chosen by the runtime.
    pub ports: Vec<PortBinding>,
    /// As given.
    pub labels: BTreeMap<String, String>,
}

/// A container whose program has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedContainer {
    /// The first process, as the host sees it.
    pub pid: i32,
    /// Milliseconds since 1970.
    pub started_at: i64,
}

/// How a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerStatus {
    /// Being started.
    Created,
    /// Its program runs.
    Running {
        /// The first process, as the host sees it.
        pid: i32,
        /// Milliseconds since 1970.
        started_at: i64,
    },
    /// Its program has ended.
    Exited {
        /// The exit code; 128 and the signal's number if a signal ended it.
        code: i32,
        /// Whether the kernel ended one of its processes for want of memory.
        oom_killed: bool,
        /// Milliseconds since 1970.
        finished_at: i64,
    },
    /// Its shim is gone without a word, as after a power failure.
    Lost,
}

/// How a further process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutcome {
    /// The exit code; `None` if it was killed because its time was up.
    pub code: Option<i32>,
    /// What it wrote to standard output and error, up to 64 KiB.
    pub output: Vec<u8>,
}

/// What a container uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since its start, in nanoseconds.
    pub cpu_nanos: u64,
    /// Memory now, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads now.
    pub pids: u64,
    /// Processor time in the kernel's half, in nanoseconds.
    pub cpu_kernel_nanos: u64,
    /// Processor time in the programs' half, in nanoseconds.
    pub cpu_user_nanos: u64,
    /// Periods in which the processor time was limited, those in which it ran out, and for how many nanoseconds.
    pub cpu_throttling: (u64, u64, u64),
    /// The most memory so far, in bytes; zero where the kernel does not say.
    pub memory_peak_bytes: u64,
    /// The kernel's counters of memory, under its names.
    pub memory_counters: Vec<(String, u64)>,
    /// Bytes read from and written to block devices: the device, bytes read, bytes written.
    pub block_devices: Vec<((u32, u32), u64, u64)>,
}

/// All sandboxes and containers.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Sandboxes.
    pub sandboxes: Vec<Sandbox>,
    /// Containers.
    pub containers: Vec<ContainerSummary>,
}

/// A container as it was found.
#[derive(Debug, Clone)]
pub struct ContainerSummary {
    /// Its name.
    pub id: ContainerId,
    /// Its sandbox.
    pub sandbox: SandboxId,
    /// How it is.
    pub status: ContainerStatus,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// When its program began, in milliseconds since 1970; kept after its end.
    pub started_at: Option<i64>,
    /// As given.
    pub labels: BTreeMap<String, String>,
}
