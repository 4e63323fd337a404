//! The other container engines, each on directories of its own.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::process::{self, Server};
use super::sandbox::Sandbox;

/// A Docker daemon of our own.
#[derive(Clone)]
pub(super) struct Docker {
    socket: String,
    configuration: PathBuf,
}

impl Docker {
    /// Starts a daemon: in a sandbox with its usual bridge, or on the host without touching the network. The daemon runs as long as the
    /// returned server.
    pub(super) fn start(directory: &Path, sandbox: Option<&Sandbox>) -> Result<(Server, Self)> {
        fs::create_dir_all(directory)?;
        let socket = format!("unix://{}/docker.sock", directory.display());
        let mut command = Command::new("dockerd");
        command.arg("--host").arg(&socket).args(["--log-level", "error"]);
        for (option, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
            command.arg(option).arg(directory.join(name));
        }
        match sandbox {
            Some(sandbox) => sandbox.enter(&mut command),
            None => drop(command.args(["--bridge", "none", "--iptables=false", "--ip-forward=false"])),
        }
        let mut server = Server::start("dockerd", command, &directory.join("log"))?;
        let docker = Self { socket, configuration: directory.join("configuration") };
        server.wait(Duration::from_millis(100), || process::output(docker.command(&["info"])).is_ok())?;
        Ok((server, docker))
    }

    /// The client with these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", &self.socket).env("DOCKER_CONFIG", &self.configuration).args(arguments);
        command
    }

    /// As `docker login` would.
    pub(super) fn log_in(&self, credentials: &Path) -> Result<()> {
        fs::create_dir_all(&self.configuration)?;
        fs::copy(credentials, self.configuration.join("config.json"))
            .context("cannot copy the credential")?;
        Ok(())
    }
}

/// podman with storage of its own.
#[derive(Clone)]
pub(super) struct Podman {
    directory: PathBuf,
    /// Elsewhere, because podman refuses a path of more than 50 characters.
    state: Arc<TempDir>,
    sandbox: Option<Sandbox>,
}

impl Podman {
    /// On directories that may be empty, in a sandbox or on the host.
    pub(super) fn new(directory: &Path, sandbox: Option<&Sandbox>) -> Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory.join("tmp"))?;
        let state = Arc::new(tempfile::Builder::new().prefix("bench-").tempdir_in("/tmp")?);
        Ok(Self { directory: directory.to_owned(), state, sandbox: sandbox.cloned() })
    }

    /// podman with these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.env("TMPDIR", self.directory.join("tmp"));
        command.arg("--root").arg(self.directory.join("root")).arg("--runroot").arg(self.state.path());
        command.args([
            "--storage-driver",
            "overlay",
            "--events-backend",
            "file",
            "--cgroup-manager",
            "cgroupfs",
        ]);
        if let Some(sandbox) = &self.sandbox {
            sandbox.enter(&mut command);
        }
        command.args(arguments);
        command
    }
}

/// Limits that podman sets otherwise need a capability that some hosts withhold.
pub(super) const PODMAN_LIMITS: [&str; 4] = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];

/// Removes the empty cgroups that engines leave behind.
pub(super) fn remove_empty_cgroups() {
    let Ok(hierarchies) = fs::read_dir("/sys/fs/cgroup") else { return };
    for hierarchy in hierarchies.flatten() {
        for name in ["docker", "libpod_parent/conmon", "libpod_parent"] {
            // Fails where it is missing, or in use by somebody else's engine.
            let _ = fs::remove_dir(hierarchy.path().join(name));
        }
    }
}
