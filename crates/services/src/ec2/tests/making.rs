//! VPCs, subnets, security groups and tags: made, changed, deleted.

use super::*;

fn subnet(vpc: &str, cidr: &str, zone: Option<&str>) -> api::CreateSubnetRequest {
    api::CreateSubnetRequest {
        vpc_id: vpc.to_owned(),
        cidr_block: Some(cidr.to_owned()),
        availability_zone: zone.map(str::to_owned),
        ..Default::default()
    }
}

fn delete_vpc(id: &str) -> api::DeleteVpcRequest {
    api::DeleteVpcRequest { vpc_id: id.to_owned(), ..Default::default() }
}

#[test]
fn a_vpc_from_beginning_to_end() {
    let fixture = Fixture::new();
    let vpc = fixture.vpc("10.0.3.4/16");
    let found = fixture.call::<api::DescribeVpcs>(api::DescribeVpcsRequest {
        vpc_ids: Some(vec![vpc.clone()]),
        ..Default::default()
    });
    assert_eq!(found.vpcs.unwrap()[0].cidr_block.as_deref(), Some("10.0.0.0/16"));
    let made =
        fixture.call::<api::CreateSubnet>(subnet(&vpc, "10.0.1.0/24", Some("us-east-1c"))).subnet.unwrap();
    assert_eq!(made.availability_zone_id.as_deref(), Some("use1-az3"));
    assert_eq!(made.available_ip_address_count, Some(251));
    let wanted =
        refusal("DependencyViolation", format!("The vpc '{vpc}' has dependencies and cannot be deleted."));
    assert_eq!(fixture.refused::<api::DeleteVpc>(delete_vpc(&vpc)), wanted);
    let id = made.subnet_id.unwrap();
    fixture.call::<api::DeleteSubnet>(api::DeleteSubnetRequest { subnet_id: id, ..Default::default() });
    fixture.call::<api::DeleteVpc>(delete_vpc(&vpc));
    let wanted = refusal("InvalidVpcID.NotFound", format!("The vpc ID '{vpc}' does not exist"));
    assert_eq!(fixture.refused::<api::DeleteVpc>(delete_vpc(&vpc)), wanted);
    let groups = fixture.call::<api::DescribeSecurityGroups>(api::DescribeSecurityGroupsRequest {
        filters: Some(vec![filter("vpc-id", &[&vpc])]),
        ..Default::default()
    });
    assert_eq!(groups.security_groups.unwrap(), []);
}

#[test]
fn blocks_that_do_not_do() {
    let fixture = Fixture::new();
    let vpc = fixture.vpc("10.0.0.0/16");
    let make = |cidr: &str| api::CreateVpcRequest { cidr_block: Some(cidr.to_owned()), ..Default::default() };
    let wanted = refusal("InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid.");
    assert_eq!(fixture.refused::<api::CreateVpc>(make("10.0.0.0/8")), wanted);
    let wanted = "Value (x) for parameter cidrBlock is invalid. This is not a valid CIDR block.";
    assert_eq!(fixture.refused::<api::CreateVpc>(make("x")), refusal("InvalidParameterValue", wanted));
    fixture.call::<api::CreateSubnet>(subnet(&vpc, "10.0.0.0/24", None));
    let wanted = refusal("InvalidSubnet.Conflict", "The CIDR '10.0.0.128/25' conflicts with another subnet");
    assert_eq!(fixture.refused::<api::CreateSubnet>(subnet(&vpc, "10.0.0.128/25", None)), wanted);
    let wanted = refusal("InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid.");
    assert_eq!(fixture.refused::<api::CreateSubnet>(subnet(&vpc, "10.1.0.0/24", None)), wanted);
    let (code, message) = fixture.refused::<api::CreateSubnet>(subnet(&vpc, "10.0.2.0/24", Some("z")));
    assert_eq!(code, "InvalidParameterValue");
    assert!(
        message.ends_with("following availability zones: us-east-1a, us-east-1b, us-east-1c."),
        "{message}"
    );
}

#[test]
fn security_groups() {
    let fixture = Fixture::new();
    let make = |name: &str| api::CreateSecurityGroupRequest {
        group_name: name.to_owned(),
        description: "for tests".to_owned(),
        ..Default::default()
    };
    let id = fixture.call::<api::CreateSecurityGroup>(make("app")).group_id.unwrap();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let wanted =
        refusal("InvalidGroup.Duplicate", format!("The security group 'app' already exists for VPC '{vpc}'"));
    assert_eq!(fixture.refused::<api::CreateSecurityGroup>(make("app")), wanted);
    let by_name =
        api::DeleteSecurityGroupRequest { group_name: Some("app".to_owned()), ..Default::default() };
    assert_eq!(fixture.call::<api::DeleteSecurityGroup>(by_name).group_id.as_deref(), Some(id.as_str()));
    let default =
        api::DeleteSecurityGroupRequest { group_name: Some("default".to_owned()), ..Default::default() };
    assert_eq!(fixture.refused::<api::DeleteSecurityGroup>(default).0, "CannotDelete");
}

#[test]
fn a_dry_run_makes_nothing() {
    let fixture = Fixture::new();
    let input = api::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".to_owned()),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::CreateVpc>(input).0, "DryRunOperation");
    let all = fixture.call::<api::DescribeVpcs>(api::DescribeVpcsRequest::default()).vpcs.unwrap();
    assert_eq!(all.len(), 1);
}

#[test]
fn tags() {
    let fixture = Fixture::new();
    let vpc = fixture.default_vpc().vpc_id.unwrap();
    let tag = |key: &str, value: &str| api::Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    let create = |id: &str, tags: Vec<api::Tag>| api::CreateTagsRequest {
        resources: vec![id.to_owned()],
        tags,
        ..Default::default()
    };
    fixture.call::<api::CreateTags>(create(&vpc, vec![tag("Name", "a"), tag("team", "x")]));
    fixture.call::<api::CreateTags>(create(&vpc, vec![tag("Name", "b")]));
    assert_eq!(fixture.default_vpc().tags.unwrap(), [tag("Name", "b"), tag("team", "x")]);
    let found = fixture.call::<api::DescribeTags>(api::DescribeTagsRequest {
        filters: Some(vec![filter("key", &["Name"])]),
        ..Default::default()
    });
    let found = found.tags.unwrap();
    assert_eq!((found.len(), found[0].resource_id.as_deref()), (1, Some(vpc.as_str())));
    let delete = |tags| api::DeleteTagsRequest { resources: vec![vpc.clone()], tags, ..Default::default() };
    fixture.call::<api::DeleteTags>(delete(Some(vec![tag("Name", "other")])));
    assert_eq!(fixture.default_vpc().tags.unwrap().len(), 2);
    fixture.call::<api::DeleteTags>(delete(None));
    assert_eq!(fixture.default_vpc().tags.unwrap(), []);
    let wanted = refusal("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist");
    assert_eq!(fixture.refused::<api::CreateTags>(create("subnet-1", vec![tag("a", "b")])), wanted);
    let wanted = refusal("InvalidID", "The ID 'x' is not valid");
    assert_eq!(fixture.refused::<api::CreateTags>(create("x", vec![tag("a", "b")])), wanted);
    assert_eq!(
        fixture.refused::<api::CreateTags>(create(&vpc, vec![tag("aws:x", "b")])).1,
        "Tag keys starting with 'aws:' are reserved for internal use"
    );
}
