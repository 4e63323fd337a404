//! The files that tell containers about names: `/etc/hosts`, `/etc/resolv.conf`, `/etc/hostname`.

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::spec::{Dns, Network, SandboxSpec};

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Where systemd-resolved keeps the servers behind its own, which listens on the host's loopback only.
const BEHIND_RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// Writes the files of a sandbox.
pub(crate) fn write_files(dir: &Path, spec: &SandboxSpec, address: Option<Ipv4Addr>) -> io::Result<()> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let host_network = matches!(spec.network, Network::Host);
    let resolv = resolv_conf(&spec.dns, host_network, &read(RESOLV_CONF), &read(BEHIND_RESOLVED));
    for (name, text) in [
        ("hosts", hosts(spec, address)),
        ("resolv.conf", resolv),
        ("hostname", format!("{}\n", spec.hostname)),
    ] {
        let path = dir.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn hosts(spec: &SandboxSpec, address: Option<Ipv4Addr>) -> String {
    let mut text = String::from(
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n\
         ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n",
    );
    for (name, address) in &spec.dns.extra_hosts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{address}\t{name}");
    }
    let own = address.map_or(IpAddr::from([127, 0, 1, 1]), IpAddr::from);
    let _ = writeln!(text, "{own}\t{}", spec.hostname);
    text
}

fn resolv_conf(dns: &Dns, host_network: bool, host: &str, behind: &str) -> String {
    let usable = |text: &str| {
        servers(text).into_iter().filter(|server| host_network || !server.is_loopback()).collect::<Vec<_>>()
    };
    let mut chosen = dns.servers.clone();
    for text in [host, behind] {
        if chosen.is_empty() {
            chosen = usable(text);
        }
    }
    let search = if dns.search.is_empty() { words_of(host, "search") } else { dns.search.clone() };
    let mut text = String::new();
    for server in chosen {
        let _ = writeln!(text, "nameserver {server}");
    }
    if !search.is_empty() {
        let _ = writeln!(text, "search {}", search.join(" "));
    }
    for option in host.lines().filter(|line| line.starts_with("options ")) {
        let _ = writeln!(text, "{option}");
    }
    text
}

fn servers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("nameserver"));
    lines.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
}

fn words_of(text: &str, key: &str) -> Vec<String> {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(key).filter(|rest| rest.starts_with([' ', '\t'])));
    line.map(|rest| rest.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "# comment\nnameserver 127.0.0.53\nsearch corp.example lan\noptions edns0 ndots:2\n";

    #[test]
    fn a_private_network_does_not_get_the_hosts_loopback_server() {
        let dns = Dns::default();
        let text = resolv_conf(&dns, false, HOST, "nameserver 10.0.0.2\n");
        assert_eq!(text, "nameserver 10.0.0.2\nsearch corp.example lan\noptions edns0 ndots:2\n");
        assert!(resolv_conf(&dns, true, HOST, "").starts_with("nameserver 127.0.0.53\n"));
    }

    #[test]
    fn what_was_asked_for_comes_first() {
        let dns = Dns {
            servers: vec![[192, 0, 2, 53].into()],
            search: vec!["svc".into()],
            extra_hosts: Vec::new(),
        };
        assert!(resolv_conf(&dns, false, HOST, "").starts_with("nameserver 192.0.2.53\nsearch svc\n"));
    }

    #[test]
    fn hosts_have_the_sandbox_and_extra_names() {
        let mut spec = SandboxSpec::new("task".parse().unwrap());
        spec.dns.extra_hosts.push(("db".into(), [10, 0, 0, 9].into()));
        let text = hosts(&spec, Some(Ipv4Addr::new(172, 31, 240, 2)));
        assert!(text.contains("10.0.0.9\tdb\n"));
        assert!(text.ends_with("172.31.240.2\ttask\n"));
    }
}
