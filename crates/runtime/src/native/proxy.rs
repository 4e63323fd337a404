//! Starts and ends the process that publishes a sandbox's ports where the kernel cannot.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{NativeRuntime, spawn};
use crate::error::{Doing, RuntimeError};
use crate::layout::{Started, is_locked, read_json};
use crate::names::SandboxId;
use crate::plan::ProxyPlan;
use crate::spec::{PortBinding, Protocol};
use crate::sys;

impl NativeRuntime {
    /// Publishes through the kernel if it can, else through a process.
    pub(super) fn publish(
        &self,
        id: &SandboxId,
        address: Ipv4Addr,
        ports: &[PortBinding],
    ) -> Result<(), RuntimeError> {
        if ports.is_empty() {
            return Ok(());
        }
        let kernel = if self.userland_ports { None } else { Some(self.network.publish(id, address, ports)) };
        match kernel {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                tracing::warn!(%error, "ports are published through a process instead, which hides where connections come from");
                self.start_proxy(id, address, ports)
            }
            None => self.start_proxy(id, address, ports),
        }
    }

    fn start_proxy(
        &self,
        id: &SandboxId,
        address: Ipv4Addr,
        ports: &[PortBinding],
    ) -> Result<(), RuntimeError> {
        if let Some(port) = ports.iter().find(|port| port.protocol == Protocol::Udp) {
            let text = format!(
                "UDP port {} cannot be published: that needs the kernel's nf_tables",
                port.container_port
            );
            return Err(RuntimeError::Invalid(text));
        }
        self.shims_group().create(&crate::cgroup::Limits::default())?;
        let pair = |port: &PortBinding| -> (SocketAddr, SocketAddr) {
            ((port.host_ip, port.host_port).into(), (address, port.container_port).into())
        };
        let plan = ProxyPlan {
            dir: self.layout.sandbox(id),
            ports: ports.iter().map(pair).collect(),
            join: self.shims_group().shim_files(),
        };
        let mut child = self.shim.spawn("proxy", &plan, Stdio::null())?;
        let report = spawn::report(&mut child);
        // The process that stays is not this one's child.
        let _ = child.wait();
        report.map(drop)
    }

    /// Ends the process. Nothing to do if there is none.
    pub(super) fn stop_proxy(&self, dir: &Path) -> Result<(), RuntimeError> {
        let file = dir.join("proxy.json");
        let started: Option<Started> =
            read_json(&file).doing(|| format!("cannot read `{}`", file.display()))?;
        let Some(pid) = started.and_then(|started| Pid::from_raw(started.shim)) else { return Ok(()) };
        // The lock proves that the pid was still the process's own when it was opened.
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) if is_locked(&dir.join("proxy.lock")) => {
                sys::pidfd_signal(&process, libc::SIGKILL)
                    .doing(|| "cannot end the process that publishes ports".to_owned())?;
                let mut ended = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
                let limit = rustix::event::Timespec { tv_sec: 5, tv_nsec: 0 };
                let _ = rustix::event::poll(&mut ended, Some(&limit));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
