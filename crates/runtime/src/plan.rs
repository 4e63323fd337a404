//! What the server tells a shim: every decision made, nothing left to look up but what only the container's own root
//! file system knows. It travels over a pipe and is never written to disk, because it holds the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::StartFailure;
use crate::spec::Mount;

/// Everything a shim needs to start one container.
#[derive(Serialize, Deserialize)]
pub(crate) struct ContainerPlan {
    /// The container's directory: lock, log and status files.
    pub(crate) dir: PathBuf,
    /// The network namespace to join; none to stay in the host's.
    pub(crate) netns: Option<PathBuf>,
    pub(crate) hostname: String,
    pub(crate) cgroup: CgroupPlan,
    pub(crate) rootfs: RootfsPlan,
    pub(crate) process: ProcessPlan,
    pub(crate) sysctls: BTreeMap<String, String>,
    pub(crate) init: bool,
    /// Most bytes of log to keep.
    pub(crate) log_bytes: Option<u64>,
}

/// The cgroups of a container, already made and limited.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct CgroupPlan {
    /// Files that a process joins by writing `0`.
    pub(crate) join: Vec<PathBuf>,
    /// Files that the shim joins.
    pub(crate) shim_join: Vec<PathBuf>,
    /// The file whose `oom_kill` line counts kills for want of memory.
    pub(crate) oom_events: Option<PathBuf>,
    pub(crate) view: CgroupView,
}

/// What of the cgroup file system a container sees, always read-only.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) enum CgroupView {
    /// Nothing.
    #[default]
    None,
    /// One directory per hierarchy: name of the directory and the controllers mounted there.
    V1(Vec<(String, Vec<String>)>),
    /// The unified hierarchy.
    V2,
}

/// How the root file system is put together.
#[derive(Serialize, Deserialize)]
pub(crate) struct RootfsPlan {
    /// Layers, lowest first.
    pub(crate) layers: Vec<PathBuf>,
    pub(crate) upper: PathBuf,
    pub(crate) work: PathBuf,
    /// Where it is mounted, in the container's mount namespace only.
    pub(crate) merged: PathBuf,
    pub(crate) readonly: bool,
    pub(crate) privileged: bool,
    /// Files of the sandbox: on the host, in the container.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) shm_bytes: u64,
}

/// How the process is set up; also used for further processes in a container.
#[derive(Serialize, Deserialize)]
pub(crate) struct ProcessPlan {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: PathBuf,
    pub(crate) user: String,
    /// A bit per capability.
    pub(crate) capabilities: u64,
    pub(crate) no_new_privileges: bool,
    pub(crate) seccomp: bool,
    /// Resource number (setrlimit(2)), soft and hard limit.
    pub(crate) limits: Vec<(u32, u64, u64)>,
}

/// A further process in a running container.
#[derive(Serialize, Deserialize)]
pub(crate) struct ExecPlan {
    /// The container's first process.
    pub(crate) pid: i32,
    pub(crate) join: Vec<PathBuf>,
    pub(crate) process: ProcessPlan,
}

/// Ports to publish through a process: on the host, and where they lead.
#[derive(Serialize, Deserialize)]
pub(crate) struct ProxyPlan {
    /// The sandbox's directory.
    pub(crate) dir: PathBuf,
    pub(crate) ports: Vec<(SocketAddr, SocketAddr)>,
    /// Control group files that the process joins.
    pub(crate) join: Vec<PathBuf>,
}

/// What a shim answers, as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    Started { pid: i32, started_at: i64 },
    Failed(StartFailure),
}
