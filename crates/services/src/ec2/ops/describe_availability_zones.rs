//! `DescribeAvailabilityZones`: the zones of the Region.

use landfall_api::ec2 as api;
use landfall_store::View;

use crate::ec2::errors::{invalid_value, unless_dry};
use crate::ec2::filters::Filters;
use crate::ec2::permissions::on_anything;
use crate::ec2::zones;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] = &[
    "group-name",
    "message",
    "opt-in-status",
    "parent-zone-id",
    "parent-zone-name",
    "region-name",
    "state",
    "zone-id",
    "zone-name",
    "zone-type",
];

/// Which zones.
#[derive(Debug)]
pub struct Request {
    dry_run: Option<bool>,
    zones: Vec<String>,
    filters: Filters,
}

impl Resolve for api::DescribeAvailabilityZones {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let filters = Filters::of(input.filters, FILTERS)?;
        let mut zones = input.zone_names.unwrap_or_default();
        zones.extend(input.zone_ids.unwrap_or_default());
        let request = Request { dry_run: input.dry_run, zones, filters };
        Ok(Checked::one(request, on_anything(cx, "ec2:DescribeAvailabilityZones")))
    }
}

impl ReadHandler for api::DescribeAvailabilityZones {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { dry_run, zones, filters } = request.into_request();
        unless_dry(dry_run)?;
        let mut wanted = Vec::new();
        for zone in &zones {
            let found = zones::find(cx.region(), zone);
            wanted.push(found.ok_or_else(|| invalid_value(format!("Invalid availability zone: [{zone}]")))?);
        }
        let all = zones::names(cx.region());
        let all = all.filter(|zone| wanted.is_empty() || wanted.contains(zone));
        let all = all.filter(|zone| filters.pass(&[], |name| field(cx, zone, name)));
        let zones = all.map(|zone| shape(cx, zone)).collect();
        Ok(api::DescribeAvailabilityZonesResult { availability_zones: Some(zones) })
    }
}

fn shape(cx: &Context<'_>, zone: String) -> api::AvailabilityZone {
    api::AvailabilityZone {
        opt_in_status: Some(api::AvailabilityZoneOptInStatus::OptInNotRequired),
        messages: Some(Vec::new()),
        region_name: Some(cx.region().to_string()),
        zone_id: Some(zones::id(cx.region(), &zone)),
        zone_name: Some(zone),
        group_name: Some(format!("{}-zg-1", cx.region())),
        network_border_group: Some(cx.region().to_string()),
        zone_type: Some("availability-zone".to_owned()),
        state: Some(api::AvailabilityZoneState::Available),
        ..Default::default()
    }
}

fn field(cx: &Context<'_>, zone: &str, name: &str) -> Vec<String> {
    vec![match name {
        "group-name" => format!("{}-zg-1", cx.region()),
        "opt-in-status" => "opt-in-not-required".to_owned(),
        "region-name" => cx.region().to_string(),
        "state" => "available".to_owned(),
        "zone-id" => zones::id(cx.region(), zone),
        "zone-name" => zone.to_owned(),
        "zone-type" => "availability-zone".to_owned(),
        _ => return Vec::new(),
    }]
}
