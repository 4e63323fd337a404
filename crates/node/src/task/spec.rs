//! What the runtime is asked for, worked out from assignment, image and launch sheet. No I/O.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use landfall_acs::{Assignment, ContainerAssignment, ContainerSheet, LaunchKind, NetworkMode};
use landfall_base::Sensitive;
use landfall_image::{Image, RunConfig};
use landfall_runtime::{
    CapabilityChanges, ContainerId, ContainerLimits, ContainerSpec, Dns, Mount, Network, PortMapping,
    Protocol, SandboxId, SandboxSpec, TaskLimits, Ulimit,
};

use super::surroundings::{Environment, Surroundings};
use super::wording::NO_COMMAND;

const MIB: u64 = 1 << 20;

/// So many MiB in bytes.
pub(crate) fn mebibytes(mib: u32) -> u64 {
    u64::from(mib) * MIB
}

/// Labels of a container with what further processes in it run as, and where.
pub(super) const USER_LABEL: &str = "user";
pub(super) const CWD_LABEL: &str = "cwd";

/// CPU units of one processor.
const UNITS: f64 = 1024.0;

/// Most processes and threads of a container: far more than programs need, and not enough to take a host down.
const PIDS: u64 = 16_384;

/// Fargate's default for open files (ECS Developer Guide, "Fargate task definition differences", `ulimits`).
const FARGATE_FILES: (u64, u64) = (65_535, 65_535);

/// The task's sandbox.
pub(super) fn sandbox(assignment: &Assignment, id: SandboxId) -> SandboxSpec {
    let containers = &assignment.containers;
    let hostname = containers.iter().find_map(|container| container.hostname.clone());
    SandboxSpec {
        hostname: hostname.unwrap_or_else(|| assignment.task_id.chars().take(12).collect()),
        network: network(assignment),
        dns: Dns {
            servers: containers
                .iter()
                .flat_map(|it| &it.dns_servers)
                .filter_map(|it| it.parse().ok())
                .collect(),
            search: Vec::new(),
            extra_hosts: extra_hosts(containers),
        },
        limits: TaskLimits {
            cpu_shares: assignment.cpu.map(u64::from),
            cpu_quota: assignment.cpu.map(|units| f64::from(units) / UNITS),
            memory_bytes: assignment.memory.map(|mib| u64::from(mib) * MIB),
        },
        labels: BTreeMap::from([("task".to_owned(), assignment.task_arn.clone())]),
        id,
    }
}

fn network(assignment: &Assignment) -> Network {
    match assignment.network_mode {
        NetworkMode::Host => Network::Host,
        NetworkMode::None => Network::None,
        NetworkMode::Awsvpc => Network::Private { publish: Vec::new() },
        NetworkMode::Bridge => Network::Private { publish: published(&assignment.containers) },
    }
}

fn published(containers: &[ContainerAssignment]) -> Vec<PortMapping> {
    let mapping = |port: &landfall_acs::PortMapping| PortMapping {
        host_ip: Ipv4Addr::UNSPECIFIED,
        host_port: port.host_port.filter(|port| *port != 0),
        container_port: port.container_port,
        protocol: match port.protocol {
            landfall_acs::Protocol::Tcp => Protocol::Tcp,
            landfall_acs::Protocol::Udp => Protocol::Udp,
        },
    };
    containers.iter().flat_map(|container| &container.port_mappings).map(mapping).collect()
}

fn extra_hosts(containers: &[ContainerAssignment]) -> Vec<(String, std::net::IpAddr)> {
    let hosts = containers.iter().flat_map(|container| &container.extra_hosts);
    hosts.filter_map(|(name, address)| Some((name.clone(), address.parse().ok()?))).collect()
}

/// What a container is made from, beside its definition.
pub(super) struct Given<'a> {
    pub(super) sheet: Option<&'a ContainerSheet>,
    pub(super) image: &'a Image,
    pub(super) volumes: &'a Path,
    pub(super) surroundings: Surroundings<'a>,
}

/// A container, or why there can be none, as Docker says it.
///
/// # Errors
/// Neither image nor task definition names a command.
pub(super) fn container(
    assignment: &Assignment,
    container: &ContainerAssignment,
    given: &Given<'_>,
    id: ContainerId,
    sandbox: SandboxId,
) -> Result<ContainerSpec, String> {
    let Given { sheet, image, volumes, surroundings } = given;
    let run = &image.config.config;
    let args = args(container.entry_point.as_ref(), container.command.as_ref(), run);
    if args.is_empty() {
        return Err(NO_COMMAND.to_owned());
    }
    let mut spec = ContainerSpec::new(id, sandbox, image.layer_dirs.clone(), args);
    spec.env = environment(container, run, *sheet);
    surroundings.add(&mut spec.env);
    spec.cwd = PathBuf::from(first([container.working_directory.as_deref(), Some(&run.working_dir)], "/"));
    spec.user = first([container.user.as_deref(), Some(&run.user)], "").to_owned();
    spec.readonly_rootfs = container.readonly_root_filesystem;
    spec.mounts = mounts(assignment, container, volumes);
    spec.limits = limits(assignment, container);
    spec.init = container.init_process_enabled;
    spec.capabilities = CapabilityChanges {
        add: container.capabilities_add.clone(),
        drop: container.capabilities_drop.clone(),
    };
    spec.privileged = container.privileged;
    spec.sysctls = container.system_controls.iter().cloned().collect();
    spec.stop_signal.clone_from(&run.stop_signal);
    spec.shm_bytes = container.shared_memory_size.map(|mib| u64::from(mib) * MIB);
    spec.labels = BTreeMap::from([
        ("task".to_owned(), assignment.task_arn.clone()),
        ("container".to_owned(), container.name.clone()),
        (USER_LABEL.to_owned(), spec.user.clone()),
        (CWD_LABEL.to_owned(), spec.cwd.display().to_string()),
    ]);
    Ok(spec)
}

pub(crate) fn first<'a>(candidates: [Option<&'a str>; 2], default: &'a str) -> &'a str {
    candidates.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or(default)
}

/// As Docker merges them: an entry point of the task definition also puts the image's command aside.
pub(crate) fn args(
    entry_point: Option<&Vec<String>>,
    command: Option<&Vec<String>>,
    run: &RunConfig,
) -> Vec<String> {
    let entry_point = entry_point.filter(|it| !it.is_empty());
    let command = command.filter(|it| !it.is_empty());
    let mut args = entry_point.unwrap_or(&run.entrypoint).clone();
    match (entry_point, command) {
        (_, Some(command)) => args.extend_from_slice(command),
        (None, None) => args.extend_from_slice(&run.cmd),
        (Some(_), None) => {}
    }
    args
}

/// The image's, then secrets, then the task definition's own: later ones replace earlier ones in place.
fn environment(
    container: &ContainerAssignment,
    run: &RunConfig,
    sheet: Option<&ContainerSheet>,
) -> Environment {
    let mut merged = Environment::new();
    let mut set = |name: &str, value: Sensitive<String>| match merged.iter_mut().find(|(it, _)| it == name) {
        Some(entry) => entry.1 = value,
        None => merged.push((name.to_owned(), value)),
    };
    for entry in &run.env {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        set(name, value.into());
    }
    for (name, value) in sheet.iter().flat_map(|sheet| &sheet.environment) {
        set(name, value.clone());
    }
    for (name, value) in &container.environment {
        set(name, value.as_str().into());
    }
    merged
}

fn mounts(assignment: &Assignment, container: &ContainerAssignment, volumes: &Path) -> Vec<Mount> {
    let bound = container.mount_points.iter().filter_map(|point| {
        let volume = assignment.volumes.iter().find(|volume| volume.name == point.source_volume)?;
        let source = match &volume.host_path {
            Some(path) => PathBuf::from(path),
            None => volume_directory(volumes, assignment, &volume.name),
        };
        Some(Mount::Bind { source, target: PathBuf::from(&point.container_path), readonly: point.read_only })
    });
    let memory = container.tmpfs.iter().map(|(path, mib, options)| Mount::Tmpfs {
        target: PathBuf::from(path),
        size: Some(mebibytes(*mib)),
        options: options.clone(),
    });
    bound.chain(memory).collect()
}

/// Where the volumes of a task live that have no host path.
pub(super) fn task_volumes(volumes: &Path, assignment: &Assignment) -> PathBuf {
    volumes.join(&assignment.task_id)
}

fn volume_directory(volumes: &Path, assignment: &Assignment, name: &str) -> PathBuf {
    // Names of volumes are letters, digits, hyphens and underscores; anything else is not let out of the directory.
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    task_volumes(volumes, assignment).join(safe)
}

fn limits(assignment: &Assignment, container: &ContainerAssignment) -> ContainerLimits {
    ContainerLimits {
        memory: container.memory.map(|mib| u64::from(mib.max(6)) * MIB),
        memory_reservation: container.memory_reservation.map(|mib| u64::from(mib) * MIB),
        cpu_shares: Some(u64::from(container.cpu.max(2))),
        cpu_quota: None,
        pids: Some(PIDS),
        ulimits: ulimits(assignment, container),
    }
}

fn ulimits(assignment: &Assignment, container: &ContainerAssignment) -> Vec<Ulimit> {
    let value = |limit: i64| u64::try_from(limit).unwrap_or(u64::MAX);
    let mut ulimits: Vec<Ulimit> = container
        .ulimits
        .iter()
        .map(|it| Ulimit { name: it.name.clone(), soft: value(it.soft), hard: value(it.hard) })
        .collect();
    if assignment.launch == LaunchKind::Fargate && !ulimits.iter().any(|it| it.name == "nofile") {
        let (soft, hard) = FARGATE_FILES;
        ulimits.push(Ulimit { name: "nofile".to_owned(), soft, hard });
    }
    ulimits
}
