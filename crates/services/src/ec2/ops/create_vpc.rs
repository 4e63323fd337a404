//! `CreateVpc`: a VPC with a main route table and a security group.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use super::shown;
use crate::ec2::cidr::Cidr;
use crate::ec2::errors::{Kind, invalid_value, missing, unless_dry, unsupported};
use crate::ec2::names::fresh;
use crate::ec2::network::{Network, default_group, fresh_parts};
use crate::ec2::permissions::{on_new, tag_new};
use crate::ec2::record::{GROUPS, Tags, VPCS, Vpc};
use crate::ec2::tagging;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use landfall_shape::ServiceError;

/// What is to be made.
#[derive(Debug)]
pub struct Request {
    cidr: Cidr,
    tenancy: String,
    tags: Tags,
    dry_run: Option<bool>,
}

impl Resolve for api::CreateVpc {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        const ACTION: &str = "ec2:CreateVpc";
        offered(&input)?;
        let tags = tagging::of_specifications(input.tag_specifications, Kind::Vpc)?;
        let cidr = input
            .cidr_block
            .ok_or_else(|| missing("Either 'cidrBlock' or 'ipv4IpamPoolId' must be provided."))?;
        let cidr = vpc_block(&cidr)?;
        let tenancy = input.instance_tenancy.unwrap_or(api::Tenancy::Default);
        let mut permissions = vec![on_new(cx, ACTION, Kind::Vpc, &tags)];
        permissions.extend(tag_new(cx, ACTION, Kind::Vpc, &tags));
        let tenancy = tenancy.as_str().to_owned();
        Ok(Checked::all(Request { cidr, tenancy, tags, dry_run: input.dry_run }, permissions))
    }
}

/// IPv6 and address pools are not.
fn offered(input: &api::CreateVpcRequest) -> Result<(), ServiceError> {
    let ipv6 = input.ipv6_cidr_block.is_some()
        || input.ipv6_pool.is_some()
        || input.ipv6_ipam_pool_id.is_some()
        || input.amazon_provided_ipv6_cidr_block == Some(true);
    match (ipv6, input.ipv4_ipam_pool_id.is_some()) {
        (true, _) => Err(unsupported("IPv6 in VPCs")),
        (_, true) => Err(unsupported("IPAM pools")),
        _ => Ok(()),
    }
}

fn vpc_block(text: &str) -> Result<Cidr, ServiceError> {
    let cidr = text.parse::<Cidr>().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    match cidr.is_sizeable() {
        true => Ok(cidr),
        false => Err(ServiceError::client("InvalidVpc.Range", format!("The CIDR '{text}' is invalid."))),
    }
}

impl WriteHandler for api::CreateVpc {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { cidr, tenancy, tags, dry_run } = request.into_request();
        Network::settle(tx, cx.account(), cx.region())?;
        unless_dry(dry_run)?;
        let (association, route_table) = fresh_parts();
        let vpc = Vpc {
            cidr: cidr.to_string(),
            association,
            is_default: false,
            dns_support: true,
            dns_hostnames: false,
            tenancy,
            route_table,
            tags,
            route_table_tags: Tags::new(),
        };
        let id = fresh("vpc");
        tx.put(&GROUPS, &(cx.account(), cx.region(), fresh("sg")), default_group(&id));
        let shape = shown(cx).vpc(&id, &vpc);
        tx.put(&VPCS, &(cx.account(), cx.region(), id), vpc);
        Ok(api::CreateVpcResult { vpc: Some(shape) })
    }
}
