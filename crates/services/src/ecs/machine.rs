//! The machine that the server runs on: one container instance of every cluster.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use landfall_acs::{Fix, advice};
use landfall_api::ecs as api;

use super::names::Home;
use super::rules::assignment::{port_mapping, system_control};
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

/// The port of this machine that a container wants and another process has.
pub fn taken_port(container: &api::ContainerDefinition) -> Option<u16> {
    let wanted = |it: &&api::PortMapping| it.host_port.is_some_and(|port| port > 0);
    let taken = container.port_mappings.iter().flatten().filter(wanted).find(|it| {
        let port = it.host_port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
        let bound = match it.protocol {
            Some(api::TransportProtocol::Udp) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).map(drop),
            _ => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).map(drop),
        };
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    });
    taken.and_then(|it| u16::try_from(it.host_port?).ok())
}

/// What is wrong with a port that is taken, and the mappings with a free one in its place.
pub fn another_port(container: &api::ContainerDefinition, taken: u16) -> (String, Fix) {
    let name = container.name.as_deref().unwrap_or_default();
    let mappings: Vec<_> = container.port_mappings.iter().flatten().filter_map(port_mapping).collect();
    (format!("port {taken} of this machine is taken"), advice::another_port(name, &mappings, taken))
}

/// A kernel parameter of a container that this kernel does not have. Those of namespaces that the machine itself is not in
/// are seen by their folder alone.
pub fn unknown_parameter(container: &api::ContainerDefinition) -> Option<&str> {
    let names = container.system_controls.iter().flatten().filter_map(|it| it.namespace.as_deref());
    // Of what is no name of one, nothing but `/proc/sys` is looked at.
    let path = |name: &str| {
        let parts = name.split(['.', '/']).filter(|part| !part.is_empty());
        parts.fold(PathBuf::from("/proc/sys"), |path, part| path.join(part))
    };
    names.into_iter().find(|name| {
        let path = path(name);
        !path.exists()
            && !path.starts_with("/proc/sys/net/ipv4/conf")
            && !path.starts_with("/proc/sys/net/ipv6/conf")
    })
}

/// What is wrong with a kernel parameter that there is not, and the parameters without it.
pub fn without_parameter(container: &api::ContainerDefinition, unknown: &str) -> (String, Fix) {
    let name = container.name.as_deref().unwrap_or_default();
    let controls: Vec<_> = container.system_controls.iter().flatten().filter_map(system_control).collect();
    let kept = controls.iter().filter(|(name, _)| name != unknown);
    let why = format!("cannot set the kernel parameter `{unknown}`: no such file or directory");
    (format!("`{name}` cannot be set up: {why}"), advice::without_parameter(kept))
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
    fn parameters_are_looked_for_where_they_are() {
        let unknown = |name: &str| {
            let control =
                api::SystemControl { namespace: Some(name.to_owned()), value: Some("1".to_owned()) };
            let container =
                api::ContainerDefinition { system_controls: Some(vec![control]), ..Default::default() };
            unknown_parameter(&container).is_some()
        };
        assert!(!unknown("kernel.hostname") && !unknown("net.ipv4.conf.none0.forwarding"));
        // Nobody learns by a name what files the machine has.
        assert!(unknown("kernel.nope") && unknown("/etc/passwd") && unknown("../../etc/passwd"));
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
