//! `DescribeSecurityGroups`: the security groups of the account in the Region.

use landfall_api::ec2 as api;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::{Listing, shown};
use crate::ec2::errors::unless_dry;
use crate::ec2::filters::Filters;
use crate::ec2::network::Network;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::ec2::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &["description", "group-id", "group-name", "owner-id", "vpc-id"];

/// Groups by id, and by names in the default VPC.
#[derive(Debug)]
pub struct Request {
    listing: Listing,
    names: Vec<String>,
}

impl Resolve for api::DescribeSecurityGroups {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let ids = input.group_ids.unwrap_or_default();
        let paging = Paging::of(&Wanted {
            ids: ("groupIds", !ids.is_empty()),
            max_results: input.max_results,
            least: 5,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        let request = Request { listing, names: input.group_names.unwrap_or_default() };
        Ok(Checked::one(request, on_anything(cx, "ec2:DescribeSecurityGroups")))
    }
}

impl ReadHandler for api::DescribeSecurityGroups {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { mut listing, names } = request.into_request();
        unless_dry(listing.dry_run)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        listing.all_there(|id| network.group(id))?;
        for name in names {
            listing.ids.push(by_name(&network, &name)?);
        }
        let passes = |id: &str, group: &Group| {
            listing.wants(id) && listing.filters.pass(&group.tags, |name| field(cx, id, group, name))
        };
        let found = network.groups.iter().filter(|(id, group)| passes(id, group));
        let groups = found.map(|(id, group)| (id.clone(), shown(cx).group(id, group))).collect();
        let (groups, next_token) = listing.paging.page(groups);
        Ok(api::DescribeSecurityGroupsResult { security_groups: Some(groups), next_token })
    }
}

/// The group of this name in the default VPC.
fn by_name(network: &Network, name: &str) -> Result<String, ServiceError> {
    let default = network.default_vpc();
    let named = |group: &Group| group.name == name && Some(group.vpc.as_str()) == default;
    let found = network.groups.iter().find(|(_, group)| named(group));
    found.map(|(id, _)| id.clone()).ok_or_else(|| {
        let place = default.map_or_else(String::new, |vpc| format!(" in default VPC '{vpc}'"));
        let message = format!("The security group '{name}' does not exist{place}");
        ServiceError::client("InvalidGroup.NotFound", message)
    })
}

fn field(cx: &Context<'_>, id: &str, group: &Group, name: &str) -> Vec<String> {
    vec![match name {
        "description" => group.description.clone(),
        "group-name" => group.name.clone(),
        "owner-id" => cx.account().to_string(),
        "vpc-id" => group.vpc.clone(),
        _ => id.to_owned(),
    }]
}
