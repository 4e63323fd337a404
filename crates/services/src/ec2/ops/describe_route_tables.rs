//! `DescribeRouteTables`: the main route table of each VPC.

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
    "association.main",
    "association.route-table-association-id",
    "association.route-table-id",
    "association.subnet-id",
    "owner-id",
    "route-table-id",
    "route.gateway-id",
    "vpc-id",
];

impl Resolve for api::DescribeRouteTables {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.route_table_ids.unwrap_or_default();
        let paging = Paging::of(&Wanted {
            ids: ("routeTableIds", !ids.is_empty()),
            max_results: input.max_results,
            least: 5,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeRouteTables")))
    }
}

impl ReadHandler for api::DescribeRouteTables {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        listing.all_there(|id| network.of_route_table(id))?;
        let passes = |id: &str, vpc: &Vpc| {
            let field = |name: &str| field(cx, &network, id, vpc, name);
            listing.wants(&vpc.route_table) && listing.filters.pass(&vpc.route_table_tags, field)
        };
        let found = network.vpcs.iter().filter(|(id, vpc)| passes(id, vpc));
        let table = |id: &str, vpc: &Vpc| shown(cx).route_table(id, vpc, &network);
        let mut tables: Vec<_> = found.map(|(id, vpc)| (vpc.route_table.clone(), table(id, vpc))).collect();
        tables.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (tables, next_token) = listing.paging.page(tables);
        Ok(api::DescribeRouteTablesResult { route_tables: Some(tables), next_token })
    }
}

/// No subnet is associated by name: all use the main table, and AWS lists none of them then.
fn field(cx: &Context<'_>, network: &Network, id: &str, vpc: &Vpc, name: &str) -> Vec<String> {
    match name {
        "association.main" => vec!["true".to_owned()],
        "association.route-table-association-id" => vec![vpc.route_table.replace("rtb-", "rtbassoc-")],
        "association.subnet-id" => Vec::new(),
        "owner-id" => vec![cx.account().to_string()],
        "route.gateway-id" => {
            let gateways =
                network.endpoints.iter().filter(|(_, it)| it.route_tables.contains(&vpc.route_table));
            std::iter::once("local".to_owned()).chain(gateways.map(|(id, _)| id.clone())).collect()
        }
        "vpc-id" => vec![id.to_owned()],
        _ => vec![vpc.route_table.clone()],
    }
}
