//! Port mappings.

use std::collections::BTreeSet;

use landfall_api::ecs::{ContainerDefinition, NetworkMode, PortMapping, TransportProtocol};

use super::{Verdict, ensure, name_of, refuse};
use crate::ecs::names::is_resource_name;

pub(super) fn check(mode: Option<&NetworkMode>, container: &ContainerDefinition) -> Verdict {
    let mappings = container.port_mappings.as_deref().unwrap_or_default();
    if mode == Some(&NetworkMode::None) && !mappings.is_empty() {
        return Err(refuse("Port mappings are not supported when networkMode=none."));
    }
    mappings.iter().try_for_each(|mapping| check_mapping(mode, name_of(container), mapping))
}

fn check_mapping(mode: Option<&NetworkMode>, container: &str, mapping: &PortMapping) -> Verdict {
    if let Some(TransportProtocol::Unknown(_)) = mapping.protocol {
        return Err(refuse(format!("Invalid 'protocol' setting for container '{container}'.")));
    }
    if let Some(name) = &mapping.name {
        ensure(is_resource_name(name), || {
            format!("Invalid 'name' setting in port mapping of container '{container}'.")
        })?;
    }
    if let Some(range) = &mapping.container_port_range {
        return check_range(container, mapping, range);
    }
    let port = mapping.container_port.unwrap_or(0);
    ensure((1..=65535).contains(&port), || {
        format!("Invalid 'containerPort' setting for container '{container}'.")
    })?;
    let host = mapping.host_port.unwrap_or(0);
    ensure((0..=65535).contains(&host), || {
        format!("Invalid 'hostPort' setting for container '{container}'.")
    })?;
    let Some(own @ (NetworkMode::Awsvpc | NetworkMode::Host)) = mode else { return Ok(()) };
    ensure(host == 0 || host == port, || {
        format!("When networkMode={own}, the host ports and container ports in port mappings must match.")
    })
}

fn check_range(container: &str, mapping: &PortMapping, range: &str) -> Verdict {
    let parts = range.split_once('-');
    let ports = parts.and_then(|(from, to)| Some((from.parse::<u16>().ok()?, to.parse::<u16>().ok()?)));
    let valid = ports.is_some_and(|(from, to)| 0 < from && from < to);
    ensure(valid, || format!("Invalid 'containerPortRange' setting for container '{container}'."))?;
    ensure(mapping.container_port.is_none() && mapping.host_port.is_none(), || {
        format!(
            "Only one of 'containerPort' or 'containerPortRange' can be specified for container '{container}'."
        )
    })
}

/// A port of the host can be published once.
pub(super) fn check_host_ports(containers: &[ContainerDefinition]) -> Verdict {
    let mut seen = BTreeSet::new();
    for mapping in containers.iter().flat_map(|it| it.port_mappings.iter().flatten()) {
        let Some(port) = mapping.host_port.filter(|port| *port != 0) else { continue };
        let protocol =
            mapping.protocol.as_ref().map_or("tcp", TransportProtocol::as_str).to_ascii_uppercase();
        ensure(seen.insert((protocol.clone(), port)), || {
            format!("{protocol} host port '{port}' is mapped multiple times in task.")
        })?;
    }
    Ok(())
}
