//! The way that a call of a task takes: through a VPC endpoint, or not.

use std::net::IpAddr;
use std::sync::Arc;

use landfall_base::{AccountId, Region};
use landfall_store::{StoreError, View};
use serde::{Deserialize, Serialize};

use super::endpoint_services::full_name;
use super::network::Network;
use super::record::{ENDPOINTS, Endpoint, EndpointKind};

/// The services that are called for tasks, by the names of their endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// ECR's API: tokens.
    EcrApi,
    /// ECR's registries: images.
    EcrRegistry,
    /// CloudWatch Logs.
    Logs,
    /// S3.
    S3,
    /// Secrets Manager.
    SecretsManager,
    /// Parameter Store.
    Ssm,
}

impl Service {
    /// What the endpoints' service name ends in: `ecr.dkr`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::EcrApi => "ecr.api",
            Self::EcrRegistry => "ecr.dkr",
            Self::Logs => "logs",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }
}

/// The way of a call that comes through a VPC endpoint. What the endpoint says is looked up when the call is authorized: one
/// that was deleted meanwhile is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    account: AccountId,
    region: Region,
    endpoint: String,
    /// The address in the VPC that the call comes from, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

impl Way {
    /// The endpoint's id.
    pub fn endpoint_id(&self) -> &str {
        &self.endpoint
    }

    /// The way of calls that come from an address of the VPC.
    #[must_use]
    pub fn with_address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// The endpoint, if it is still there.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn endpoint(&self, view: &View) -> Result<Option<Arc<Endpoint>>, StoreError> {
        view.get(&ENDPOINTS, &(&self.account, &self.region, self.endpoint.as_str()))
    }
}

/// The way from subnets of an account to a service in the same Region; `None` if their VPC has no endpoint for it. An
/// interface with private DNS goes before a gateway. A subnet that was not made here, as in task definitions that come
/// from elsewhere, counts as one of the default VPC.
///
/// # Errors
/// A row cannot be read.
pub fn way(
    view: &View,
    account: &AccountId,
    region: &Region,
    subnets: &[String],
    service: Service,
) -> Result<Option<Way>, StoreError> {
    let network = Network::load(view, account, region)?;
    let name = full_name(region, service.suffix());
    let Some(vpc) = vpc_of(&network, subnets) else { return Ok(None) };
    let table = network.vpcs.get(vpc).map(|vpc| vpc.route_table.as_str());
    let leads = |endpoint: &Endpoint, kind: EndpointKind| {
        let open = match kind {
            EndpointKind::Interface => endpoint.private_dns,
            EndpointKind::Gateway => endpoint.route_tables.iter().any(|it| Some(it.as_str()) == table),
        };
        endpoint.kind == kind && endpoint.vpc == vpc && endpoint.service == name && open
    };
    let found = [EndpointKind::Interface, EndpointKind::Gateway]
        .into_iter()
        .find_map(|kind| network.endpoints.iter().find(|(_, it)| leads(it, kind)));
    Ok(found.map(|(id, _)| Way {
        account: account.clone(),
        region: region.clone(),
        endpoint: id.clone(),
        address: None,
    }))
}

/// The VPC of a task: its subnets are all of one.
fn vpc_of<'a>(network: &'a Network, subnets: &[String]) -> Option<&'a str> {
    let known = subnets.iter().find_map(|id| network.subnets.get(id));
    known.map(|subnet| subnet.vpc.as_str()).or_else(|| network.default_vpc())
}
