//! Where things are on disk, and how small status files are written.
//!
//! ```text
//! <dir>/network.json                     the bridge's subnet
//! <dir>/sandboxes/<id>/state.json        address, ports, labels     hosts, resolv.conf, hostname
//!                      proxy.json, proxy.lock   only where ports are published through a process
//! <dir>/netns/<id>                       the network namespace, bound to a file
//! <dir>/doors/<id>                       the one beside it in which the server listens for the sandbox
//! <dir>/containers/<id>/state.json       written by the server before the start; no environment, no arguments
//!                       lock             held by the shim as long as it lives
//!                       started.json     written by the shim once the program runs
//!                       exit.json        written by the shim when it has ended; the last thing it does
//!                       log, log.start   upper, work, merged
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names::{ContainerId, SandboxId};
use crate::spec::PortBinding;

/// The runtime's directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn make_dirs(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o711);
        builder.create(&self.dir)?;
        builder.mode(0o700).create(self.sandboxes())?;
        builder.create(self.containers())?;
        builder.create(self.dir.join("netns"))?;
        builder.create(self.dir.join("doors"))
    }

    /// Removes what a killed server had only begun to make, or had not finished removing. A state file is the first
    /// thing to be written, so where it is missing nothing else was made, or all else is gone.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        for parent in [self.sandboxes(), self.containers()] {
            for entry in std::fs::read_dir(parent)? {
                let path = entry?.path();
                if !path.join("state.json").exists() && !ContainerDir(path.clone()).is_held() {
                    std::fs::remove_dir_all(path)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn sandboxes(&self) -> PathBuf {
        self.dir.join("sandboxes")
    }

    pub(crate) fn containers(&self) -> PathBuf {
        self.dir.join("containers")
    }

    pub(crate) fn sandbox(&self, id: &SandboxId) -> PathBuf {
        self.sandboxes().join(id.as_str())
    }

    pub(crate) fn netns(&self, id: &SandboxId) -> PathBuf {
        self.dir.join("netns").join(id.as_str())
    }

    /// The network namespace beside a sandbox's, for sockets of the server.
    pub(crate) fn door(&self, id: &SandboxId) -> PathBuf {
        self.dir.join("doors").join(id.as_str())
    }

    pub(crate) fn network(&self) -> PathBuf {
        self.dir.join("network.json")
    }

    pub(crate) fn container(&self, id: &ContainerId) -> ContainerDir {
        ContainerDir(self.containers().join(id.as_str()))
    }
}

/// One container's directory.
#[derive(Debug, Clone)]
pub(crate) struct ContainerDir(pub(crate) PathBuf);

impl ContainerDir {
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    pub(crate) fn started(&self) -> PathBuf {
        self.0.join("started.json")
    }

    pub(crate) fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Whether a shim holds this container.
    pub(crate) fn is_held(&self) -> bool {
        is_locked(&self.lock())
    }
}

/// Whether a process holds a lock file.
pub(crate) fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(flock(&file, FlockOperation::NonBlockingLockShared), Err(Errno::WOULDBLOCK))
}

/// What is kept about a container: nothing that could be a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ContainerState {
    pub(crate) id: ContainerId,
    pub(crate) sandbox: SandboxId,
    pub(crate) stop_signal: i32,
    /// What a further process in the container may have.
    pub(crate) capabilities: u64,
    pub(crate) no_new_privileges: bool,
    pub(crate) seccomp: bool,
    pub(crate) created_at: i64,
    pub(crate) labels: BTreeMap<String, String>,
}

/// What is kept about a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SandboxState {
    pub(crate) id: SandboxId,
    pub(crate) hostname: String,
    pub(crate) network: NetworkKind,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) ports: Vec<PortBinding>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// Which network a sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NetworkKind {
    Private,
    Host,
    None,
}

/// A running container, as its shim saw it begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) pid: i32,
    pub(crate) shim: i32,
    pub(crate) started_at: i64,
}

/// How a container ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    pub(crate) oom_killed: bool,
    pub(crate) finished_at: i64,
}

/// Writes a status file so that a reader, or a machine that lost power, finds the old one or the new one whole.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let new = path.with_extension("json.new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Reads a status file; `None` if it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
