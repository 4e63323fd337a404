//! `CreateSubnet`: a block of a VPC's addresses in one zone.

use landfall_api::ec2 as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::shown;
use crate::ec2::cidr::Cidr;
use crate::ec2::errors::{Kind, invalid_value, missing, unless_dry, unsupported};
use crate::ec2::names::{arn, fresh};
use crate::ec2::network::Network;
use crate::ec2::permissions::{on, on_new, tag_new};
use crate::ec2::record::{SUBNETS, Subnet, Tags};
use crate::ec2::{tagging, zones};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// What is to be made.
#[derive(Debug)]
pub struct Request {
    vpc: String,
    cidr: Cidr,
    zone: Option<String>,
    tags: Tags,
    dry_run: Option<bool>,
}

impl Resolve for api::CreateSubnet {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        const ACTION: &str = "ec2:CreateSubnet";
        if input.ipv6_cidr_block.is_some() || input.ipv6_native == Some(true) {
            return Err(unsupported("IPv6 in subnets").into());
        }
        let tags = tagging::of_specifications(input.tag_specifications, Kind::Subnet)?;
        let text = input
            .cidr_block
            .ok_or_else(|| missing("Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."))?;
        let cidr = subnet_block(&text)?;
        let zone = input.availability_zone.or(input.availability_zone_id);
        let network = Network::load(view, cx.account(), cx.region())?;
        let vpc_arn = arn("vpc", cx.account(), cx.region(), &input.vpc_id).to_string();
        let mut permissions = vec![
            on_new(cx, ACTION, Kind::Subnet, &tags).with("ec2:Vpc", vpc_arn),
            on(cx, &network, ACTION, Kind::Vpc, &input.vpc_id),
        ];
        permissions.extend(tag_new(cx, ACTION, Kind::Subnet, &tags));
        let request = Request { vpc: input.vpc_id, cidr, zone, tags, dry_run: input.dry_run };
        Ok(Checked::all(request, permissions))
    }
}

fn subnet_block(text: &str) -> Result<Cidr, ServiceError> {
    let cidr = text.parse::<Cidr>().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    if cidr.is_sizeable() { Ok(cidr) } else { Err(out_of_range(cidr)) }
}

fn out_of_range(cidr: Cidr) -> ServiceError {
    ServiceError::client("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid."))
}

impl WriteHandler for api::CreateSubnet {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { vpc, cidr, zone, tags, dry_run } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        let of_vpc = network.vpc(&vpc)?.cidr.parse::<Cidr>();
        if !of_vpc.is_ok_and(|block| block.contains(cidr)) {
            return Err(out_of_range(cidr).into());
        }
        let mut there = network.subnets.values().filter(|it| it.vpc == vpc);
        if there.any(|it| it.cidr.parse::<Cidr>().is_ok_and(|block| block.overlaps(cidr))) {
            let message = format!("The CIDR '{cidr}' conflicts with another subnet");
            return Err(ServiceError::client("InvalidSubnet.Conflict", message).into());
        }
        let zone = zone_of(cx, zone)?;
        unless_dry(dry_run)?;
        let subnet = Subnet { vpc, cidr: cidr.to_string(), zone, is_default: false, tags };
        let id = fresh("subnet");
        let shape = shown(cx).subnet(&id, &subnet);
        tx.put(&SUBNETS, &(cx.account(), cx.region(), id), subnet);
        Ok(api::CreateSubnetResult { subnet: Some(shape) })
    }
}

fn zone_of(cx: &Context<'_>, given: Option<String>) -> Result<String, ServiceError> {
    let all: Vec<_> = zones::names(cx.region()).collect();
    match given {
        None => Ok(all.into_iter().next().unwrap_or_default()),
        Some(given) => zones::find(cx.region(), &given).ok_or_else(|| {
            invalid_value(format!(
                "Value ({given}) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
                 following availability zones: {}.",
                all.join(", ")
            ))
        }),
    }
}
