//! VPC endpoints: made, changed, deleted, and whether a call comes through one.

use super::*;
use crate::ec2::{Service, way};
use crate::testing::{account, region};

const DKR: &str = "com.amazonaws.us-east-1.ecr.dkr";
const S3: &str = "com.amazonaws.us-east-1.s3";

fn interface(vpc: &str, service: &str) -> api::CreateVpcEndpointRequest {
    api::CreateVpcEndpointRequest {
        vpc_id: vpc.to_owned(),
        service_name: Some(service.to_owned()),
        vpc_endpoint_type: Some(api::VpcEndpointType::Interface),
        ..Default::default()
    }
}

fn modify(id: &str) -> api::ModifyVpcEndpointRequest {
    api::ModifyVpcEndpointRequest { vpc_endpoint_id: id.to_owned(), ..Default::default() }
}

impl Fixture {
    fn endpoint(&self, input: api::CreateVpcEndpointRequest) -> api::VpcEndpoint {
        self.call::<api::CreateVpcEndpoint>(input).vpc_endpoint.unwrap()
    }

    fn refuses(&self, input: api::CreateVpcEndpointRequest) -> (String, String) {
        self.refused::<api::CreateVpcEndpoint>(input)
    }

    fn way(&self, subnets: &[&str], service: Service) -> Option<String> {
        let view = self.0.call.installation().store.view();
        let subnets: Vec<_> = subnets.iter().map(|&it| it.to_owned()).collect();
        let way = way(&view, &account(), &region(), &subnets, service).unwrap();
        way.map(|way| way.endpoint_id().to_owned())
    }
}

#[test]
fn an_endpoint_as_it_is_made() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let made = fixture.endpoint(interface(&vpc, DKR));
    assert_eq!((made.private_dns_enabled, made.groups.unwrap().len()), (Some(true), 1));
    assert_eq!(
        made.policy_document.as_deref(),
        Some(r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#)
    );
    let id = made.vpc_endpoint_id.unwrap();
    let found = fixture.call::<api::DescribeVpcEndpoints>(api::DescribeVpcEndpointsRequest {
        filters: Some(vec![filter("service-name", &["*.ecr.dkr"]), filter("vpc-id", &[&vpc])]),
        ..Default::default()
    });
    assert_eq!(found.vpc_endpoints.unwrap()[0].vpc_endpoint_id.as_deref(), Some(id.as_str()));
    let wanted = refusal(
        "InvalidParameter",
        format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
             dkr.ecr.us-east-1.amazonaws.com in the VPC {vpc}"
        ),
    );
    assert_eq!(fixture.refuses(interface(&vpc, DKR)), wanted);
    let delete = api::DeleteVpcEndpointsRequest {
        vpc_endpoint_ids: vec![id.clone(), "vpce-1".to_owned()],
        ..Default::default()
    };
    let missed = fixture.call::<api::DeleteVpcEndpoints>(delete).unsuccessful.unwrap();
    assert_eq!(missed[0].resource_id.as_deref(), Some("vpce-1"));
    assert_eq!(missed[0].error.clone().unwrap().code.as_deref(), Some("InvalidVpcEndpointId.NotFound"));
    assert_eq!(fixture.way(&[], Service::EcrRegistry), None);
}

#[test]
fn a_token_makes_one() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let input =
        || api::CreateVpcEndpointRequest { client_token: Some("t".to_owned()), ..interface(&vpc, DKR) };
    assert_eq!(fixture.endpoint(input()).vpc_endpoint_id, fixture.endpoint(input()).vpc_endpoint_id);
}

#[test]
fn endpoints_that_cannot_be() {
    let fixture = Fixture::new();
    let vpc = fixture.vpc("10.0.0.0/16");
    let default = fixture.default_vpc().vpc_id.unwrap();
    let wanted = format!(
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc}"
    );
    assert_eq!(fixture.refuses(interface(&vpc, DKR)), refusal("InvalidParameter", wanted));
    let wanted = refusal(
        "InvalidServiceName",
        "The Vpc Endpoint Service 'com.amazonaws.us-east-1.moon' does not exist",
    );
    assert_eq!(fixture.refuses(interface(&default, "com.amazonaws.us-east-1.moon")), wanted);
    let wanted = refusal("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
    assert_eq!(fixture.refuses(interface("vpc-1", DKR)), wanted);
    let tables = || Some(vec!["rtb-1".to_owned()]);
    let input = api::CreateVpcEndpointRequest { route_table_ids: tables(), ..interface(&default, DKR) };
    let wanted = "Route table IDs are only supported for Gateway type VPC Endpoint.";
    assert_eq!(fixture.refuses(input), refusal("InvalidParameter", wanted));
    let input = api::CreateVpcEndpointRequest {
        route_table_ids: tables(),
        vpc_endpoint_type: None,
        ..interface(&default, S3)
    };
    let wanted = refusal("InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-1' does not exist");
    assert_eq!(fixture.refuses(input), wanted);
    for policy in ["{", r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#] {
        let input = api::CreateVpcEndpointRequest {
            policy_document: Some(policy.to_owned()),
            ..interface(&default, DKR)
        };
        let (code, message) = fixture.refuses(input);
        assert_eq!(code, "InvalidPolicyDocument");
        assert!(message.starts_with("The Policy Document is not valid. "), "{message}");
    }
}

#[test]
fn a_policy_is_changed_and_reset() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:*","Resource":"*"}]}"#;
    let input =
        api::CreateVpcEndpointRequest { policy_document: Some(policy.to_owned()), ..interface(&vpc, DKR) };
    let id = fixture.endpoint(input).vpc_endpoint_id.unwrap();
    let text = || {
        let all = fixture.call::<api::DescribeVpcEndpoints>(api::DescribeVpcEndpointsRequest::default());
        all.vpc_endpoints.unwrap()[0].policy_document.clone().unwrap()
    };
    assert_eq!(text(), policy);
    fixture.call::<api::ModifyVpcEndpoint>(api::ModifyVpcEndpointRequest {
        reset_policy: Some(true),
        ..modify(&id)
    });
    assert_ne!(text(), policy);
    fixture.call::<api::ModifyVpcEndpoint>(api::ModifyVpcEndpointRequest {
        policy_document: Some(policy.to_owned()),
        ..modify(&id)
    });
    assert_eq!(text(), policy);
    let both = api::ModifyVpcEndpointRequest {
        policy_document: Some(policy.to_owned()),
        reset_policy: Some(true),
        ..modify(&id)
    };
    assert_eq!(fixture.refused::<api::ModifyVpcEndpoint>(both).0, "InvalidParameterCombination");
}

#[test]
fn which_endpoint_a_subnet_has() {
    let fixture = Fixture::new();
    let default = fixture.default_vpc().vpc_id.unwrap();
    let vpc = fixture.vpc("10.0.0.0/16");
    let subnet = api::CreateSubnetRequest {
        vpc_id: vpc.clone(),
        cidr_block: Some("10.0.0.0/24".to_owned()),
        ..Default::default()
    };
    let subnet = fixture.call::<api::CreateSubnet>(subnet).subnet.unwrap().subnet_id.unwrap();
    let dkr = fixture.endpoint(interface(&default, DKR)).vpc_endpoint_id;
    // A subnet that nobody made here counts as one of the default VPC.
    for subnets in [&[][..], &["subnet-unknown"]] {
        assert_eq!(fixture.way(subnets, Service::EcrRegistry), dkr);
        assert_eq!(fixture.way(subnets, Service::EcrApi), None);
    }
    assert_eq!(fixture.way(&[&subnet], Service::EcrRegistry), None);
    let on = || Some(api::AttributeBooleanValue { value: Some(true) });
    fixture.call::<api::ModifyVpcAttribute>(api::ModifyVpcAttributeRequest {
        vpc_id: vpc.clone(),
        enable_dns_hostnames: on(),
        ..Default::default()
    });
    let own = fixture.endpoint(interface(&vpc, DKR)).vpc_endpoint_id;
    assert_eq!(fixture.way(&[&subnet], Service::EcrRegistry), own);
    // Without private DNS the service's name does not lead there.
    fixture.call::<api::ModifyVpcEndpoint>(api::ModifyVpcEndpointRequest {
        private_dns_enabled: Some(false),
        ..modify(own.as_deref().unwrap())
    });
    assert_eq!(fixture.way(&[&subnet], Service::EcrRegistry), None);
}

#[test]
fn a_gateway_needs_a_route() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let gateway = api::CreateVpcEndpointRequest { vpc_endpoint_type: None, ..interface(&vpc, S3) };
    let id = fixture.endpoint(gateway).vpc_endpoint_id.unwrap();
    assert_eq!(fixture.way(&[], Service::S3), None);
    let tables = || fixture.call::<api::DescribeRouteTables>(api::DescribeRouteTablesRequest::default());
    let table = tables().route_tables.unwrap()[0].route_table_id.clone().unwrap();
    fixture.call::<api::ModifyVpcEndpoint>(api::ModifyVpcEndpointRequest {
        add_route_table_ids: Some(vec![table]),
        ..modify(&id)
    });
    assert_eq!(fixture.way(&[], Service::S3).as_deref(), Some(id.as_str()));
    let routes = tables().route_tables.unwrap()[0].routes.clone().unwrap();
    assert_eq!(routes[1].gateway_id.as_deref(), Some(id.as_str()));
}
