//! Control groups, version 1: one tree per hierarchy.

use std::fs;
use std::path::Path;

use super::{
    Devices, Hierarchy, Limits, PERIOD, counter, counters, device, no_controller, number, quota, set,
};
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

/// Nanoseconds of the clock that `cpuacct.stat` counts in (`USER_HZ`).
const TICK_NANOS: u64 = 10_000_000;

pub(super) fn usage(hierarchies: &[Hierarchy], path: &Path) -> Usage {
    let file = |controller, file| {
        find(hierarchies, controller).map(|hierarchy| hierarchy.mount.join(path).join(file))
    };
    let read = |controller, name| file(controller, name).map_or(0, |file| number(&file));
    let all = |controller, name| file(controller, name).map(|file| counters(&file)).unwrap_or_default();
    let (halves, throttling) = (all("cpuacct", "cpuacct.stat"), all("cpu", "cpu.stat"));
    let io = file("blkio", "blkio.throttle.io_service_bytes").map(fs::read_to_string);
    Usage {
        cpu_nanos: read("cpuacct", "cpuacct.usage"),
        cpu_kernel_nanos: counter(&halves, "system").saturating_mul(TICK_NANOS),
        cpu_user_nanos: counter(&halves, "user").saturating_mul(TICK_NANOS),
        cpu_throttling: (
            counter(&throttling, "nr_periods"),
            counter(&throttling, "nr_throttled"),
            counter(&throttling, "throttled_time"),
        ),
        memory_bytes: read("memory", "memory.usage_in_bytes"),
        memory_peak_bytes: read("memory", "memory.max_usage_in_bytes"),
        memory_counters: all("memory", "memory.stat"),
        pids: read("pids", "pids.current"),
        block_devices: block_devices(&io.and_then(Result::ok).unwrap_or_default()),
    }
}

/// Lines such as `8:0 Read 4096`.
fn block_devices(text: &str) -> Vec<((u32, u32), u64, u64)> {
    let mut found: Vec<((u32, u32), u64, u64)> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, kind, bytes] = words.as_slice() else { continue };
        let (Some(at), Ok(bytes)) = (device(at), bytes.parse::<u64>()) else { continue };
        let slot = match found.iter().position(|(other, ..)| *other == at) {
            Some(slot) => slot,
            None => {
                found.push((at, 0, 0));
                found.len() - 1
            }
        };
        if let Some(entry) = found.get_mut(slot) {
            match *kind {
                "Read" => entry.1 = bytes,
                "Write" => entry.2 = bytes,
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_devices() {
        let text = "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 1\n7:1 Write 3\nTotal 4611\n";
        assert_eq!(block_devices(text), [((8, 0), 4096, 512), ((7, 1), 0, 3)]);
    }
}
