//! The machine that the server runs on: one container instance of every cluster.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

use super::names::Home;
use super::rules::placement::Machine;

/// MiB that the server and the system keep when memory cannot be read.
const FALLBACK_MEMORY: u32 = 1024;

/// What this machine has, read once.
pub fn this_machine() -> Machine {
    static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpu = u32::try_from(cores).unwrap_or(u32::MAX).saturating_mul(1024);
        let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
        Machine { cpu, memory: memory.unwrap_or(FALLBACK_MEMORY) }
    });
    *MACHINE
}

/// `MemTotal` of proc_meminfo(5) in MiB.
fn total_memory(meminfo: &str) -> Option<u32> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    u32::try_from(kibibytes / 1024).ok()
}

/// The id of this machine in a cluster: always the same, and different in each.
pub fn instance_id(home: Home<'_>, cluster: &str) -> String {
    let name = home.cluster(cluster);
    hex::encode(digest(&SHA256, name.as_str().as_bytes()).as_ref()).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_mebibytes() {
        assert_eq!(total_memory("MemTotal:        8048544 kB\nMemFree: 1 kB\n"), Some(7859));
        assert_eq!(total_memory("nothing"), None);
    }

    #[test]
    fn ids_are_stable_and_differ_between_clusters() {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let home = Home { account: &account, region: &region };
        assert_eq!(instance_id(home, "a"), instance_id(home, "a"));
        assert_ne!(instance_id(home, "a"), instance_id(home, "b"));
        assert_eq!(instance_id(home, "a").len(), 32);
    }
}
