//! `CreateVpcEndpoint`: a way from a VPC to a service, with a policy on it.

use std::sync::Arc;

use landfall_api::ec2 as api;
use landfall_iam::Policy;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::describe_vpc_endpoint_services::no_service;
use super::shown;
use crate::ec2::endpoint_services::EndpointService;
use crate::ec2::endpoints;
use crate::ec2::errors::{Kind, missing, unless_dry, unsupported};
use crate::ec2::names::fresh;
use crate::ec2::network::Network;
use crate::ec2::permissions::{on, on_new, tag_new};
use crate::ec2::policy;
use crate::ec2::record::{ENDPOINTS, Endpoint, EndpointKind, Tags};
use crate::ec2::tagging;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "ec2:CreateVpcEndpoint";

/// What is to be made.
#[derive(Debug)]
pub struct Request {
    kind: EndpointKind,
    service: String,
    policy: Option<Arc<Policy>>,
    tags: Tags,
    input: api::CreateVpcEndpointRequest,
}

impl Resolve for api::CreateVpcEndpoint {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let kind = kind(&input)?;
        let service = input
            .service_name
            .take()
            .ok_or_else(|| missing("The request must contain the parameter ServiceName"))?;
        let tags = tagging::of_specifications(input.tag_specifications.take(), Kind::Endpoint)?;
        let policy = match input.policy_document.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => Some(policy::parse(view, text)?),
            None => None,
        };
        let network = Network::load(view, cx.account(), cx.region())?;
        let permissions = permissions(cx, &network, &input, &service, &tags);
        Ok(Checked::all(Request { kind, service, policy, tags, input }, permissions))
    }
}

fn kind(input: &api::CreateVpcEndpointRequest) -> Result<EndpointKind, ServiceError> {
    match input.vpc_endpoint_type.as_ref() {
        None | Some(api::VpcEndpointType::Gateway) => Ok(EndpointKind::Gateway),
        Some(api::VpcEndpointType::Interface) => Ok(EndpointKind::Interface),
        Some(other) => Err(unsupported(&format!("VPC endpoints of the type {other}"))),
    }
}

fn permissions(
    cx: &Context<'_>,
    network: &Network,
    input: &api::CreateVpcEndpointRequest,
    service: &str,
    tags: &[(String, String)],
) -> Vec<Permission> {
    let new = on_new(cx, ACTION, Kind::Endpoint, tags)
        .with("ec2:VpceServiceName", service)
        .with("ec2:VpceServiceOwner", "amazon");
    let mut all = vec![on(cx, network, ACTION, Kind::Vpc, &input.vpc_id), new];
    for (kind, ids) in [
        (Kind::Subnet, &input.subnet_ids),
        (Kind::Group, &input.security_group_ids),
        (Kind::RouteTable, &input.route_table_ids),
    ] {
        all.extend(ids.iter().flatten().map(|id| on(cx, network, ACTION, kind, id)));
    }
    all.extend(tag_new(cx, ACTION, Kind::Endpoint, tags));
    all
}

impl WriteHandler for api::CreateVpcEndpoint {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { kind, service, policy, tags, input } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        if let Some((id, same)) = made_before(&network, input.client_token.as_deref()) {
            let vpc_endpoint = Some(shown(cx).endpoint(id, same, &network));
            return Ok(api::CreateVpcEndpointResult { vpc_endpoint, client_token: input.client_token });
        }
        network.vpc(&input.vpc_id)?;
        let known = EndpointService::find(cx.region(), &service).filter(|it| it.kinds().contains(&kind));
        let known = known.ok_or_else(|| no_service(&service))?;
        let interface = kind == EndpointKind::Interface;
        let mut endpoint = Endpoint {
            policy: policy.map_or_else(|| policy::open(kind), Ok)?,
            subnets: input.subnet_ids.unwrap_or_default(),
            groups: input.security_group_ids.unwrap_or_default(),
            route_tables: input.route_table_ids.unwrap_or_default(),
            // An interface to S3 has it only when asked for.
            private_dns: input.private_dns_enabled.unwrap_or(interface && !known.gateway),
            vpc: input.vpc_id,
            kind,
            service,
            created_at: cx.now,
            client_token: input.client_token.clone(),
            tags,
        };
        if interface && endpoint.groups.is_empty() {
            endpoint.groups.extend(network.default_group(&endpoint.vpc).map(str::to_owned));
        }
        endpoints::check(cx.region(), &network, None, &endpoint)?;
        unless_dry(input.dry_run)?;
        let id = fresh("vpce");
        let vpc_endpoint = Some(shown(cx).endpoint(&id, &endpoint, &network));
        tx.put(&ENDPOINTS, &(cx.account(), cx.region(), id), endpoint);
        Ok(api::CreateVpcEndpointResult { vpc_endpoint, client_token: input.client_token })
    }
}

/// A token makes one endpoint, however often the request comes.
fn made_before<'a>(network: &'a Network, token: Option<&str>) -> Option<(&'a str, &'a Endpoint)> {
    let token = token.filter(|token| !token.is_empty())?;
    let found = network.endpoints.iter().find(|(_, it)| it.client_token.as_deref() == Some(token));
    found.map(|(id, endpoint)| (id.as_str(), endpoint.as_ref()))
}
