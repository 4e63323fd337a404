"""VPCs, subnets, security groups and VPC endpoints through boto3 and the AWS CLI."""

import json

import pytest

from harness.account import allow, unique
from harness.errors import refused

DKR = "com.amazonaws.us-east-1.ecr.dkr"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@pytest.fixture
def ec2(admin):
    return admin.client("ec2")


def test_the_default_vpc_through_the_command_line(admin, ec2):
    (vpc,) = admin.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")["Vpcs"]
    assert (vpc["CidrBlock"], vpc["IsDefault"], vpc["OwnerId"]) == ("172.31.0.0/16", True, admin.id)
    assert vpc["CidrBlockAssociationSet"][0]["CidrBlockState"] == {"State": "associated"}
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert {it["AvailabilityZone"] for it in subnets} == {"us-east-1a", "us-east-1b", "us-east-1c"}
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {it["ZoneId"] for it in zones} == {"use1-az1", "use1-az2", "use1-az3"}
    (group,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"] == [{"UserId": admin.id, "GroupId": group["GroupId"]}]
    assert ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {
        "Value": True
    }


def test_a_vpc_with_everything_in_it(ec2):
    tags = [{"Key": "Name", "Value": unique("vpc")}]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"]
    assert vpc["Tags"] == tags
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc["VpcId"]])
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.9.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]
    group = ec2.create_security_group(VpcId=vpc["VpcId"], GroupName="ends", Description="of endpoints")["GroupId"]
    ec2.create_tags(Resources=[subnet["SubnetId"], group], Tags=tags)
    found = ec2.describe_tags(Filters=[{"Name": "value", "Values": [tags[0]["Value"]]}])["Tags"]
    assert {it["ResourceId"] for it in found} == {vpc["VpcId"], subnet["SubnetId"], group}
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": True})
    policy = {"Version": "2012-10-17", "Statement": [OPEN]}
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        VpcId=vpc["VpcId"],
        ServiceName=DKR,
        SubnetIds=[subnet["SubnetId"]],
        SecurityGroupIds=[group],
        PolicyDocument=json.dumps(policy),
    )["VpcEndpoint"]
    assert (endpoint["State"], endpoint["PrivateDnsEnabled"]) == ("available", True)
    assert endpoint["Groups"] == [{"GroupId": group, "GroupName": "ends"}]
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
    (found,) = [it for page in pages for it in page["VpcEndpoints"]]
    assert json.loads(found["PolicyDocument"]) == policy
    text = f"The vpc '{vpc['VpcId']}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_vpc(VpcId=vpc["VpcId"])
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"] == []
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc['VpcId']}' does not exist") as caught:
        ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])
    assert caught.status == 400


def test_refusals(admin, ec2):
    user = admin.user(allow("ec2:DescribeSubnets"))
    arn = user.sts.get_caller_identity()["Arn"]
    text = (
        f"You are not authorized to perform this operation. User: {arn} is not authorized to perform: "
        "ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action"
    )
    with refused("UnauthorizedOperation", text) as caught:
        user.client("ec2").describe_vpcs()
    assert caught.status == 403
    user.client("ec2").describe_subnets()
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.") as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert caught.status == 412
    with refused("InvalidServiceName", "The Vpc Endpoint Service 'com.amazonaws.us-east-1.x' does not exist"):
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        ec2.create_vpc_endpoint(VpcEndpointType="Interface", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.x")
    done = admin.aws("ec2", "describe-subnets", "--subnet-ids", "subnet-1", check=False)
    assert "(InvalidSubnetID.NotFound)" in done.stderr
    assert "The subnet ID 'subnet-1' does not exist" in done.stderr
    with refused("InvalidAction", "The action AcceptAddressTransfer is not valid for this web service."):
        ec2.accept_address_transfer(Address="1.2.3.4")
