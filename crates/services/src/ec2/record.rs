//! Rows of EC2.

use std::sync::Arc;

use landfall_base::{AccountId, Region, Timestamp};
use landfall_iam::Policy;
use landfall_store::Table;
use serde::{Deserialize, Serialize};

/// Account, Region and id.
pub type Place = (AccountId, Region, String);

/// Tags in the order of their keys.
pub type Tags = Vec<(String, String)>;

/// VPCs.
pub const VPCS: Table<Place, Vpc> = Table::new("ec2.vpc");

/// Subnets.
pub const SUBNETS: Table<Place, Subnet> = Table::new("ec2.subnet");

/// Security groups.
pub const GROUPS: Table<Place, Group> = Table::new("ec2.security_group");

/// VPC endpoints.
pub const ENDPOINTS: Table<Place, Endpoint> = Table::new("ec2.vpc_endpoint");

/// Accounts and Regions whose default VPC has become rows: from the first change on.
pub const SETTLED: Table<(AccountId, Region), ()> = Table::new("ec2.settled");

/// A VPC. Its main route table is part of it: all its subnets use that one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vpc {
    /// IPv4 addresses, as `10.0.0.0/16`.
    pub cidr: String,
    /// Id of the association of that block.
    pub association: String,
    /// It is where things are made that name no subnet.
    #[serde(default)]
    pub is_default: bool,
    /// `enableDnsSupport`
    pub dns_support: bool,
    /// `enableDnsHostnames`
    pub dns_hostnames: bool,
    /// `default` or `dedicated`
    pub tenancy: String,
    /// Id of the main route table.
    pub route_table: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// Tags of the main route table.
    #[serde(default)]
    pub route_table_tags: Tags,
}

/// A subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subnet {
    /// Id of the VPC.
    pub vpc: String,
    /// IPv4 addresses.
    pub cidr: String,
    /// Availability Zone.
    pub zone: String,
    /// It is the one for its zone.
    #[serde(default)]
    pub is_default: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A security group. It has the rules that every group has at first: everything may go out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Id of the VPC.
    pub vpc: String,
    /// Name: one of a kind in the VPC.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointKind {
    /// By addresses in subnets.
    Interface,
    /// By a route.
    Gateway,
}

/// A VPC endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Id of the VPC.
    pub vpc: String,
    /// Interface or gateway.
    pub kind: EndpointKind,
    /// `com.amazonaws.us-east-1.ecr.dkr`
    pub service: String,
    /// The policy; the one that allows everything is kept like any other.
    pub policy: Arc<Policy>,
    /// Subnets that an interface has addresses in.
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Security groups of an interface.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Route tables that lead to a gateway.
    #[serde(default)]
    pub route_tables: Vec<String>,
    /// The service's own name leads to it.
    #[serde(default)]
    pub private_dns: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The token it was made with, if one was given.
    #[serde(default)]
    pub client_token: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}
