//! `ModifyVpcEndpoint`: another policy, other subnets, groups or route tables, private DNS on or off.

use std::sync::Arc;

use landfall_api::ec2 as api;
use landfall_iam::Policy;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, combination, unless_dry};
use crate::ec2::network::Network;
use crate::ec2::permissions::on;
use crate::ec2::record::{ENDPOINTS, Endpoint};
use crate::ec2::{endpoints, policy};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "ec2:ModifyVpcEndpoint";

/// What is to change.
#[derive(Debug)]
pub struct Request {
    input: api::ModifyVpcEndpointRequest,
    policy: Option<Arc<Policy>>,
}

impl Resolve for api::ModifyVpcEndpoint {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.reset_policy == Some(true) && input.policy_document.is_some() {
            return Err(
                combination("Policy document cannot be specified when ResetPolicy is set to true.").into()
            );
        }
        let policy = match &input.policy_document {
            Some(text) => Some(policy::parse(view, text)?),
            None => None,
        };
        let network = Network::load(view, cx.account(), cx.region())?;
        let permissions = permissions(cx, &network, &input);
        Ok(Checked::all(Request { input, policy }, permissions))
    }
}

fn permissions(
    cx: &Context<'_>,
    network: &Network,
    input: &api::ModifyVpcEndpointRequest,
) -> Vec<Permission> {
    let endpoint = network.endpoints.get(&input.vpc_endpoint_id);
    let own = on(cx, network, ACTION, Kind::Endpoint, &input.vpc_endpoint_id)
        .with_some("ec2:VpceServiceName", endpoint.map(|it| it.service.clone()));
    let mut all = vec![own];
    for (kind, ids) in [
        (Kind::Subnet, &input.add_subnet_ids),
        (Kind::Subnet, &input.remove_subnet_ids),
        (Kind::Group, &input.add_security_group_ids),
        (Kind::Group, &input.remove_security_group_ids),
        (Kind::RouteTable, &input.add_route_table_ids),
        (Kind::RouteTable, &input.remove_route_table_ids),
    ] {
        all.extend(ids.iter().flatten().map(|id| on(cx, network, ACTION, kind, id)));
    }
    all
}

impl WriteHandler for api::ModifyVpcEndpoint {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, policy } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        let id = input.vpc_endpoint_id.as_str();
        let mut endpoint = network.endpoint(id)?.as_ref().clone();
        if input.reset_policy == Some(true) {
            endpoint.policy = policy::open(endpoint.kind)?;
        }
        endpoint.policy = policy.unwrap_or(endpoint.policy);
        endpoint.private_dns = input.private_dns_enabled.unwrap_or(endpoint.private_dns);
        change(&mut endpoint.subnets, input.add_subnet_ids, input.remove_subnet_ids);
        change(&mut endpoint.groups, input.add_security_group_ids, input.remove_security_group_ids);
        change(&mut endpoint.route_tables, input.add_route_table_ids, input.remove_route_table_ids);
        endpoints::check(cx.region(), &network, Some(id), &endpoint)?;
        unless_dry(input.dry_run)?;
        tx.put::<_, Endpoint>(&ENDPOINTS, &(cx.account(), cx.region(), id), endpoint);
        Ok(api::ModifyVpcEndpointResult { r#return: Some(true) })
    }
}

/// Takes some out and puts others in.
fn change(ids: &mut Vec<String>, add: Option<Vec<String>>, remove: Option<Vec<String>>) {
    let remove = remove.unwrap_or_default();
    ids.retain(|id| !remove.contains(id));
    for id in add.into_iter().flatten() {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}
