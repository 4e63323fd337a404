//! Control groups, version 1: one tree per hierarchy.

use std::fs;
use std::path::Path;

use super::{Devices, Hierarchy, Limits, PERIOD, no_controller, number, quota, set};
use crate::error::{Doing, RuntimeError};
use crate::runtime::Usage;

/// Rules of the devices controller: type, major, minor, access (Docker's list). Making a node is allowed, using it is not.
const STANDARD_DEVICES: [&str; 12] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
    "c 10:200 rwm",
];

pub(super) fn find<'a>(hierarchies: &'a [Hierarchy], controller: &str) -> Option<&'a Hierarchy> {
    hierarchies.iter().find(|hierarchy| hierarchy.controllers.iter().any(|name| name == controller))
}

/// Directory names and mount options for the container's own view. Hierarchies without a controller are the host's
/// business.
pub(super) fn view(hierarchies: &[Hierarchy]) -> Vec<(String, Vec<String>)> {
    let real = hierarchies
        .iter()
        .filter(|hierarchy| !hierarchy.controllers.iter().any(|name| name.starts_with("name=")));
    real.map(|hierarchy| (hierarchy.controllers.join(","), hierarchy.controllers.clone())).collect()
}

pub(super) fn create(hierarchies: &[Hierarchy], path: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    for hierarchy in hierarchies {
        let dir = hierarchy.mount.join(path);
        fs::create_dir_all(&dir).doing(|| format!("cannot make the control group `{}`", dir.display()))?;
        if hierarchy.controllers.iter().any(|name| name == "cpuset") {
            inherit_cpuset(&hierarchy.mount, path)?;
        }
    }
    memory(hierarchies, path, limits)?;
    cpu(hierarchies, path, limits)?;
    if let Some(pids) = limits.pids {
        let hierarchy = find(hierarchies, "pids").ok_or_else(|| no_controller("processes", "pids"))?;
        set(&hierarchy.mount.join(path), "pids.max", pids)?;
    }
    devices(hierarchies, path, limits)
}

/// A new cpuset is empty, and no process can join it before it has processors and memory nodes.
fn inherit_cpuset(mount: &Path, path: &Path) -> Result<(), RuntimeError> {
    let mut dir = mount.to_owned();
    for name in path {
        let parent = dir.clone();
        dir.push(name);
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let own = fs::read_to_string(dir.join(file)).unwrap_or_default();
            if own.trim().is_empty() {
                set(&dir, file, fs::read_to_string(parent.join(file)).unwrap_or_default().trim())?;
            }
        }
    }
    Ok(())
}

fn memory(hierarchies: &[Hierarchy], path: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    if limits.memory.is_none() && limits.memory_reservation.is_none() {
        return Ok(());
    }
    let hierarchy = find(hierarchies, "memory").ok_or_else(|| no_controller("memory", "memory"))?;
    let dir = hierarchy.mount.join(path);
    if let Some(bytes) = limits.memory {
        set(&dir, "memory.limit_in_bytes", bytes)?;
        // Memory and swap together no more than memory: no swap. Absent where swap is not accounted.
        if dir.join("memory.memsw.limit_in_bytes").exists() {
            set(&dir, "memory.memsw.limit_in_bytes", bytes)?;
        }
    }
    limits.memory_reservation.map_or(Ok(()), |bytes| set(&dir, "memory.soft_limit_in_bytes", bytes))
}

fn cpu(hierarchies: &[Hierarchy], path: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    if limits.cpu_shares.is_none() && limits.cpu_quota.is_none() {
        return Ok(());
    }
    let hierarchy = find(hierarchies, "cpu").ok_or_else(|| no_controller("processor time", "cpu"))?;
    let dir = hierarchy.mount.join(path);
    if let Some(shares) = limits.cpu_shares {
        set(&dir, "cpu.shares", shares)?;
    }
    if let Some(processors) = limits.cpu_quota {
        set(&dir, "cpu.cfs_period_us", PERIOD)?;
        set(&dir, "cpu.cfs_quota_us", quota(processors))?;
    }
    Ok(())
}

fn devices(hierarchies: &[Hierarchy], path: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    let (Some(devices), Some(hierarchy)) = (limits.devices, find(hierarchies, "devices")) else {
        return Ok(());
    };
    if devices == Devices::All {
        return Ok(());
    }
    let dir = hierarchy.mount.join(path);
    set(&dir, "devices.deny", "a")?;
    STANDARD_DEVICES.iter().try_for_each(|rule| set(&dir, "devices.allow", rule))
}

pub(super) fn usage(hierarchies: &[Hierarchy], path: &Path) -> Usage {
    let read = |controller, file| {
        find(hierarchies, controller).map_or(0, |hierarchy| number(&hierarchy.mount.join(path).join(file)))
    };
    Usage {
        cpu_nanos: read("cpuacct", "cpuacct.usage"),
        memory_bytes: read("memory", "memory.usage_in_bytes"),
        pids: read("pids", "pids.current"),
    }
}
