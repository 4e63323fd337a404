//! Which ports of the host are published.

use std::net::{TcpListener, UdpSocket};

use crate::error::RuntimeError;
use crate::spec::{PortBinding, PortMapping, Protocol};

/// The range of ports chosen by the runtime: where ECS has it.
const DYNAMIC: std::ops::RangeInclusive<u16> = 32768..=60999;

/// The binding for a mapping: the port asked for, or the lowest free one.
pub(crate) fn choose(mapping: &PortMapping, taken: &[PortBinding]) -> Result<PortBinding, RuntimeError> {
    let binding = |host_port| PortBinding {
        host_ip: mapping.host_ip,
        host_port,
        container_port: mapping.container_port,
        protocol: mapping.protocol,
    };
    if mapping.container_port == 0 {
        return Err(RuntimeError::Invalid("port 0 cannot be published: expected 1 to 65535".to_owned()));
    }
    match mapping.host_port.filter(|port| *port != 0) {
        Some(port) => Some(binding(port))
            .filter(|binding| is_free(binding, taken))
            .ok_or(RuntimeError::PortTaken { host_ip: mapping.host_ip, host_port: port }),
        None => DYNAMIC
            .map(binding)
            .find(|binding| is_free(binding, taken))
            .ok_or_else(|| RuntimeError::Invalid("no port from 32768 to 60999 is free".to_owned())),
    }
}

fn is_free(binding: &PortBinding, taken: &[PortBinding]) -> bool {
    !taken.iter().any(|other| collides(binding, other)) && can_bind(binding)
}

fn collides(one: &PortBinding, other: &PortBinding) -> bool {
    let same_address =
        one.host_ip == other.host_ip || one.host_ip.is_unspecified() || other.host_ip.is_unspecified();
    same_address && one.host_port == other.host_port && one.protocol == other.protocol
}

/// Whether no process of the host has the port.
fn can_bind(binding: &PortBinding) -> bool {
    let address = (binding.host_ip, binding.host_port);
    match binding.protocol {
        Protocol::Tcp => TcpListener::bind(address).is_ok(),
        Protocol::Udp => UdpSocket::bind(address).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn mapping(host_ip: Ipv4Addr, host_port: Option<u16>) -> PortMapping {
        PortMapping { host_ip, host_port, container_port: 80, protocol: Protocol::Tcp }
    }

    #[test]
    fn a_port_of_another_sandbox_or_process_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let used = listener.local_addr().unwrap().port();
        let error = choose(&mapping(Ipv4Addr::UNSPECIFIED, Some(used)), &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("Bind for 0.0.0.0:{used} failed: port is already allocated"));
        let first = choose(&mapping(Ipv4Addr::LOCALHOST, Some(0)), &[]).unwrap();
        let second = choose(&mapping(Ipv4Addr::UNSPECIFIED, None), std::slice::from_ref(&first)).unwrap();
        assert_ne!(first.host_port, second.host_port);
        assert!(DYNAMIC.contains(&first.host_port));
        assert!(choose(&mapping(Ipv4Addr::UNSPECIFIED, Some(first.host_port)), &[first]).is_err());
    }
}
