//! The engine that talks to the Linux kernel itself.

mod container;
mod exec;
mod proxy;
mod sandbox;
mod spawn;
mod watch;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landfall_base::{Clock, SystemClock};

use crate::cgroup::{Group, Host};
use crate::error::{Doing, RuntimeError};
use crate::layout::Layout;
use crate::names::{ContainerId, SandboxId};
use crate::net::{Network, NetworkConfig};
use crate::runtime::{
    ContainerStatus, ExecOutcome, Inventory, Runtime, Sandbox, StartedContainer, Usage, Waiting,
};
use crate::spec::{ContainerSpec, ExecSpec, SandboxSpec};

/// Where the native engine keeps and makes things.
#[derive(Debug, Clone)]
pub struct NativeConfig {
    /// The engine's directory. It must be on a file system that overlayfs can write to, and two engines must not
    /// share one.
    pub dir: PathBuf,
    /// The control group above all sandboxes, relative to each hierarchy's mount.
    pub cgroup: PathBuf,
    /// The network bridge; at most 15 letters. Two engines must not share one.
    pub bridge: String,
    /// The addresses of the bridge and of private sandboxes, as network and prefix length (8 to 30). Only looked at
    /// when the engine's directory is new; when `None` a range is taken that no route of the host touches.
    pub subnet: Option<(Ipv4Addr, u8)>,
    /// The program to run as a shim: it must call [`crate::shim_main`] when its first argument is `shim`. The running
    /// program itself when `None`.
    pub shim: Option<PathBuf>,
    /// Use the version 2 control groups mounted there, even if the host has controllers on version 1.
    pub unified_cgroups: Option<PathBuf>,
    /// Publish ports through a process even where the kernel's packet filter could, as on a host whose own firewall
    /// gets in the way. TCP only, and containers see the bridge's address as where connections come from.
    pub userland_ports: bool,
}

impl NativeConfig {
    /// The usual names, under `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cgroup: "landfall".into(),
            bridge: "landfall0".to_owned(),
            subnet: None,
            shim: None,
            unified_cgroups: None,
            userland_ports: false,
        }
    }
}

/// Runs containers with the kernel's own means, each under a shim that outlives this process.
pub struct NativeRuntime {
    layout: Layout,
    cgroup: PathBuf,
    cgroups: Host,
    has_device_rules: bool,
    userland_ports: bool,
    network: Network,
    shim: spawn::ShimProgram,
    clock: Arc<dyn Clock>,
    /// Containers whose shim is just being started, so that they are not taken for lost.
    starting: Mutex<BTreeSet<ContainerId>>,
    /// Addresses and ports are chosen by one at a time.
    allocating: Mutex<()>,
}

impl NativeRuntime {
    /// An engine on what is in `config.dir`, with whatever already runs there.
    ///
    /// # Errors
    /// If the directory cannot be made or the shim's program cannot be opened.
    pub fn new(config: NativeConfig) -> Result<Self, RuntimeError> {
        let layout = Layout::new(config.dir.clone());
        layout.make_dirs().doing(|| format!("cannot make `{}`", config.dir.display()))?;
        layout.sweep().doing(|| format!("cannot tidy `{}`", config.dir.display()))?;
        let (bridge, subnet_file) = (config.bridge, layout.network());
        let network = Network::new(NetworkConfig { bridge, subnet: config.subnet, subnet_file });
        let cgroups = config.unified_cgroups.map_or_else(Host::detect, Host::V2);
        Ok(Self {
            shim: spawn::ShimProgram::open(config.shim)?,
            layout,
            cgroup: config.cgroup,
            userland_ports: config.userland_ports,
            has_device_rules: cgroups.has_device_rules(),
            cgroups,
            network,
            clock: Arc::new(SystemClock),
            starting: Mutex::default(),
            allocating: Mutex::default(),
        })
    }

    /// Takes away what does not belong to a single sandbox: bridge, address translation, control group.
    ///
    /// # Errors
    /// If sandboxes are still there.
    pub fn uninstall(&self) -> Result<(), RuntimeError> {
        if let Some(sandbox) = self.all_sandboxes()?.first() {
            return Err(RuntimeError::Invalid(format!(
                "sandbox `{}` is still there: remove it first",
                sandbox.id
            )));
        }
        self.network.remove()?;
        Group::new(&self.cgroups, self.cgroup.clone()).remove()
    }

    fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    fn sandbox_group(&self, id: &SandboxId) -> Group<'_> {
        Group::new(&self.cgroups, self.cgroup.join(id.as_str()))
    }

    fn container_group(&self, sandbox: &SandboxId, id: &ContainerId) -> Group<'_> {
        Group::new(&self.cgroups, self.cgroup.join(sandbox.as_str()).join(id.as_str()))
    }

    /// Not a name that a sandbox could have.
    fn shims_group(&self) -> Group<'_> {
        Group::new(&self.cgroups, self.cgroup.join("_shims"))
    }

    fn mark_starting(&self, id: &ContainerId) -> Starting<'_> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        Starting { runtime: self, id: id.clone() }
    }

    fn is_starting(&self, id: &ContainerId) -> bool {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}

/// Takes the mark away however the start ends.
struct Starting<'a> {
    runtime: &'a NativeRuntime,
    id: ContainerId,
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.runtime.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Runtime for NativeRuntime {
    fn create_sandbox(&self, spec: &SandboxSpec) -> Result<Sandbox, RuntimeError> {
        self.make_sandbox(spec)
    }

    fn remove_sandbox(&self, id: &SandboxId) -> Result<(), RuntimeError> {
        self.take_sandbox_away(id)
    }

    fn start_container(&self, spec: &ContainerSpec) -> Result<StartedContainer, RuntimeError> {
        self.start(spec)
    }

    fn signal_container(&self, id: &ContainerId, signal: i32) -> Result<(), RuntimeError> {
        self.signal(id, signal)
    }

    fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<ContainerStatus, RuntimeError> {
        self.stop(id, timeout)
    }

    fn status(&self, id: &ContainerId) -> Result<ContainerStatus, RuntimeError> {
        self.look(id)
    }

    fn wait<'a>(&'a self, id: &'a ContainerId) -> Waiting<'a> {
        Box::pin(self.wait_for_end(id))
    }

    fn exec(
        &self,
        id: &ContainerId,
        spec: &ExecSpec,
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        self.run_inside(id, spec, timeout)
    }

    fn remove_container(&self, id: &ContainerId) -> Result<(), RuntimeError> {
        self.take_container_away(id)
    }

    fn list(&self) -> Result<Inventory, RuntimeError> {
        Ok(Inventory { sandboxes: self.all_sandboxes()?, containers: self.all_containers()? })
    }

    fn log_path(&self, id: &ContainerId) -> PathBuf {
        self.layout.container(id).log()
    }

    fn usage(&self, id: &ContainerId) -> Result<Usage, RuntimeError> {
        let state = self.container_state(id)?;
        Ok(self.container_group(&state.sandbox, id).usage())
    }

    fn listen_in_sandbox(&self, id: &SandboxId, address: SocketAddr) -> Result<TcpListener, RuntimeError> {
        self.listen(id, address)
    }

    fn listen_at_door(&self, id: &SandboxId, port: u16) -> Result<TcpListener, RuntimeError> {
        self.listen_beside(id, port)
    }
}
