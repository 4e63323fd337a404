//! Making and removing sandboxes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::NativeRuntime;
use super::container::{cleanup, remove_if_there};
use crate::cgroup::Limits;
use crate::error::{Doing, RuntimeError};
use crate::layout::{NetworkKind, SandboxState, read_json, write_json};
use crate::names::SandboxId;
use crate::net::{self, netns, ports};
use crate::resolver;
use crate::runtime::Sandbox;
use crate::spec::{Network, PortBinding, PortMapping, SandboxSpec};

impl NativeRuntime {
    pub(super) fn sandbox_state(&self, id: &SandboxId) -> Result<SandboxState, RuntimeError> {
        let path = self.layout.sandbox(id).join("state.json");
        let state = read_json(&path).doing(|| format!("cannot read `{}`", path.display()))?;
        state.ok_or_else(|| RuntimeError::NoSuchSandbox(id.clone()))
    }

    pub(super) fn netns_of(&self, state: &SandboxState) -> Option<PathBuf> {
        (state.network != NetworkKind::Host).then(|| self.layout.netns(&state.id))
    }

    pub(super) fn make_sandbox(&self, spec: &SandboxSpec) -> Result<Sandbox, RuntimeError> {
        check(spec)?;
        let dir = self.layout.sandbox(&spec.id);
        fs::create_dir(&dir).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RuntimeError::Exists(spec.id.to_string()),
            _ => RuntimeError::path("cannot make", &dir, error),
        })?;
        let made = self.claim_network(spec, &dir).and_then(|state| {
            self.build(spec, &state, &dir)?;
            Ok(self.describe(&state))
        });
        if made.is_err() {
            // The first failure is the one to report; what cannot be undone is found again by `list`.
            let _ = self.take_sandbox_away(&spec.id);
        }
        made
    }

    /// Chooses address and ports and writes them down at once, so that the next sandbox cannot choose them too.
    fn claim_network(&self, spec: &SandboxSpec, dir: &Path) -> Result<SandboxState, RuntimeError> {
        let _one_at_a_time = self.allocating.lock().unwrap_or_else(PoisonError::into_inner);
        let others = self.all_states()?;
        let (network, address, ports) = match &spec.network {
            Network::Host => (NetworkKind::Host, None, Vec::new()),
            Network::None => (NetworkKind::None, None, Vec::new()),
            Network::Private { publish } => {
                let taken: Vec<Ipv4Addr> = others.iter().filter_map(|state| state.address).collect();
                let address = self.network.subnet()?.free_address(&taken)?;
                (NetworkKind::Private, Some(address), choose_ports(publish, &others)?)
            }
        };
        let (id, hostname, labels) = (spec.id.clone(), spec.hostname.clone(), spec.labels.clone());
        let state = SandboxState { id, hostname, network, address, ports, labels };
        let path = dir.join("state.json");
        write_json(&path, &state).doing(|| format!("cannot write `{}`", path.display()))?;
        Ok(state)
    }

    fn build(&self, spec: &SandboxSpec, state: &SandboxState, dir: &Path) -> Result<(), RuntimeError> {
        resolver::write_files(dir, spec, state.address)
            .doing(|| format!("cannot write the files in `{}`", dir.display()))?;
        self.sandbox_group(&spec.id).create(&Limits::from(&spec.limits))?;
        let Some(path) = self.netns_of(state) else { return Ok(()) };
        netns::create(&path)?;
        netns::inside(&path, net::loopback_up)?;
        let Some(address) = state.address else { return Ok(()) };
        self.network.attach(&spec.id, &path, address)?;
        net::make_door(&path, &self.layout.door(&spec.id))?;
        self.publish(&spec.id, address, &state.ports)
    }

    fn describe(&self, state: &SandboxState) -> Sandbox {
        Sandbox {
            id: state.id.clone(),
            address: state.address,
            mac: state.address.map(crate::net::mac),
            netns: self.netns_of(state),
            ports: state.ports.clone(),
            labels: state.labels.clone(),
        }
    }

    pub(super) fn take_sandbox_away(&self, id: &SandboxId) -> Result<(), RuntimeError> {
        let dir = self.layout.sandbox(id);
        if !dir.exists() {
            return Ok(());
        }
        let in_use = self.all_containers()?.into_iter().find(|container| container.sandbox == *id);
        if let Some(container) = in_use {
            return Err(RuntimeError::Invalid(format!(
                "sandbox `{id}` still has container `{}`: remove it first",
                container.id
            )));
        }
        let mut problems = Vec::new();
        problems.extend(self.stop_proxy(&dir).err());
        problems.extend(self.network.unpublish(id).err());
        problems.extend(self.network.detach(id).err());
        problems.extend(netns::remove(&self.layout.door(id)).err());
        problems.extend(netns::remove(&self.layout.netns(id)).err());
        problems.extend(self.sandbox_group(id).remove().err());
        if problems.is_empty() {
            let removed = remove_if_there(fs::remove_dir_all(&dir));
            problems.extend(removed.doing(|| format!("cannot remove `{}`", dir.display())).err());
        }
        cleanup(problems)
    }

    fn all_states(&self) -> Result<Vec<SandboxState>, RuntimeError> {
        let path = self.layout.sandboxes();
        let entries = fs::read_dir(&path).doing(|| format!("cannot read `{}`", path.display()))?;
        let names =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<SandboxId>().ok());
        Ok(names.filter_map(|id| self.sandbox_state(&id).ok()).collect())
    }

    pub(super) fn all_sandboxes(&self) -> Result<Vec<Sandbox>, RuntimeError> {
        Ok(self.all_states()?.iter().map(|state| self.describe(state)).collect())
    }

    pub(super) fn listen_beside(&self, id: &SandboxId, port: u16) -> Result<TcpListener, RuntimeError> {
        self.sandbox_state(id)?;
        let address = SocketAddr::from((net::DOOR, port));
        netns::inside(&self.layout.door(id), || {
            TcpListener::bind(address).doing(|| format!("cannot listen on `{address}`"))
        })
    }

    pub(super) fn listen(&self, id: &SandboxId, address: SocketAddr) -> Result<TcpListener, RuntimeError> {
        let state = self.sandbox_state(id)?;
        let bind = move || TcpListener::bind(address).doing(|| format!("cannot listen on `{address}`"));
        let Some(path) = self.netns_of(&state) else { return bind() };
        netns::inside(&path, move || {
            if let SocketAddr::V4(v4) = address {
                net::add_loopback_address(*v4.ip())?;
            }
            bind()
        })
    }
}

fn check(spec: &SandboxSpec) -> Result<(), RuntimeError> {
    let name = &spec.hostname;
    let well_formed = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if well_formed {
        return Ok(());
    }
    Err(RuntimeError::Invalid(format!(
        "`{name}` is not a host name: expected 1 to 64 letters, digits, `-`, `.` or `_`"
    )))
}

fn choose_ports(publish: &[PortMapping], others: &[SandboxState]) -> Result<Vec<PortBinding>, RuntimeError> {
    let mut taken: Vec<PortBinding> = others.iter().flat_map(|state| state.ports.clone()).collect();
    let mut chosen = Vec::with_capacity(publish.len());
    for mapping in publish {
        let binding = ports::choose(mapping, &taken)?;
        taken.push(binding.clone());
        chosen.push(binding);
    }
    Ok(chosen)
}
