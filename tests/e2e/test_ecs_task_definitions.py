"""Registering task definitions: every mistake gets AWS's words; what is accepted comes back with AWS's defaults."""

import copy
import re

import pytest
from botocore.exceptions import ClientError

from harness import raw
from harness.account import unique
from harness.errors import refused

REMOVE = object()
ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:registry-AbCdEf"
AWSLOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"},
}
ECR_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1"

FARGATE = {
    "family": "mistake",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "main", "image": "app:1"}],
}
EC2 = {"family": "mistake", "containerDefinitions": [{"name": "main", "image": "app:1", "memory": 64}]}


def changed(base, task=None, main=None, more=()):
    """A definition with members of the task and of the first container replaced, and containers added."""
    definition = copy.deepcopy(base)
    for target, change in ((definition, task or {}), (definition["containerDefinitions"][0], main or {})):
        for key, value in change.items():
            if value is REMOVE:
                target.pop(key, None)
            else:
                target[key] = value
    definition["containerDefinitions"] += more
    return definition


def second(**more):
    return {"name": "second", "image": "app:1", "memory": 64, **more}


PORTS = "portMappings"
CREDENTIALS = {"repositoryCredentials": {"credentialsParameter": ARN}}
SECRET = {"secrets": [{"name": "A", "valueFrom": ARN}]}
BAD_PARAMETER = (
    "The repository credentials parameter specified for container 'main' is invalid. Parameter names can include up to 255 "
    "(uppercase and lowercase), numbers, hyphens, and underscores are allowed. Spaces are not allowed."
)
SHARED_NAME = "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'."

# Whole texts: seen from AWS.
EXACT = {
    "private registry without role": (
        changed(FARGATE, main=CREDENTIALS),
        "Private repository authentication requires that the task definition specify a value for executionRoleArn.",
    ),
    "private registry without role on EC2": (
        changed(EC2, main=CREDENTIALS),
        "Private repository authentication requires that the task definition specify a value for executionRoleArn.",
    ),
    "secrets without role": (
        changed(FARGATE, main=SECRET),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ),
    "awslogs without role": (
        changed(FARGATE, main={"logConfiguration": AWSLOGS}),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ),
    "ECR image without role": (
        changed(FARGATE, main={"image": ECR_IMAGE}),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    "credential parameter with spaces": (
        changed(EC2, {"executionRoleArn": "r"}, {"repositoryCredentials": {"credentialsParameter": "my secret"}}),
        BAD_PARAMETER,
    ),
    "credential parameter too long": (
        changed(EC2, {"executionRoleArn": "r"}, {"repositoryCredentials": {"credentialsParameter": "x" * 256}}),
        BAD_PARAMETER,
    ),
    "credential parameter empty": (
        changed(EC2, {"executionRoleArn": "r"}, {"repositoryCredentials": {"credentialsParameter": ""}}),
        BAD_PARAMETER,
    ),
    "secret name with key is taken for a parameter": (
        changed(EC2, {"executionRoleArn": "r"}, {"secrets": [{"name": "A", "valueFrom": "name:key::"}]}),
        "The Systems Manager parameter name specified for secret A is invalid.",
    ),
    "name in environment and secrets": (
        changed(EC2, {"executionRoleArn": "r"}, {**SECRET, "environment": [{"name": "A", "value": "1"}]}),
        SHARED_NAME,
    ),
    "name twice in secrets": (changed(EC2, {"executionRoleArn": "r"}, {"secrets": SECRET["secrets"] * 2}), SHARED_NAME),
    "role that is none": (changed(EC2, {"executionRoleArn": "arn:aws:iam::000000000000:user/me"}), "Role is not valid"),
    "task role that is none": (changed(EC2, {"taskRoleArn": "not a role"}), "Role is not valid"),
    "no memory at all": (
        changed(EC2, main={"memory": REMOVE}),
        "Invalid setting for container 'main'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ),
    "ports that differ under awsvpc": (
        changed(FARGATE, main={PORTS: [{"containerPort": 80, "hostPort": 8080}]}),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    "awslogs without options": (
        changed(EC2, main={"logConfiguration": {"logDriver": "awslogs"}}),
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ),
    "SUCCESS of an essential container": (
        changed(EC2, main={"dependsOn": [{"containerName": "second", "condition": "SUCCESS"}]}, more=[second()]),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    "COMPLETE of an essential container": (
        changed(EC2, main={"dependsOn": [{"containerName": "second", "condition": "COMPLETE"}]}, more=[second()]),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    "Fargate without cpu": (
        changed(FARGATE, {"cpu": REMOVE}),
        "Fargate requires that 'cpu' be defined at the task level.",
    ),
    "Fargate without memory": (
        changed(FARGATE, {"memory": REMOVE}),
        "Fargate requires that 'memory' be defined at the task level.",
    ),
    "containers with more cpu than the task": (
        changed(FARGATE, main={"cpu": 512}),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ),
}

# AWS's words are known in part only: the code, and what the text must speak of.
PATTERNS = {
    "no containers": ({"family": "mistake", "containerDefinitions": []}, r"[Cc]ontainer"),
    "no family": (changed(EC2, {"family": ""}), r"[Ff]amily"),
    "family with spaces": (changed(EC2, {"family": "my app"}), r"[Ff]amily"),
    "family too long": (changed(EC2, {"family": "x" * 256}), r"[Ff]amily"),
    "container without image": (changed(EC2, main={"image": REMOVE}), r"image"),
    "container with empty image": (changed(EC2, main={"image": ""}), r"image"),
    "container without name": (changed(EC2, main={"name": REMOVE}), r"name"),
    "container name with spaces": (changed(EC2, main={"name": "my app"}), r"name"),
    "two containers of one name": (changed(EC2, more=[second(name="main")]), r"name|main"),
    "eleven containers": (changed(EC2, more=[second(name=f"c{i}") for i in range(10)]), r"10"),
    "nothing essential": (changed(EC2, main={"essential": False}), r"essential"),
    "memory below reservation": (changed(EC2, main={"memory": 64, "memoryReservation": 128}), r"memoryReservation"),
    "memory too small": (changed(EC2, main={"memory": 1}), r"memory"),
    "containers with more memory than the task": (changed(FARGATE, main={"memory": 1024}), r"memory"),
    "Fargate size that does not exist": (
        changed(FARGATE, {"cpu": "256", "memory": "8192"}),
        r"No Fargate configuration exists for given values",
    ),
    "cpu that is no number": (changed(FARGATE, {"cpu": "lots"}), r"[Cc]pu|CPU"),
    "memory that is no number": (changed(FARGATE, {"memory": "lots"}), r"[Mm]emory"),
    "Fargate on the bridge": (
        changed(FARGATE, {"networkMode": "bridge"}),
        r"Fargate only supports network mode .awsvpc.",
    ),
    "unknown network mode": (changed(EC2, {"networkMode": "carrier-pigeon"}), r"carrier-pigeon|network ?[Mm]ode"),
    "unknown compatibility": (changed(EC2, {"requiresCompatibilities": ["MOON"]}), r"MOON|[Cc]ompatib"),
    "dependency on nobody": (
        changed(EC2, main={"dependsOn": [{"containerName": "ghost", "condition": "START"}]}),
        r"ghost|depend",
    ),
    "dependency on itself": (
        changed(EC2, main={"dependsOn": [{"containerName": "main", "condition": "START"}]}),
        r"main|depend|cycl",
    ),
    "circle of dependencies": (
        changed(
            EC2,
            main={"dependsOn": [{"containerName": "second", "condition": "START"}]},
            more=[second(dependsOn=[{"containerName": "main", "condition": "START"}])],
        ),
        r"[Cc]ycl|[Cc]ircular|depend",
    ),
    "HEALTHY without health check": (
        changed(EC2, main={"dependsOn": [{"containerName": "second", "condition": "HEALTHY"}]}, more=[second()]),
        r"[Hh]ealth",
    ),
    "mount of no volume": (
        changed(EC2, main={"mountPoints": [{"sourceVolume": "ghost", "containerPath": "/x"}]}),
        r"ghost",
    ),
    "links under awsvpc": (
        changed(FARGATE, main={"links": ["second"]}, more=[second()]),
        r"[Ll]inks are not supported when networkMode=awsvpc",
    ),
    "links without bridge": (
        changed(EC2, {"networkMode": "host"}, {"links": ["second"]}, [second()]),
        r"[Ll]inks are not supported when networkMode=host",
    ),
    "ports without network": (
        changed(EC2, {"networkMode": "none"}, {PORTS: [{"containerPort": 80}]}),
        r"networkMode=none",
    ),
    "host mode with other host port": (
        changed(EC2, {"networkMode": "host"}, {PORTS: [{"containerPort": 80, "hostPort": 81}]}),
        r"networkMode=host",
    ),
    "port out of range": (changed(EC2, main={PORTS: [{"containerPort": 70000}]}), r"[Pp]ort"),
    "privileged on Fargate": (changed(FARGATE, main={"privileged": True}), r"[Pp]rivileged"),
    "host path on Fargate": (
        changed(FARGATE, {"volumes": [{"name": "v", "host": {"sourcePath": "/etc"}}]}),
        r"sourcePath|host",
    ),
    "log driver that Fargate has not": (
        changed(FARGATE, {"executionRoleArn": "r"}, {"logConfiguration": {"logDriver": "syslog"}}),
        r"syslog|[Ll]og",
    ),
    "awslogs on Fargate without prefix": (
        changed(
            FARGATE,
            {"executionRoleArn": "r"},
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}},
        ),
        r"awslogs-stream-prefix",
    ),
    "stop time-out over two minutes on Fargate": (changed(FARGATE, main={"stopTimeout": 121}), r"stopTimeout|[Ss]top"),
    "health check every second": (
        changed(EC2, main={"healthCheck": {"command": ["CMD", "true"], "interval": 1}}),
        r"[Ii]nterval|[Hh]ealth",
    ),
    "health check without command": (changed(EC2, main={"healthCheck": {"command": []}}), r"[Cc]ommand|[Hh]ealth"),
    "soft limit over hard limit": (
        changed(EC2, main={"ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 5}]}),
        r"[Ll]imit",
    ),
    "limit of no kind": (
        changed(EC2, main={"ulimits": [{"name": "patience", "softLimit": 1, "hardLimit": 1}]}),
        r"patience|ulimit|validation",
    ),
    "little ephemeral storage": (changed(FARGATE, {"ephemeralStorage": {"sizeInGiB": 10}}), r"[Ee]phemeral|21"),
    "environment file that is none": (
        changed(
            EC2, {"executionRoleArn": "r"}, {"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/k.txt"}]}
        ),
        r"\.env|[Ee]nvironment",
    ),
    "restart after a moment": (
        changed(EC2, main={"restartPolicy": {"enabled": True, "restartAttemptPeriod": 5}}),
        r"[Rr]estart",
    ),
    "volume twice": (changed(EC2, {"volumes": [{"name": "v"}, {"name": "v"}]}), r"[Vv]olume"),
    "tag of AWS's own": (changed(EC2, {"tags": [{"key": "aws:mine", "value": "x"}]}), r"aws:"),
}


def register_raw(admin, definition):
    """boto3 would refuse some of these itself; the service has to."""
    return raw.call_json(admin, "ecs", "RegisterTaskDefinition", definition)


@pytest.mark.parametrize("name", EXACT)
def test_mistakes_with_known_text(admin, name):
    definition, text = EXACT[name]
    answer = register_raw(admin, definition)
    assert (answer.status, answer.code) == (400, "ClientException"), answer.body
    assert answer.message == text


@pytest.mark.parametrize("name", PATTERNS)
def test_mistakes(admin, name):
    definition, pattern = PATTERNS[name]
    answer = register_raw(admin, definition)
    assert answer.status == 400, answer.body
    assert answer.code in ("ClientException", "InvalidParameterException"), answer.body
    assert re.search(pattern, answer.message), answer.message


def test_a_refused_definition_takes_no_revision(admin):
    family = unique("family")
    with pytest.raises(ClientError):
        admin.ecs.register_task_definition(family=family, containerDefinitions=[{"name": "a", "image": "b"}])
    good = {"name": "a", "image": "b", "memory": 64}
    assert (
        admin.ecs.register_task_definition(family=family, containerDefinitions=[good])["taskDefinition"]["revision"]
        == 1
    )


# --- what comes back ---


def test_defaults_that_terraform_compares(admin, account_id):
    family = unique("family")
    answer = admin.ecs.register_task_definition(
        family=family,
        containerDefinitions=[
            {"name": "main", "image": "app:1", "memory": 64, "portMappings": [{"containerPort": 80}]}
        ],
    )
    definition = answer["taskDefinition"]
    assert definition["taskDefinitionArn"] == f"arn:aws:ecs:us-east-1:{account_id}:task-definition/{family}:1"
    assert (definition["family"], definition["revision"], definition["status"]) == (family, 1, "ACTIVE")
    assert definition["volumes"] == []
    assert definition["placementConstraints"] == []
    assert definition["registeredAt"] and definition["registeredBy"].startswith(f"arn:aws:iam::{account_id}:")
    for absent in ("networkMode", "requiresCompatibilities", "cpu", "memory", "taskRoleArn", "executionRoleArn"):
        assert absent not in definition
    assert definition["containerDefinitions"] == [
        {
            "name": "main",
            "image": "app:1",
            "cpu": 0,
            "memory": 64,
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }
    ]
    assert set(definition["compatibilities"]) == {"EXTERNAL", "EC2"}
    assert answer.get("tags", []) == []


def test_defaults_on_fargate(admin, account_id):
    role = admin.execution_role(ARN)
    main = {
        "name": "main",
        "image": "app:1",
        "portMappings": [{"containerPort": 80}],
        "logConfiguration": AWSLOGS,
        **CREDENTIALS,
    }
    definition = admin.ecs.register_task_definition(
        **{**FARGATE, "family": unique("family"), "executionRoleArn": role, "containerDefinitions": [main]}
    )["taskDefinition"]
    assert definition["compatibilities"] == ["EC2", "MANAGED_INSTANCES", "FARGATE"]
    assert definition["requiresCompatibilities"] == ["FARGATE"]
    assert (definition["cpu"], definition["memory"], definition["networkMode"]) == ("256", "512", "awsvpc")
    container = definition["containerDefinitions"][0]
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]
    assert container["logConfiguration"] == AWSLOGS
    names = {attribute["name"] for attribute in definition["requiresAttributes"]}
    assert names >= {
        "ecs.capability.private-registry-authentication.secretsmanager",
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
        "ecs.capability.execution-role-awslogs",
        "ecs.capability.task-eni",
    }


@pytest.mark.parametrize(
    "main, attribute",
    [
        ({"secrets": [{"name": "A", "valueFrom": ARN}]}, "ecs.capability.secrets.asm.environment-variables"),
        ({"secrets": [{"name": "A", "valueFrom": "/app/a"}]}, "ecs.capability.secrets.ssm.environment-variables"),
        ({"image": ECR_IMAGE}, "com.amazonaws.ecs.capability.ecr-auth"),
        ({"image": ECR_IMAGE}, "ecs.capability.execution-role-ecr-pull"),
        ({"healthCheck": {"command": ["CMD", "true"]}}, "ecs.capability.container-health-check"),
        ({"privileged": True}, "com.amazonaws.ecs.capability.privileged-container"),
        ({"dependsOn": [{"containerName": "second", "condition": "START"}]}, "ecs.capability.container-ordering"),
        ({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/a.env"}]}, "ecs.capability.env-files.s3"),
        ({"restartPolicy": {"enabled": True}}, "ecs.capability.container-restart-policy"),
        (CREDENTIALS, "ecs.capability.private-registry-authentication.secretsmanager"),
    ],
)
def test_required_attributes(admin, main, attribute):
    definition = changed(EC2, {"family": unique("family"), "executionRoleArn": admin.role()}, main, [second()])
    registered = admin.ecs.register_task_definition(**definition)["taskDefinition"]
    assert attribute in {a["name"] for a in registered["requiresAttributes"]}


def test_a_task_role_requires_its_attribute(admin):
    definition = changed(EC2, {"family": unique("family"), "taskRoleArn": admin.role()})
    registered = admin.ecs.register_task_definition(**definition)["taskDefinition"]
    assert "com.amazonaws.ecs.capability.task-iam-role" in {a["name"] for a in registered["requiresAttributes"]}


@pytest.mark.parametrize(
    "given, kept",
    [
        (("1 vCPU", "2 GB"), ("1024", "2048")),
        (("1vcpu", "2GB"), ("1024", "2048")),
        ((".25 vCPU", "0.5 GB"), ("256", "512")),
        (("512", "1024"), ("512", "1024")),
    ],
)
def test_sizes_in_words(admin, given, kept):
    definition = changed(FARGATE, {"family": unique("family"), "cpu": given[0], "memory": given[1]})
    registered = admin.ecs.register_task_definition(**definition)["taskDefinition"]
    assert (registered["cpu"], registered["memory"]) == kept


def test_health_check_defaults(admin):
    definition = changed(EC2, {"family": unique("family")}, {"healthCheck": {"command": ["CMD-SHELL", "true"]}})
    check = admin.ecs.register_task_definition(**definition)["taskDefinition"]["containerDefinitions"][0]["healthCheck"]
    assert check == {"command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3}


def test_a_role_by_name_is_completed(admin, account_id):
    role = admin.role()
    definition = changed(EC2, {"family": unique("family"), "executionRoleArn": role.rsplit("/", 1)[1]})
    assert admin.ecs.register_task_definition(**definition)["taskDefinition"]["executionRoleArn"] == role


# --- revisions ---


def test_revisions(admin):
    family = unique("family")
    for expected in (1, 2, 3):
        registered = admin.ecs.register_task_definition(**changed(EC2, {"family": family}))["taskDefinition"]
        assert registered["revision"] == expected
    assert admin.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["revision"] == 3
    assert admin.ecs.describe_task_definition(taskDefinition=f"{family}:2")["taskDefinition"]["revision"] == 2
    gone = admin.ecs.deregister_task_definition(taskDefinition=f"{family}:3")["taskDefinition"]
    assert gone["status"] == "INACTIVE" and gone["deregisteredAt"]
    assert admin.ecs.describe_task_definition(taskDefinition=f"{family}:3")["taskDefinition"]["status"] == "INACTIVE"
    assert admin.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["revision"] == 2
    arns = admin.ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    assert [arn.rsplit(":", 1)[1] for arn in arns] == ["1", "2"]
    arns = admin.ecs.list_task_definitions(familyPrefix=family, sort="DESC")["taskDefinitionArns"]
    assert [arn.rsplit(":", 1)[1] for arn in arns] == ["2", "1"]
    assert family in admin.ecs.list_task_definition_families(familyPrefix=family)["families"]


def test_a_definition_that_is_not_there(admin):
    for name in (unique("missing"), f"{unique('missing')}:1"):
        with refused("ClientException", "Unable to describe task definition."):
            admin.ecs.describe_task_definition(taskDefinition=name)


def test_tags(admin):
    definition = changed(EC2, {"family": unique("family"), "tags": [{"key": "a", "value": "1"}]})
    answer = admin.ecs.register_task_definition(**definition)
    assert answer["tags"] == [{"key": "a", "value": "1"}]
    arn = answer["taskDefinition"]["taskDefinitionArn"]
    admin.ecs.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    admin.ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert admin.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert admin.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"] == [
        {"key": "b", "value": "2"}
    ]
    assert "tags" not in admin.ecs.describe_task_definition(taskDefinition=arn)
