//! `DescribeSubnets`: the subnets of the account in the Region.

use landfall_api::ec2 as api;
use landfall_store::View;

use super::{Listing, shown};
use crate::ec2::errors::unless_dry;
use crate::ec2::filters::Filters;
use crate::ec2::names::arn;
use crate::ec2::network::Network;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::ec2::record::Subnet;
use crate::ec2::{view as shapes, zones};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &[
    "availability-zone",
    "availabilityZone",
    "availability-zone-id",
    "availabilityZoneId",
    "available-ip-address-count",
    "cidr",
    "cidrBlock",
    "cidr-block",
    "default-for-az",
    "defaultForAz",
    "map-public-ip-on-launch",
    "owner-id",
    "state",
    "subnet-arn",
    "subnet-id",
    "vpc-id",
];

impl Resolve for api::DescribeSubnets {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.subnet_ids.unwrap_or_default();
        let paging = Paging::of(&Wanted {
            ids: ("subnetIds", !ids.is_empty()),
            max_results: input.max_results,
            least: 5,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeSubnets")))
    }
}

impl ReadHandler for api::DescribeSubnets {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        listing.all_there(|id| network.subnet(id))?;
        let passes = |id: &str, subnet: &Subnet| {
            listing.wants(id) && listing.filters.pass(&subnet.tags, |name| field(cx, id, subnet, name))
        };
        let found = network.subnets.iter().filter(|(id, subnet)| passes(id, subnet));
        let subnets = found.map(|(id, subnet)| (id.clone(), shown(cx).subnet(id, subnet))).collect();
        let (subnets, next_token) = listing.paging.page(subnets);
        Ok(api::DescribeSubnetsResult { subnets: Some(subnets), next_token })
    }
}

fn field(cx: &Context<'_>, id: &str, subnet: &Subnet, name: &str) -> Vec<String> {
    vec![match name {
        "availability-zone" | "availabilityZone" => subnet.zone.clone(),
        "availability-zone-id" | "availabilityZoneId" => zones::id(cx.region(), &subnet.zone),
        "available-ip-address-count" => shapes::available(subnet).to_string(),
        "cidr" | "cidrBlock" | "cidr-block" => subnet.cidr.clone(),
        "default-for-az" | "defaultForAz" | "map-public-ip-on-launch" => subnet.is_default.to_string(),
        "owner-id" => cx.account().to_string(),
        "state" => "available".to_owned(),
        "subnet-arn" => arn("subnet", cx.account(), cx.region(), id).to_string(),
        "vpc-id" => subnet.vpc.clone(),
        _ => id.to_owned(),
    }]
}
