//! What an endpoint must be, whether it is made or changed.

use std::collections::HashSet;

use landfall_base::Region;
use landfall_shape::ServiceError;

use super::endpoint_services::EndpointService;
use super::errors::invalid;
use super::network::Network;
use super::record::{Endpoint, EndpointKind};

/// Checks an endpoint; `id` is its own if it is there already.
///
/// # Errors
/// AWS's, for what does not go.
pub(super) fn check(
    region: &Region,
    network: &Network,
    id: Option<&str>,
    endpoint: &Endpoint,
) -> Result<(), ServiceError> {
    match endpoint.kind {
        EndpointKind::Gateway => gateway(network, id, endpoint),
        EndpointKind::Interface => interface(region, network, id, endpoint),
    }
}

fn gateway(network: &Network, id: Option<&str>, endpoint: &Endpoint) -> Result<(), ServiceError> {
    if !endpoint.subnets.is_empty() {
        return Err(invalid("Subnet IDs are only supported for Interface type VPC Endpoints."));
    }
    if !endpoint.groups.is_empty() {
        return Err(invalid("Security group IDs are only supported for Interface type VPC Endpoints."));
    }
    if endpoint.private_dns {
        return Err(invalid("Private DNS can't be enabled for Gateway type VPC Endpoints."));
    }
    for table in &endpoint.route_tables {
        let (vpc, _) = network.of_route_table(table)?;
        if vpc != endpoint.vpc {
            return Err(invalid(format!("Route table {table} does not belong to VPC {}", endpoint.vpc)));
        }
        if let Some(other) =
            others(network, id).find(|it| it.service == endpoint.service && it.route_tables.contains(table))
        {
            let message = format!("route table {table} already has a route for {}", other.service);
            return Err(ServiceError::client("RouteAlreadyExists", message));
        }
    }
    Ok(())
}

fn interface(
    region: &Region,
    network: &Network,
    id: Option<&str>,
    endpoint: &Endpoint,
) -> Result<(), ServiceError> {
    if !endpoint.route_tables.is_empty() {
        return Err(invalid("Route table IDs are only supported for Gateway type VPC Endpoint."));
    }
    let mut zones = HashSet::new();
    for id in &endpoint.subnets {
        let subnet = network.subnet(id)?;
        if subnet.vpc != endpoint.vpc {
            return Err(invalid(format!("Subnet {id} does not belong to VPC {}", endpoint.vpc)));
        }
        if !zones.insert(&subnet.zone) {
            let message = format!(
                "Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint subnets should be in \
                 different availability zones supported by the VPC endpoint service."
            );
            return Err(ServiceError::client("DuplicateSubnetsInSameZone", message));
        }
    }
    for id in &endpoint.groups {
        if network.group(id)?.vpc != endpoint.vpc {
            return Err(invalid(format!("Security group {id} does not belong to VPC {}", endpoint.vpc)));
        }
    }
    if endpoint.private_dns { private_dns(region, network, id, endpoint) } else { Ok(()) }
}

fn private_dns(
    region: &Region,
    network: &Network,
    id: Option<&str>,
    endpoint: &Endpoint,
) -> Result<(), ServiceError> {
    let vpc = network.vpc(&endpoint.vpc)?;
    if !(vpc.dns_support && vpc.dns_hostnames) {
        return Err(invalid(format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {}",
            endpoint.vpc
        )));
    }
    let same = |it: &&Endpoint| it.vpc == endpoint.vpc && it.service == endpoint.service && it.private_dns;
    if others(network, id).any(|it| same(&it)) {
        let name = EndpointService::find(region, &endpoint.service)
            .map_or_else(|| endpoint.service.clone(), |service| service.private_name(region));
        return Err(invalid(format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {} in the VPC {}",
            name.trim_start_matches("*."),
            endpoint.vpc
        )));
    }
    Ok(())
}

fn others<'a>(network: &'a Network, id: Option<&'a str>) -> impl Iterator<Item = &'a Endpoint> {
    let others = network.endpoints.iter().filter(move |(other, _)| Some(other.as_str()) != id);
    others.map(|(_, endpoint)| endpoint.as_ref())
}
