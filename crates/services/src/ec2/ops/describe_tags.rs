//! `DescribeTags`: every tag of everything that has an id.

use landfall_api::ec2 as api;
use landfall_store::View;

use super::Listing;
use crate::ec2::errors::{Kind, unless_dry};
use crate::ec2::filters::Filters;
use crate::ec2::network::Network;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &["key", "resource-id", "resource-type", "value"];

impl Resolve for api::DescribeTags {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(&Wanted {
            ids: ("", false),
            max_results: input.max_results,
            least: 5,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids: Vec::new(), filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeTags")))
    }
}

impl ReadHandler for api::DescribeTags {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        let mut found = Vec::new();
        for (kind, id) in resources(&network) {
            for tag in network.tags(kind, id).unwrap_or_default() {
                let own = std::slice::from_ref(tag);
                if listing.filters.pass(own, |name| field(kind, id, tag, name)) {
                    found.push((format!("{id} {}", tag.0), shape(kind, id, tag)));
                }
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (tags, next_token) = listing.paging.page(found);
        Ok(api::DescribeTagsResult { tags: Some(tags), next_token })
    }
}

fn resources(network: &Network) -> impl Iterator<Item = (Kind, &str)> {
    let vpcs = network.vpcs.keys().map(|id| (Kind::Vpc, id.as_str()));
    let tables = network.vpcs.values().map(|vpc| (Kind::RouteTable, vpc.route_table.as_str()));
    let subnets = network.subnets.keys().map(|id| (Kind::Subnet, id.as_str()));
    let groups = network.groups.keys().map(|id| (Kind::Group, id.as_str()));
    let endpoints = network.endpoints.keys().map(|id| (Kind::Endpoint, id.as_str()));
    vpcs.chain(tables).chain(subnets).chain(groups).chain(endpoints)
}

fn shape(kind: Kind, id: &str, (key, value): &(String, String)) -> api::TagDescription {
    api::TagDescription {
        key: Some(key.clone()),
        resource_id: Some(id.to_owned()),
        resource_type: Some(kind.name().into()),
        value: Some(value.clone()),
    }
}

fn field(kind: Kind, id: &str, (key, value): &(String, String), name: &str) -> Vec<String> {
    vec![match name {
        "key" => key.clone(),
        "resource-type" => kind.name().to_owned(),
        "value" => value.clone(),
        _ => id.to_owned(),
    }]
}
