//! `DescribeVpcEndpointServices`: the services that VPC endpoints can lead to.

use landfall_api::ec2 as api;
use landfall_base::Region;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::Listing;
use crate::ec2::endpoint_services::EndpointService;
use crate::ec2::errors::unless_dry;
use crate::ec2::filters::Filters;
use crate::ec2::paging::{Paging, Wanted};
use crate::ec2::permissions::on_anything;
use crate::ec2::record::EndpointKind;
use crate::ec2::zones;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const FILTERS: &[&str] =
    &["owner", "service-name", "service-region", "service-type", "supported-ip-address-types"];

impl Resolve for api::DescribeVpcEndpointServices {
    type Request = Checked<Listing>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(&Wanted {
            ids: ("serviceNames", false),
            max_results: input.max_results,
            least: 1,
            next_token: input.next_token.as_deref(),
        })?;
        let filters = Filters::of(input.filters, FILTERS)?;
        let ids = input.service_names.unwrap_or_default();
        let listing = Listing { dry_run: input.dry_run, ids, filters, paging };
        Ok(Checked::one(listing, on_anything(cx, "ec2:DescribeVpcEndpointServices")))
    }
}

impl ReadHandler for api::DescribeVpcEndpointServices {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let listing = request.into_request();
        unless_dry(listing.dry_run)?;
        let region = cx.region();
        listing.all_there(|name| EndpointService::find(region, name).ok_or_else(|| no_service(name)))?;
        let kinds = EndpointService::all().flat_map(|it| it.kinds().iter().map(move |kind| (it, *kind)));
        let passes = |service: EndpointService, kind: EndpointKind| {
            listing.wants(&service.name(region))
                && listing.filters.pass(&[], |name| field(region, service, kind, name))
        };
        let found = kinds.filter(|(service, kind)| passes(*service, *kind));
        let details = found.map(|(service, kind)| {
            let key = format!("{} {}", service.name(region), kind.shown());
            (key, detail(region, service, kind))
        });
        let details = details.collect();
        let (details, next_token) = listing.paging.page(details);
        let mut names: Vec<_> = details.iter().filter_map(|it| it.service_name.clone()).collect();
        names.dedup();
        Ok(api::DescribeVpcEndpointServicesResult {
            service_names: Some(names),
            service_details: Some(details),
            next_token,
        })
    }
}

/// The error for a service that there is none of.
pub(super) fn no_service(name: &str) -> ServiceError {
    let message = format!("The Vpc Endpoint Service '{name}' does not exist");
    ServiceError::client("InvalidServiceName", message)
}

fn detail(region: &Region, service: EndpointService, kind: EndpointKind) -> api::ServiceDetail {
    let interface = kind == EndpointKind::Interface;
    let private = interface.then(|| service.private_name(region));
    let named = |name: &String| vec![api::PrivateDnsDetails { private_dns_name: Some(name.clone()) }];
    let base = if interface { service.endpoint_domain(region) } else { service.private_name(region) };
    api::ServiceDetail {
        service_name: Some(service.name(region)),
        service_type: Some(vec![api::ServiceTypeDetail { service_type: Some(kind.shown().as_str().into()) }]),
        service_region: Some(region.to_string()),
        availability_zones: Some(zones::names(region).collect()),
        availability_zone_ids: Some(zones::names(region).map(|zone| zones::id(region, &zone)).collect()),
        owner: Some("amazon".to_owned()),
        base_endpoint_dns_names: Some(vec![base]),
        private_dns_names: private.as_ref().map(named),
        private_dns_name: private,
        vpc_endpoint_policy_supported: Some(true),
        acceptance_required: Some(false),
        manages_vpc_endpoints: Some(false),
        tags: Some(Vec::new()),
        private_dns_name_verification_state: interface.then_some(api::DnsNameState::Verified),
        supported_ip_address_types: Some(vec![api::ServiceConnectivityType::Ipv4]),
        ..Default::default()
    }
}

fn field(region: &Region, service: EndpointService, kind: EndpointKind, name: &str) -> Vec<String> {
    vec![match name {
        "owner" => "amazon".to_owned(),
        "service-name" => service.name(region),
        "service-region" => region.to_string(),
        "service-type" => kind.shown().to_string(),
        _ => "ipv4".to_owned(),
    }]
}
