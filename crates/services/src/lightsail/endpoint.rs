//! What the public edge needs to know: which nodes answer for a host name, and which are to be checked.

use std::net::{IpAddr, SocketAddr};

use landfall_store::{StoreError, View};

use super::nodes;
use super::record::{Change, HOSTS, NODES, SERVICES};
use super::rules::health::Check;

/// A node that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The node's id.
    pub node: String,
    /// Where its public container listens.
    pub address: SocketAddr,
}

/// What answers for a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Nothing is deployed, or without a public endpoint.
    Nothing,
    /// The service is switched off.
    Disabled,
    /// These nodes.
    Nodes(Vec<Target>),
}

/// A node whose health is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The node.
    pub target: Target,
    /// How.
    pub check: Check,
}

/// Whether a host name is a container service's. In lower case, without port.
pub fn is_known(view: &View, host: &str) -> bool {
    view.contains(&HOSTS, host)
}

/// What answers for a host name; `None` if it is no service's.
///
/// # Errors
/// A row cannot be read.
pub fn endpoint(view: &View, host: &str) -> Result<Option<Endpoint>, StoreError> {
    let Some(key) = view.get(&HOSTS, host)? else { return Ok(None) };
    let Some(service) = view.get(&SERVICES, &*key)? else { return Ok(None) };
    if service.disabled {
        return Ok(Some(Endpoint::Disabled));
    }
    let check = nodes::check(view, &key, service.current)?;
    let (Some(check), Some(version)) = (check, service.current) else { return Ok(Some(Endpoint::Nothing)) };
    let mut targets = Vec::new();
    for (id, node) in nodes::rows(view, &key)? {
        if node.version != version || node.draining_since.is_some() || node.stopping {
            continue;
        }
        let address = nodes::address(view, &node)?;
        targets.extend(address.map(|ip| target(id, ip, &check)));
    }
    Ok(Some(Endpoint::Nodes(targets)))
}

/// Every node that is to be checked.
///
/// # Errors
/// A row cannot be read.
pub fn probes(view: &View) -> Result<Vec<Probe>, StoreError> {
    let mut probes = Vec::new();
    for row in view.scan(&NODES, ()) {
        let ((account, region, name, id), node) = row?;
        let key = (account, region, name);
        let service = view.get(&SERVICES, &key)?;
        if node.stopping || service.is_none_or(|service| service.change == Change::Deleting) {
            continue;
        }
        if let Some((check, ip)) =
            nodes::check(view, &key, Some(node.version))?.zip(nodes::address(view, &node)?)
        {
            probes.push(Probe { target: target(id, ip, &check), check });
        }
    }
    Ok(probes)
}

fn target(node: String, ip: IpAddr, check: &Check) -> Target {
    Target { node, address: SocketAddr::new(ip, check.port) }
}
