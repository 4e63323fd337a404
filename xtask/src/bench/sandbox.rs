//! A mount and a network namespace for the other engines: their bridges and firewall rules stay out of the host's, and nothing of
//! them is left when it closes.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// crun refuses hosts with cgroup v1 that have the (empty) v2 hierarchy mounted beside it. Inside, that mount is taken away.
const PREPARE: &str =
    "umount /sys/fs/cgroup/unified 2>/dev/null; ip link set lo up; echo ready; exec sleep 3600";

/// The namespaces. They live as long as something uses them.
#[derive(Debug, Clone)]
pub(super) struct Sandbox {
    mounts: Arc<OwnedFd>,
    network: Arc<OwnedFd>,
}

impl Sandbox {
    /// New namespaces.
    pub(super) fn new() -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "sh", "-c", PREPARE]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().context("cannot run `unshare`")?;
        let opened = open(&mut child);
        let _ = child.kill();
        let _ = child.wait();
        opened
    }

    /// Lets a program run inside.
    pub(super) fn enter(&self, command: &mut Command) {
        let inside = self.clone();
        // SAFETY: between fork and exec the closure makes two system calls on descriptors that were opened before, and touches no
        // lock or allocator.
        unsafe {
            command.pre_exec(move || {
                move_into_link_name_space(inside.network.as_fd(), Some(LinkNameSpaceType::Network))?;
                // The working directory is the root directory of the namespace from here on.
                move_into_link_name_space(inside.mounts.as_fd(), None)?;
                Ok(())
            });
        }
    }
}

fn open(child: &mut Child) -> Result<Sandbox> {
    let mut line = String::new();
    let output = child.stdout.take().context("`unshare` has no output")?;
    BufReader::new(output).read_line(&mut line)?;
    if line.trim() != "ready" {
        bail!("cannot make namespaces with `unshare --mount --net`: run as root");
    }
    let namespace = |kind: &str| -> Result<Arc<OwnedFd>> {
        let path = format!("/proc/{}/ns/{kind}", child.id());
        Ok(Arc::new(File::open(&path).with_context(|| format!("cannot open `{path}`"))?.into()))
    };
    Ok(Sandbox { mounts: namespace("mnt")?, network: namespace("net")? })
}
