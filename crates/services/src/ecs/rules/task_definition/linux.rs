//! Linux parameters, ulimits and kernel settings.

use std::collections::BTreeSet;

use landfall_api::ecs::{ContainerDefinition, LinuxParameters, UlimitName};

use super::{Verdict, ensure, name_of, refuse};

pub(super) fn check(container: &ContainerDefinition) -> Verdict {
    check_ulimits(container)?;
    check_system_controls(container)?;
    container.linux_parameters.as_ref().map_or(Ok(()), |linux| check_linux(name_of(container), linux))
}

fn check_ulimits(container: &ContainerDefinition) -> Verdict {
    let mut seen = BTreeSet::new();
    for limit in container.ulimits.iter().flatten() {
        let name = limit.name.as_str();
        if let UlimitName::Unknown(_) = limit.name {
            return Err(refuse(format!("Invalid ulimit name: {name}.")));
        }
        ensure(seen.insert(name), || format!("Duplicate ulimit: {name}."))?;
        let unlimited = limit.hard_limit == -1;
        let ordered = unlimited || (limit.soft_limit != -1 && limit.soft_limit <= limit.hard_limit);
        ensure(ordered, || format!("Soft limit exceeds hard limit for ulimit {name}"))?;
    }
    Ok(())
}

fn check_system_controls(container: &ContainerDefinition) -> Verdict {
    for control in container.system_controls.iter().flatten() {
        let named = control.namespace.as_deref().is_some_and(|it| !it.is_empty()) && control.value.is_some();
        ensure(named, || {
            format!(
                "Invalid 'systemControls' setting for container '{}': namespace and value are required.",
                name_of(container)
            )
        })?;
    }
    Ok(())
}

fn check_linux(name: &str, linux: &LinuxParameters) -> Verdict {
    let invalid = |member: &str| format!("Invalid '{member}' setting for container '{name}'.");
    ensure(linux.shared_memory_size.is_none_or(|size| size > 0), || invalid("sharedMemorySize"))?;
    ensure(linux.max_swap.is_none_or(|swap| swap >= 0), || invalid("maxSwap"))?;
    ensure(linux.swappiness.is_none_or(|it| (0..=100).contains(&it)), || invalid("swappiness"))?;
    for mount in linux.tmpfs.iter().flatten() {
        ensure(mount.container_path.starts_with('/') && mount.size > 0, || invalid("tmpfs"))?;
    }
    for capability in linux.capabilities.iter().flat_map(|it| it.add.iter().chain(&it.drop).flatten()) {
        let known = CAPABILITIES.contains(&capability.trim_start_matches("CAP_"));
        ensure(known, || format!("Invalid capability '{capability}' for container '{name}'."))?;
    }
    Ok(())
}

/// capabilities(7), as the API names them (API reference, KernelCapabilities).
const CAPABILITIES: [&str; 42] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];
