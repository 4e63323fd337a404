//! Control groups: one for each sandbox, and below it one for each container. Version 1 hierarchies are used where the
//! host has controllers on them, else version 2.

mod device_filter;
mod v1;
mod v2;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Doing, RuntimeError};
use crate::plan::{CgroupPlan, CgroupView};
use crate::runtime::Usage;
use crate::spec::{ContainerLimits, TaskLimits};

/// Length of a period in which processor time is counted, in microseconds; Docker's.
const PERIOD: u64 = 100_000;
/// Docker's least memory limit; below it not even the set-up fits.
const LEAST_MEMORY: u64 = 6 << 20;

/// Limits of a group, of a sandbox or of a container.
#[derive(Debug, Default, Clone)]
pub(crate) struct Limits {
    pub(crate) memory: Option<u64>,
    pub(crate) memory_reservation: Option<u64>,
    pub(crate) cpu_shares: Option<u64>,
    pub(crate) cpu_quota: Option<f64>,
    pub(crate) pids: Option<u64>,
    /// Which devices may be used; none to leave that open.
    pub(crate) devices: Option<Devices>,
}

/// Which devices a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Devices {
    /// Those that every container has.
    Standard,
    /// All.
    All,
}

impl From<&TaskLimits> for Limits {
    fn from(limits: &TaskLimits) -> Self {
        Self {
            memory: limits.memory_bytes,
            cpu_shares: limits.cpu_shares,
            cpu_quota: limits.cpu_quota,
            ..Self::default()
        }
    }
}

impl Limits {
    pub(crate) fn of_container(limits: &ContainerLimits, privileged: bool) -> Self {
        Self {
            memory: limits.memory,
            memory_reservation: limits.memory_reservation,
            cpu_shares: limits.cpu_shares,
            cpu_quota: limits.cpu_quota,
            pids: limits.pids,
            devices: Some(if privileged { Devices::All } else { Devices::Standard }),
        }
    }

    /// The least that the kernel and Docker take.
    fn clamped(&self) -> Self {
        Self {
            memory: self.memory.map(|bytes| bytes.max(LEAST_MEMORY)),
            cpu_shares: self.cpu_shares.map(|shares| shares.clamp(2, 262_144)),
            ..self.clone()
        }
    }
}

/// Microseconds per period for a number of processors; at least the kernel's 1000.
fn quota(processors: f64) -> u64 {
    ((processors * PERIOD as f64).round() as u64).max(1000)
}

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) mount: PathBuf,
    /// Controllers (version 1), or the name of a hierarchy without one as `name=x`.
    pub(crate) controllers: Vec<String>,
}

/// The hierarchies of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    V1(Vec<Hierarchy>),
    V2(PathBuf),
    None,
}

impl Host {
    /// Looks at what is mounted.
    pub(crate) fn detect() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self::from_mounts(&mounts)
    }

    /// Reads mountinfo (proc_pid_mountinfo(5)). A hybrid host has controllers on version 1 and an empty version 2.
    fn from_mounts(text: &str) -> Self {
        let mut v1: Vec<Hierarchy> = Vec::new();
        let mut v2 = None;
        for line in text.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let (Some(mount), mut right) = (left.split(' ').nth(4), right.split(' ')) else { continue };
            match (right.next(), right.nth(1)) {
                (Some("cgroup2"), _) => v2 = v2.or(Some(PathBuf::from(mount))),
                (Some("cgroup"), Some(options)) => {
                    let is_controller = |option: &&str| {
                        !matches!(*option, "rw" | "ro" | "xattr" | "clone_children" | "noprefix")
                            && !option.starts_with("release_agent")
                    };
                    let controllers: Vec<String> =
                        options.split(',').filter(is_controller).map(str::to_owned).collect();
                    if !v1.iter().any(|known| known.controllers == controllers) {
                        v1.push(Hierarchy { mount: mount.into(), controllers });
                    }
                }
                _ => {}
            }
        }
        let has_memory = v1.iter().any(|hierarchy| hierarchy.controllers.iter().any(|name| name == "memory"));
        match v2 {
            Some(mount) if !has_memory => Self::V2(mount),
            _ if v1.is_empty() => Self::None,
            _ => Self::V1(v1),
        }
    }

    /// Names of the controllers that work here.
    pub(crate) fn controllers(&self) -> Vec<String> {
        match self {
            Self::V1(hierarchies) => {
                hierarchies.iter().flat_map(|hierarchy| hierarchy.controllers.clone()).collect()
            }
            Self::V2(mount) => {
                let text = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
                text.split_whitespace().map(str::to_owned).collect()
            }
            Self::None => Vec::new(),
        }
    }

    /// Whether containers can be kept from devices that are not theirs.
    pub(crate) fn has_device_rules(&self) -> bool {
        match self {
            Self::V1(hierarchies) => v1::find(hierarchies, "devices").is_some(),
            Self::V2(_) => device_filter::load().is_ok(),
            Self::None => false,
        }
    }

    fn roots(&self) -> Vec<&Path> {
        match self {
            Self::V1(hierarchies) => hierarchies.iter().map(|hierarchy| hierarchy.mount.as_path()).collect(),
            Self::V2(mount) => vec![mount],
            Self::None => Vec::new(),
        }
    }
}

/// A group's place in every hierarchy, such as `/landfall/<sandbox>/<container>`.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    host: &'a Host,
    path: PathBuf,
}

impl<'a> Group<'a> {
    pub(crate) fn new(host: &'a Host, path: PathBuf) -> Self {
        Self { host, path }
    }

    fn dirs(&self) -> Vec<PathBuf> {
        self.host.roots().into_iter().map(|root| root.join(&self.path)).collect()
    }

    /// Makes the group and sets its limits. A limit whose controller the host lacks is refused, not forgotten.
    pub(crate) fn create(&self, limits: &Limits) -> Result<(), RuntimeError> {
        let limits = limits.clamped();
        match self.host {
            Host::V1(hierarchies) => v1::create(hierarchies, &self.path, &limits),
            Host::V2(mount) => v2::create(mount, &self.path, &limits),
            Host::None if limits.memory.is_some() || limits.pids.is_some() || limits.cpu_quota.is_some() => {
                Err(RuntimeError::Invalid(
                    "limits need control groups, which are not mounted on this host".to_owned(),
                ))
            }
            Host::None => Ok(()),
        }
    }

    /// What a shim must know to put a container into this group.
    pub(crate) fn plan(&self, shims: &Self) -> CgroupPlan {
        let procs =
            |group: &Self| group.dirs().iter().map(|dir| dir.join("cgroup.procs")).collect::<Vec<_>>();
        let memory = match self.host {
            Host::V1(hierarchies) => v1::find(hierarchies, "memory")
                .map(|hierarchy| hierarchy.mount.join(&self.path).join("memory.oom_control")),
            Host::V2(mount) => Some(mount.join(&self.path).join("memory.events")),
            Host::None => None,
        };
        let view = match self.host {
            Host::V1(hierarchies) => CgroupView::V1(v1::view(hierarchies)),
            Host::V2(_) => CgroupView::V2,
            Host::None => CgroupView::None,
        };
        CgroupPlan { join: procs(self), shim_join: shims.shim_files(), oom_events: memory, view }
    }

    /// A shim leaves the server's group only where the service manager looks when it ends the server.
    pub(crate) fn shim_files(&self) -> Vec<PathBuf> {
        match self.host {
            Host::V1(hierarchies) => v1::find(hierarchies, "name=systemd")
                .map(|hierarchy| hierarchy.mount.join(&self.path).join("cgroup.procs"))
                .into_iter()
                .collect(),
            Host::V2(mount) => vec![mount.join(&self.path).join("cgroup.procs")],
            Host::None => Vec::new(),
        }
    }

    /// Processes in the group and below it.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut pids: Vec<i32> = self.dirs().iter().flat_map(|dir| processes_below(dir)).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Ends every process in the group and waits until they are gone.
    pub(crate) fn kill(&self) {
        if let Host::V2(mount) = self.host
            && fs::write(mount.join(&self.path).join("cgroup.kill"), "1").is_ok()
        {
            return self.wait_until_empty(&[]);
        }
        for _ in 0..200 {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            self.wait_until_empty(&processes);
        }
    }

    fn wait_until_empty(&self, processes: &[i32]) {
        for pid in processes {
            // One that has just ended needs no signal.
            let _ = crate::sys::kill(*pid, libc::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }

    /// What the processes of the group use. What the host does not count is zero.
    pub(crate) fn usage(&self) -> Usage {
        match self.host {
            Host::V1(hierarchies) => v1::usage(hierarchies, &self.path),
            Host::V2(mount) => v2::usage(&mount.join(&self.path)),
            Host::None => Usage::default(),
        }
    }

    /// Takes the group away, with what is below it. Nothing to do if it is not there.
    pub(crate) fn remove(&self) -> Result<(), RuntimeError> {
        self.dirs().iter().try_for_each(|dir| {
            remove_tree(dir).doing(|| format!("cannot remove the control group `{}`", dir.display()))
        })
    }

    #[cfg(test)]
    fn exists(&self) -> bool {
        self.dirs().iter().any(|dir| dir.exists())
    }
}

fn processes_below(dir: &Path) -> Vec<i32> {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    let mut pids: Vec<i32> =
        text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect();
    for below in directories(dir) {
        pids.extend(processes_below(&below));
    }
    pids
}

fn directories(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// A group stays busy for a moment after its last process has been collected.
fn remove_tree(dir: &Path) -> io::Result<()> {
    for below in directories(dir) {
        remove_tree(&below)?;
    }
    for _ in 0..500 {
        match fs::remove_dir(dir) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => return other,
        }
    }
    fs::remove_dir(dir)
}

/// Writes one setting.
fn set(dir: &Path, file: &str, value: impl ToString) -> Result<(), RuntimeError> {
    let (path, value) = (dir.join(file), value.to_string());
    fs::write(&path, &value).doing(|| format!("cannot set `{}` to `{value}`", path.display()))
}

/// Reads one number; zero where there is none.
fn number(file: &Path) -> u64 {
    fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Reads lines of a name and a number.
fn counters(file: &Path) -> Vec<(String, u64)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

/// One of some counters; zero where there is none.
fn counter(counters: &[(String, u64)], name: &str) -> u64 {
    counters.iter().find(|(other, _)| other == name).map_or(0, |(_, value)| *value)
}

/// `8:0`
fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Refuses a limit that the host cannot keep.
fn no_controller(limit: &str, controller: &str) -> RuntimeError {
    RuntimeError::Invalid(format!(
        "a limit on {limit} needs the `{controller}` controller, which this host does not have"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn a_hybrid_host_counts_as_version_1() {
        let Host::V1(hierarchies) = Host::from_mounts(HYBRID) else { panic!("not version 1") };
        let controllers: Vec<String> =
            hierarchies.iter().map(|hierarchy| hierarchy.controllers.join(",")).collect();
        assert_eq!(controllers, ["cpu,cpuacct", "memory", "name=systemd"]);
    }

    #[test]
    fn a_unified_host_counts_as_version_2() {
        let text = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(Host::from_mounts(text), Host::V2("/sys/fs/cgroup".into()));
        assert_eq!(Host::from_mounts("garbage\n"), Host::None);
    }

    #[test]
    fn limits_are_raised_to_what_the_kernel_takes() {
        let limits = Limits { memory: Some(1), cpu_shares: Some(0), ..Limits::default() }.clamped();
        assert_eq!((limits.memory, limits.cpu_shares), (Some(LEAST_MEMORY), Some(2)));
        assert_eq!((quota(0.25), quota(0.000_01), quota(3.0)), (25_000, 1000, 300_000));
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::V2(dir.path().into());
        let group = Group::new(&host, "a/b".into());
        assert!(!group.exists());
        group.remove().unwrap();
    }
}
