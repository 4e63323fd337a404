//! Lists: what is there from the first, filters, pages, refusals.

use super::*;
use crate::testing::nobody;

#[test]
fn every_region_has_a_default_vpc() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc();
    assert_eq!(vpc.cidr_block.as_deref(), Some("172.31.0.0/16"));
    let id = vpc.vpc_id.unwrap();
    let subnets = fixture.subnets(filter("vpc-id", &[&id]));
    let zones: Vec<_> = subnets.iter().filter_map(|it| it.availability_zone.as_deref()).collect();
    assert_eq!((zones.len(), zones.contains(&"us-east-1b")), (3, true));
    assert!(subnets.iter().all(|it| it.default_for_az == Some(true)));
    let groups = fixture.call::<api::DescribeSecurityGroups>(api::DescribeSecurityGroupsRequest::default());
    assert_eq!(groups.security_groups.unwrap()[0].group_name.as_deref(), Some("default"));
    // The same after a change has made rows of it, and in another installation.
    fixture.vpc("10.0.0.0/16");
    assert_eq!(fixture.default_vpc().vpc_id.as_deref(), Some(id.as_str()));
    assert_eq!(Fixture::new().default_vpc().vpc_id.as_deref(), Some(id.as_str()));
    let elsewhere = root().in_region(&"eu-west-1".parse().unwrap());
    let there = fixture.by::<api::DescribeVpcs>(&elsewhere, api::DescribeVpcsRequest::default()).unwrap();
    assert_ne!(there.vpcs.unwrap()[0].vpc_id.as_deref(), Some(id.as_str()));
}

#[test]
fn filters_and_pages() {
    let fixture = Fixture::new();
    for (filter, expected) in [
        (filter("availability-zone", &["us-east-1?"]), 3),
        (filter("availability-zone-id", &["use1-az1", "use1-az2"]), 2),
        (filter("cidr-block", &["172.31.16.*"]), 1),
        (filter("tag:team", &["a"]), 0),
        (filter("tag-key", &["*"]), 0),
    ] {
        assert_eq!(fixture.subnets(filter.clone()).len(), expected, "{filter:?}");
    }
    let unknown =
        api::DescribeVpcsRequest { filters: Some(vec![filter("colour", &["red"])]), ..Default::default() };
    let wanted = refusal("InvalidParameterValue", "The filter 'colour' is invalid");
    assert_eq!(fixture.refused::<api::DescribeVpcs>(unknown), wanted);

    (1..=5).for_each(|number| drop(fixture.vpc(&format!("10.{number}.0.0/16"))));
    let page = |token: Option<String>| {
        let input =
            api::DescribeVpcsRequest { max_results: Some(5), next_token: token, ..Default::default() };
        let answer = fixture.call::<api::DescribeVpcs>(input);
        (answer.vpcs.unwrap().len(), answer.next_token)
    };
    let (first, token) = page(None);
    assert_eq!((first, page(token)), (5, (1, None)));
    let bad = api::DescribeVpcsRequest { next_token: Some("?".to_owned()), ..Default::default() };
    assert_eq!(fixture.refused::<api::DescribeVpcs>(bad).0, "InvalidNextToken");
}

#[test]
fn what_is_not_there() {
    let fixture = Fixture::new();
    let ids = |id: &str| Some(vec![id.to_owned()]);
    let vpc = api::DescribeVpcsRequest { vpc_ids: ids("vpc-1"), ..Default::default() };
    let wanted = refusal("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
    assert_eq!(fixture.refused::<api::DescribeVpcs>(vpc), wanted);
    let subnet = api::DescribeSubnetsRequest { subnet_ids: ids("subnet-1"), ..Default::default() };
    let wanted = refusal("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist");
    assert_eq!(fixture.refused::<api::DescribeSubnets>(subnet), wanted);
    let group = api::DescribeSecurityGroupsRequest { group_ids: ids("sg-1"), ..Default::default() };
    let wanted = refusal("InvalidGroup.NotFound", "The security group 'sg-1' does not exist");
    assert_eq!(fixture.refused::<api::DescribeSecurityGroups>(group), wanted);
    let group = api::DescribeSecurityGroupsRequest { group_ids: ids("x"), ..Default::default() };
    let wanted = refusal("InvalidGroupId.Malformed", "Invalid id: \"x\" (expecting \"sg-...\")");
    assert_eq!(fixture.refused::<api::DescribeSecurityGroups>(group), wanted);
    let endpoint = api::DescribeVpcEndpointsRequest { vpc_endpoint_ids: ids("vpce-1"), ..Default::default() };
    let wanted = refusal("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id 'vpce-1' does not exist");
    assert_eq!(fixture.refused::<api::DescribeVpcEndpoints>(endpoint), wanted);
    let zone = api::DescribeAvailabilityZonesRequest { zone_names: ids("us-east-1q"), ..Default::default() };
    let wanted = refusal("InvalidParameterValue", "Invalid availability zone: [us-east-1q]");
    assert_eq!(fixture.refused::<api::DescribeAvailabilityZones>(zone), wanted);
}

#[test]
fn who_may_not_and_who_only_tries() {
    let fixture = Fixture::new();
    let dry = || api::DescribeVpcsRequest { dry_run: Some(true), ..Default::default() };
    let tried = fixture.by::<api::DescribeVpcs>(&root(), dry()).unwrap_err();
    assert_eq!((tried.code, tried.status), ("DryRunOperation", 412));
    assert_eq!(tried.message, "Request would have succeeded, but DryRun flag is set.");
    let denied = fixture.by::<api::DescribeVpcs>(&nobody(), dry()).unwrap_err();
    assert_eq!((denied.code, denied.status), ("UnauthorizedOperation", 403));
    assert_eq!(
        denied.message,
        "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/nobody is not authorized \
         to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action"
    );
}
