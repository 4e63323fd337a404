"""Tasks in a VPC: the policy of the guide on the task execution role, and policies of VPC endpoints, with real pulls."""

import json
import re

import pytest

from harness import ecr
from harness.account import Account, unique
from harness.tasks import Tasks, assert_never_ran, exit_code
from harness.waiting import until

LAYERS = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}


@pytest.fixture
def world(make_server, registry):
    """A server of its own: an endpoint of the default VPC has a say in every task of its account."""
    server = make_server()
    account = Account.from_env(server.env())
    tasks = Tasks(server, account, registry)
    repository = ecr.repository(account)
    ecr.Registry.of(account).push(ecr.several_layers(unique("vpc")), repository["repositoryUri"], "v1")
    host = f"{repository['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    yield server, account, tasks, f"{host}/{repository['repositoryName']}:v1"
    tasks.end()


def endpoint(account, service, policy=None):
    ec2 = account.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    more = {"PolicyDocument": json.dumps(policy)} if policy else {}
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId=vpc, ServiceName=f"com.amazonaws.us-east-1.{service}", PrivateDnsEnabled=True, **more
    )["VpcEndpoint"]
    return vpc, made["VpcEndpointId"]


def gateway(account, resource):
    """An endpoint for S3 in the route table of the default VPC, which lets objects of this ARN through."""
    ec2 = account.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}]}
    return ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[tables[0]["RouteTableId"]],
        PolicyDocument=json.dumps(policy),
    )["VpcEndpoint"]["VpcEndpointId"]


def conditional_role(account, vpc, vpce):
    """The document's own policy: a token from anywhere, images through one endpoint of one VPC."""
    condition = {"StringEquals": {"aws:sourceVpce": vpce, "aws:sourceVpc": vpc}}
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    pull = {"Effect": "Allow", "Action": PULL, "Resource": "*", "Condition": condition}
    return account.execution_role(extra=[token, pull, LOGS], managed=())


def definition(tasks, image, role):
    container = tasks.container(image=image)
    container.pop("repositoryCredentials", None)
    container.pop("command", None)
    return tasks.define(container, executionRoleArn=role)


def refused(server, tasks, image, role):
    """A task that never runs; how it ended, and what the trace and `explain` say."""
    task, seen = tasks.watch(tasks.run(definition(tasks, image, role)))
    assert_never_ran(task, seen)
    assert task["stoppedReason"].startswith("CannotPullContainerError: "), task["stoppedReason"]
    explained = server.command("explain", task["taskArn"], environment=tasks.account.env(), check=True)
    return json.dumps(tasks.trace(task["taskArn"])), explained.stdout


def runs(tasks, image, role):
    task = tasks.wait_stopped(tasks.run(definition(tasks, image, role)))
    assert exit_code(task) == 0, task.get("stoppedReason")


def test_the_policy_of_the_guide_decides(world):
    server, account, tasks, image = world
    vpc, vpce = endpoint(account, "ecr.dkr")
    account.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[vpce])
    told, explained = refused(server, tasks, image, conditional_role(account, vpc, vpce))
    assert "because no identity-based policy allows the ecr:BatchGetImage action" in told
    assert "create-vpc-endpoint" in explained, explained
    vpc, vpce = endpoint(account, "ecr.dkr")
    # The token comes another way and carries neither key, whether its endpoint is there or not.
    endpoint(account, "ecr.api")
    role = conditional_role(account, vpc, vpce)
    runs(tasks, image, role)
    other = conditional_role(account, vpc, "vpce-0123456789abcdef0")
    refused(server, tasks, image, other)
    definition_of = account.ecs.describe_task_definition(taskDefinition=definition(tasks, image, role))["taskDefinition"]
    checked = server.command("check", "-", input=json.dumps(definition_of, default=str), environment=account.env())
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_policy_of_an_endpoint_decides_too(world):
    server, account, tasks, image = world
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:DescribeImages", "Resource": "*"}
    vpc, vpce = endpoint(account, "ecr.dkr", {"Version": "2012-10-17", "Statement": [statement]})
    role = conditional_role(account, vpc, vpce)
    told, explained = refused(server, tasks, image, role)
    assert "because no VPC endpoint policy allows the ecr:BatchGetImage action" in told, told
    assert "modify-vpc-endpoint" in explained, explained
    everything = {"Version": "2012-10-17", "Statement": [{**statement, "Action": "*"}]}
    account.client("ec2").modify_vpc_endpoint(VpcEndpointId=vpce, PolicyDocument=json.dumps(everything))
    runs(tasks, image, role)


def test_secrets_come_through_their_own_endpoint(world):
    server, account, tasks, image = world
    vpc, vpce = endpoint(account, "secretsmanager")
    secret = account.client("secretsmanager").create_secret(Name=unique("vpc"), SecretString="s3cret")["ARN"]
    condition = {"StringEquals": {"aws:SourceVpce": vpce}}
    read = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", "Condition": condition}
    pull = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", *PULL], "Resource": "*"}
    role = account.execution_role(extra=[read, pull, LOGS], managed=())

    def start():
        container = tasks.container(image=image, secrets=[{"name": "TOKEN", "valueFrom": secret}])
        container.pop("repositoryCredentials", None)
        container.pop("command", None)
        return tasks.wait_stopped(tasks.run(tasks.define(container, executionRoleArn=role)))

    assert exit_code(start()) == 0
    account.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[vpce])
    until("the endpoint's end", lambda: not account.client("ec2").describe_vpc_endpoints()["VpcEndpoints"], 30)
    stopped = start()["stoppedReason"]
    assert stopped.startswith("ResourceInitializationError: unable to pull secrets or registry auth"), stopped
    assert "is not authorized to perform: secretsmanager:GetSecretValue" in stopped, stopped


def test_layers_come_through_the_endpoint_for_s3(world):
    server, account, tasks, image = world
    vpce = gateway(account, "arn:aws:s3:::mine/*")
    pull = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", *PULL], "Resource": "*"}
    role = account.execution_role(extra=[pull, LOGS], managed=())
    task, seen = tasks.watch(tasks.run(definition(tasks, image, role)))
    assert_never_ran(task, seen)
    assert re.fullmatch(
        r"CannotPullContainerError: ref pull has been retried 1 time\(s\): failed to copy: httpReadSeeker: failed open: unexpected "
        r"status code https://prod-us-east-1-starport-layer-bucket\.s3\.us-east-1\.amazonaws\.com/[0-9a-f]{64}: 403 Forbidden",
        task["stoppedReason"],
    ), task["stoppedReason"]
    explained = server.command("explain", task["taskArn"], environment=account.env(), check=True).stdout
    assert f"the VPC endpoint `{vpce}` does not let layers of ECR through" in explained, explained
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": LAYERS}]}
    account.client("ec2").modify_vpc_endpoint(VpcEndpointId=vpce, PolicyDocument=json.dumps(policy))
    runs(tasks, image, role)


def test_a_check_knows_the_subnet(world):
    server, account, tasks, image = world
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.ecr.dkr", PrivateDnsEnabled=False
    )["VpcEndpoint"]["VpcEndpointId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_endpoint(VpcEndpointId=made, PrivateDnsEnabled=True)
    role = conditional_role(account, vpc, made)
    described = account.ecs.describe_task_definition(taskDefinition=definition(tasks, image, role))["taskDefinition"]
    text = json.dumps(described, default=str)
    inside = server.command("check", "-", "--subnet", subnet, input=text, environment=account.env())
    assert inside.returncode == 0, inside.stdout + inside.stderr
    outside = server.command("check", "-", input=text, environment=account.env())
    assert outside.returncode == 1
    assert "only through a VPC endpoint, and the call came through none" in outside.stdout, outside.stdout


def test_a_role_that_may_not_have_layers(world):
    server, account, tasks, image = world
    pull = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"], "Resource": "*"}
    role = account.execution_role(extra=[pull, LOGS], managed=())
    task, seen = tasks.watch(tasks.run(definition(tasks, image, role)))
    assert_never_ran(task, seen)
    host, rest = image.rsplit(":", 1)[0].split("/", 1)
    assert re.fullmatch(
        r"CannotPullContainerError: ref pull has been retried 1 time\(s\): failed to copy: httpReadSeeker: failed open: unexpected "
        rf"status code https://{host}/v2/{rest}/blobs/sha256:[0-9a-f]{{64}}: 403 Forbidden - Server message: denied: User: \S+ is not "
        r"authorized to perform: ecr:GetDownloadUrlForLayer on resource: \S+ because no identity-based policy allows the "
        r"ecr:GetDownloadUrlForLayer action",
        task["stoppedReason"],
    ), task["stoppedReason"]
