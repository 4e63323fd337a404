//! `GetRegions`: where container services can be.

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Name, display name and continent of every Region that has container services (Lightsail User Guide, "Regions").
const REGIONS: &[(&str, &str, &str)] = &[
    ("us-east-1", "Virginia", "NA"),
    ("us-east-2", "Ohio", "NA"),
    ("us-west-2", "Oregon", "NA"),
    ("ca-central-1", "Montreal", "NA"),
    ("eu-west-1", "Ireland", "EU"),
    ("eu-west-2", "London", "EU"),
    ("eu-west-3", "Paris", "EU"),
    ("eu-central-1", "Frankfurt", "EU"),
    ("eu-north-1", "Stockholm", "EU"),
    ("ap-south-1", "Mumbai", "AS"),
    ("ap-southeast-1", "Singapore", "AS"),
    ("ap-southeast-2", "Sydney", "OC"),
    ("ap-southeast-3", "Jakarta", "AS"),
    ("ap-southeast-5", "Malaysia", "AS"),
    ("ap-northeast-1", "Tokyo", "AS"),
    ("ap-northeast-2", "Seoul", "AS"),
];

/// Whether zones are asked for.
#[derive(Debug)]
pub struct Request {
    zones: bool,
}

impl Resolve for api::GetRegions {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let request = Request { zones: input.include_availability_zones == Some(true) };
        Ok(Checked::one(request, Permission::on_everything(cx, "lightsail:GetRegions")))
    }
}

impl ReadHandler for api::GetRegions {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { zones } = request.into_request();
        let regions = REGIONS.iter().map(|(name, display_name, continent)| api::Region {
            continent_code: Some((*continent).to_owned()),
            description: Some(format!("The Region of {display_name}")),
            display_name: Some((*display_name).to_owned()),
            name: Some(api::RegionName::from(*name)),
            availability_zones: Some(if zones { all_zones(name) } else { Vec::new() }),
            relational_database_availability_zones: Some(Vec::new()),
        });
        Ok(api::GetRegionsResult { regions: Some(regions.collect()) })
    }
}

fn all_zones(region: &str) -> Vec<api::AvailabilityZone> {
    let zone = |letter| api::AvailabilityZone {
        zone_name: Some(format!("{region}{letter}")),
        state: Some("available".to_owned()),
    };
    ['a', 'b', 'c'].into_iter().map(zone).collect()
}
