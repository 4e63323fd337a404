//! `DescribeVpcEndpoints`: the VPC endpoints of the account in the Region.

use landfall_api::ec2 as api;
use landfall_store::View;

use super::{Listing, shown};
use crate::ec2::errors::unless_dry;
use crate::ec2::filters::Filters;
use crate::ec2::network::Network;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::ec2::record::Endpoint;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &[
    "ip-address-type",
    "service-name",
    "service-region",
    "vpc-endpoint-id",
    "vpc-endpoint-state",
    "vpc-endpoint-type",
    "vpc-id",
];

impl Resolve for api::DescribeVpcEndpoints {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.vpc_endpoint_ids.unwrap_or_default();
        let paging = Paging::of(&Wanted {
            // Both together are no mistake here.
            ids: ("vpcEndpointIds", false),
            max_results: input.max_results,
            least: 1,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeVpcEndpoints")))
    }
}

impl ReadHandler for api::DescribeVpcEndpoints {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        listing.all_there(|id| network.endpoint(id))?;
        let passes = |id: &str, endpoint: &Endpoint| {
            listing.wants(id) && listing.filters.pass(&endpoint.tags, |name| field(cx, id, endpoint, name))
        };
        let found = network.endpoints.iter().filter(|(id, endpoint)| passes(id, endpoint));
        let shape = |id: &str, endpoint: &Endpoint| shown(cx).endpoint(id, endpoint, &network);
        let endpoints = found.map(|(id, endpoint)| (id.clone(), shape(id, endpoint))).collect();
        let (endpoints, next_token) = listing.paging.page(endpoints);
        Ok(api::DescribeVpcEndpointsResult { vpc_endpoints: Some(endpoints), next_token })
    }
}

fn field(cx: &Context<'_>, id: &str, endpoint: &Endpoint, name: &str) -> Vec<String> {
    vec![match name {
        "ip-address-type" => "ipv4".to_owned(),
        "service-name" => endpoint.service.clone(),
        "service-region" => cx.region().to_string(),
        "vpc-endpoint-state" => "available".to_owned(),
        "vpc-endpoint-type" => endpoint.kind.shown().to_string(),
        "vpc-id" => endpoint.vpc.clone(),
        _ => id.to_owned(),
    }]
}
