//! What the kernel says of processes and of the machine while something is measured.

use std::fs;

/// A process and all its descendants.
pub(in crate::bench) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(children(pid));
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// CPU time in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bench) struct CpuTime {
    /// In the program.
    pub(in crate::bench) user: f64,
    /// In the kernel on its behalf.
    pub(in crate::bench) system: f64,
}

impl CpuTime {
    /// Of a process with its descendants that live, and those that it has waited for.
    pub(in crate::bench) fn of_tree(root: u32) -> Self {
        tree(root).into_iter().filter_map(Self::of).fold(Self::default(), Self::plus)
    }

    /// Of this process alone.
    pub(in crate::bench) fn own() -> Self {
        Self::of(std::process::id()).unwrap_or_default()
    }

    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// proc_pid_stat(5): fields 14 to 17, counted from 1, in clock ticks; the name in field 2 may hold blanks.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let seconds = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? / hertz());
        Some(Self { user: seconds(11)? + seconds(13)?, system: seconds(12)? + seconds(14)? })
    }

    fn plus(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }

    /// What was used since `earlier`.
    pub(in crate::bench) fn since(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }

    /// Both kinds together.
    pub(in crate::bench) fn total(self) -> f64 {
        self.user + self.system
    }
}

fn hertz() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// Resident memory of a process with its descendants, in MiB.
pub(in crate::bench) fn resident_mib(root: u32) -> f64 {
    let kib = |pid: u32| -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    tree(root).into_iter().filter_map(kib).sum::<f64>() / 1024.0
}

/// Counters of the whole machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bench) struct Counters {
    /// Seconds that all cores together were busy.
    pub(in crate::bench) busy: f64,
    /// Seconds that all cores together had nothing to do, or waited for a disk.
    pub(in crate::bench) idle: f64,
    /// Requests to the disks to put what was written onto the medium.
    pub(in crate::bench) flushes: f64,
}

impl Counters {
    /// As they are now.
    pub(in crate::bench) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let disks = fs::read_to_string("/proc/diskstats").unwrap_or_default();
        let (busy, idle) = cores(&stat).unwrap_or_default();
        Self { busy, idle, flushes: flushes(&disks) }
    }

    /// What happened since `earlier`.
    pub(in crate::bench) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy - earlier.busy,
            idle: self.idle - earlier.idle,
            flushes: self.flushes - earlier.flushes,
        }
    }

    /// The share of the cores that was busy, in percent.
    pub(in crate::bench) fn busy_percent(self) -> f64 {
        100.0 * self.busy / (self.busy + self.idle).max(f64::EPSILON)
    }
}

/// proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn cores(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(((ticks.iter().sum::<f64>() - idle) / hertz(), idle / hertz()))
}

/// The kernel's Documentation/admin-guide/iostats.rst: field 16 after the name counts flush requests, for whole disks.
fn flushes(diskstats: &str) -> f64 {
    let count = |line: &str| line.split_whitespace().nth(18).and_then(|field| field.parse::<f64>().ok());
    diskstats.lines().filter_map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_a_name_with_blanks() {
        let stat = "42 (a b) c) S 1 1 1 0 -1 4194560 1 2 3 4 100 200 300 400 20 0 1 0 5 6 7";
        let expected =
            CpuTime { user: 100.0 / hertz() + 300.0 / hertz(), system: 200.0 / hertz() + 400.0 / hertz() };
        assert_eq!(CpuTime::parse(stat), Some(expected));
        assert_eq!(CpuTime::parse("42 (x) S 1"), None);
    }

    #[test]
    fn busy_and_idle_are_told_apart() {
        let stat = "cpu  10 20 30 400 100 1 2 3 999 999\ncpu0 1 2 3\n";
        assert_eq!(cores(stat), Some((66.0 / hertz(), 500.0 / hertz())));
        assert_eq!(cores("intr 5"), None);
    }

    #[test]
    fn flushes_of_all_disks_are_summed() {
        let text = " 254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 41 17\n 7 0 loop0 1 2 3 4 5 6 7 8 9 10 11 0 0 0 0 1 0\n";
        assert_eq!(flushes(text), 42.0);
    }

    #[test]
    fn memory_of_a_process_is_positive() {
        assert!(resident_mib(std::process::id()) > 0.0);
    }
}
