//! EC2, as far as tasks need it to tell where their calls come from: VPCs, subnets, security groups and VPC endpoints.
//!
//! Nothing is carried over these networks: containers have the networks that the runtime makes. What counts is which VPC
//! endpoint a task's subnet has for a service. A call of the platform for the task then comes through that endpoint
//! ([`way`]): the endpoint's policy has a say, and the request has `aws:SourceVpc` and `aws:SourceVpce`. Every account has a
//! default VPC in every Region; see [`network`]. Security groups and routes keep nothing from an endpoint.

mod cidr;
mod endpoint_services;
mod endpoints;
mod errors;
mod filters;
mod names;
mod network;
mod ops;
mod paging;
mod permissions;
mod policy;
pub mod record;
mod tagging;
#[cfg(test)]
mod tests;
mod view;
mod way;
mod zones;

use landfall_api::ec2 as api;

pub(crate) use permissions::permission_on;
pub use way::{Service, Way, way};

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CreateSecurityGroup>(),
    write::<api::CreateSubnet>(),
    write::<api::CreateTags>(),
    write::<api::CreateVpc>(),
    write::<api::CreateVpcEndpoint>(),
    write::<api::DeleteSecurityGroup>(),
    write::<api::DeleteSubnet>(),
    write::<api::DeleteTags>(),
    write::<api::DeleteVpc>(),
    write::<api::DeleteVpcEndpoints>(),
    read::<api::DescribeAvailabilityZones>(),
    read::<api::DescribeRouteTables>(),
    read::<api::DescribeSecurityGroups>(),
    read::<api::DescribeSubnets>(),
    read::<api::DescribeTags>(),
    read::<api::DescribeVpcAttribute>(),
    read::<api::DescribeVpcEndpointServices>(),
    read::<api::DescribeVpcEndpoints>(),
    read::<api::DescribeVpcs>(),
    write::<api::ModifyVpcAttribute>(),
    write::<api::ModifyVpcEndpoint>(),
];
