//! `DescribeVpcs`: the VPCs of the account in the Region.

use landfall_api::ec2 as api;
use landfall_store::View;

use super::{Listing, shown};
use crate::ec2::errors::unless_dry;
use crate::ec2::filters::Filters;
use crate::ec2::network::Network;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::ec2::record::Vpc;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &[
    "cidr",
    "cidrBlock",
    "cidr-block",
    "cidr-block-association.association-id",
    "cidr-block-association.cidr-block",
    "cidr-block-association.state",
    "dhcp-options-id",
    "dhcpOptionsId",
    "is-default",
    "isDefault",
    "owner-id",
    "state",
    "vpc-id",
];

impl Resolve for api::DescribeVpcs {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.vpc_ids.unwrap_or_default();
        let paging = Paging::of(&Wanted {
            ids: ("vpcIds", !ids.is_empty()),
            max_results: input.max_results,
            least: 5,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeVpcs")))
    }
}

impl ReadHandler for api::DescribeVpcs {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        listing.all_there(|id| network.vpc(id))?;
        let passes = |id: &str, vpc: &Vpc| {
            listing.wants(id) && listing.filters.pass(&vpc.tags, |name| field(cx, id, vpc, name))
        };
        let found = network.vpcs.iter().filter(|(id, vpc)| passes(id, vpc));
        let vpcs = found.map(|(id, vpc)| (id.clone(), shown(cx).vpc(id, vpc))).collect();
        let (vpcs, next_token) = listing.paging.page(vpcs);
        Ok(api::DescribeVpcsResult { vpcs: Some(vpcs), next_token })
    }
}

fn field(cx: &Context<'_>, id: &str, vpc: &Vpc, name: &str) -> Vec<String> {
    vec![match name {
        "cidr" | "cidrBlock" | "cidr-block" | "cidr-block-association.cidr-block" => vpc.cidr.clone(),
        "cidr-block-association.association-id" => vpc.association.clone(),
        "cidr-block-association.state" => "associated".to_owned(),
        "dhcp-options-id" | "dhcpOptionsId" => shown(cx).dhcp_options(),
        "is-default" | "isDefault" => vpc.is_default.to_string(),
        "owner-id" => cx.account().to_string(),
        "state" => "available".to_owned(),
        _ => id.to_owned(),
    }]
}
