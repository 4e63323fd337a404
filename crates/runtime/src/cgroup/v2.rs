//! Control groups, version 2: one tree.

use std::fs;
use std::path::Path;

use super::device_filter;
use super::{Devices, Limits, PERIOD, counter, counters, device, no_controller, number, quota, set};
use crate::error::{Doing, RuntimeError};
use crate::runtime::Usage;

pub(super) fn create(mount: &Path, path: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    let mut dir = mount.to_owned();
    for name in path {
        delegate(&dir);
        dir.push(name);
        if !dir.exists() {
            fs::create_dir(&dir).doing(|| format!("cannot make the control group `{}`", dir.display()))?;
        }
    }
    apply(&dir, limits)?;
    if limits.devices == Some(Devices::Standard) {
        restrict_devices(&dir).doing(|| format!("cannot restrict the devices of `{}`", dir.display()))?;
    }
    Ok(())
}

/// Where the kernel takes no such program, containers have not got the capability to make devices, see
/// [`super::Host::has_device_rules`].
fn restrict_devices(dir: &Path) -> std::io::Result<()> {
    let Ok(program) = device_filter::load() else { return Ok(()) };
    device_filter::attach(program, fs::File::open(dir)?)
}

/// Lets children have the controllers of `dir`. One that is missing shows when a limit needs it.
fn delegate(dir: &Path) {
    for controller in ["+cpu", "+memory", "+pids", "+io", "+cpuset"] {
        let _ = fs::write(dir.join("cgroup.subtree_control"), controller);
    }
}

fn apply(dir: &Path, limits: &Limits) -> Result<(), RuntimeError> {
    for (file, value, limit, controller) in settings(limits) {
        if !dir.join(file).exists() {
            return Err(no_controller(limit, controller));
        }
        set(dir, file, value)?;
    }
    if limits.memory.is_some() && dir.join("memory.swap.max").exists() {
        set(dir, "memory.swap.max", 0)?;
    }
    Ok(())
}

/// File, value, and for an error the limit's and the controller's name.
fn settings(limits: &Limits) -> Vec<(&'static str, String, &'static str, &'static str)> {
    let setting =
        |file, value: Option<String>, limit, controller| value.map(|value| (file, value, limit, controller));
    let text = |value: u64| value.to_string();
    [
        setting("memory.max", limits.memory.map(text), "memory", "memory"),
        setting("memory.low", limits.memory_reservation.map(text), "memory", "memory"),
        setting("cpu.weight", limits.cpu_shares.map(|shares| text(weight(shares))), "processor time", "cpu"),
        setting(
            "cpu.max",
            limits.cpu_quota.map(|cpus| format!("{} {PERIOD}", quota(cpus))),
            "processor time",
            "cpu",
        ),
        setting("pids.max", limits.pids.map(text), "processes", "pids"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Shares (2 to 262144) as a weight (1 to 10000), by the formula of the OCI runtimes.
fn weight(shares: u64) -> u64 {
    1 + (shares.saturating_sub(2) * 9999) / 262_142
}

pub(super) fn usage(dir: &Path) -> Usage {
    let cpu = counters(&dir.join("cpu.stat"));
    let nanos = |name| counter(&cpu, name).saturating_mul(1000);
    Usage {
        cpu_nanos: nanos("usage_usec"),
        cpu_kernel_nanos: nanos("system_usec"),
        cpu_user_nanos: nanos("user_usec"),
        cpu_throttling: (counter(&cpu, "nr_periods"), counter(&cpu, "nr_throttled"), nanos("throttled_usec")),
        memory_bytes: number(&dir.join("memory.current")),
        memory_peak_bytes: number(&dir.join("memory.peak")),
        memory_counters: counters(&dir.join("memory.stat")),
        pids: number(&dir.join("pids.current")),
        block_devices: block_devices(&fs::read_to_string(dir.join("io.stat")).unwrap_or_default()),
    }
}

/// Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 …`.
fn block_devices(text: &str) -> Vec<((u32, u32), u64, u64)> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let device = device(words.next()?)?;
        let value = |name: &str| {
            let found = words.clone().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        Some((device, value("rbytes"), value("wbytes")))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_devices() {
        let text = "8:0 rbytes=4096 wbytes=512 rios=1 wios=1\n7:1 \n";
        assert_eq!(block_devices(text), [((8, 0), 4096, 512), ((7, 1), 0, 0)]);
    }

    #[test]
    fn shares_become_weights() {
        assert_eq!((weight(2), weight(1024), weight(262_144)), (1, 39, 10_000));
    }

    #[test]
    fn limits_become_settings() {
        let limits =
            Limits { memory: Some(64 << 20), cpu_quota: Some(0.5), pids: Some(10), ..Limits::default() };
        let written: Vec<(&str, String)> =
            settings(&limits).into_iter().map(|(file, value, ..)| (file, value)).collect();
        let expected = [("memory.max", "67108864"), ("cpu.max", "50000 100000"), ("pids.max", "10")];
        assert_eq!(written, expected.map(|(file, value)| (file, value.to_owned())));
    }
}
