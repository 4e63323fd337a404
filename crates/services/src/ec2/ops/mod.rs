//! One operation a file.

mod create_security_group;
mod create_subnet;
mod create_tags;
mod create_vpc;
mod create_vpc_endpoint;
mod delete_security_group;
mod delete_subnet;
mod delete_tags;
mod delete_vpc;
mod delete_vpc_endpoints;
mod describe_availability_zones;
mod describe_route_tables;
mod describe_security_groups;
mod describe_subnets;
mod describe_tags;
mod describe_vpc_attribute;
mod describe_vpc_endpoint_services;
mod describe_vpc_endpoints;
mod describe_vpcs;
mod modify_vpc_attribute;
mod modify_vpc_endpoint;

use landfall_shape::ServiceError;

use super::filters::Filters;
use super::paging::Paging;
use super::view::Shown;
use crate::pipe::{Context, Failure};

/// What a list was asked for.
#[derive(Debug)]
pub struct Listing {
    dry_run: Option<bool>,
    ids: Vec<String>,
    filters: Filters,
    paging: Paging,
}

impl Listing {
    /// Ids that are asked for must be there, whether the filters let them pass or not.
    fn wants(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|it| it == id)
    }

    /// # Errors
    /// That of `find` for the first id that nothing has.
    fn all_there<T>(&self, find: impl Fn(&str) -> Result<T, ServiceError>) -> Result<(), Failure> {
        self.ids.iter().try_for_each(|id| find(id).map(drop))?;
        Ok(())
    }
}

/// Whose resources are shown: the caller's.
fn shown<'a>(cx: &Context<'a>) -> Shown<'a> {
    Shown { account: cx.account(), region: cx.region() }
}
