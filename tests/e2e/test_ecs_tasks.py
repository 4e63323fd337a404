"""Clusters and tasks: running, describing, listing, stopping, and the mistakes one can make with them."""

import json
import uuid

import pytest

from harness import raw
from harness.account import AWSVPC, allow, unique
from harness.errors import refused
from harness.tasks import FARGATE_SIZE, container, exit_code, task_id

SLEEP = "trap 'exit 0' TERM; sleep 60 & wait"


@pytest.fixture
def plain(admin):
    """A task definition that is never started."""
    family = unique("plain")
    admin.ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        **FARGATE_SIZE,
        containerDefinitions=[{"name": "main", "image": "127.0.0.1:1/none"}],
    )
    return family


# --- clusters ---


def test_clusters(admin, account_id):
    name = unique("cluster")
    made = admin.ecs.create_cluster(clusterName=name, tags=[{"key": "a", "value": "1"}])["cluster"]
    assert made["clusterArn"] == f"arn:aws:ecs:us-east-1:{account_id}:cluster/{name}"
    assert (
        made["status"],
        made["runningTasksCount"],
        made["pendingTasksCount"],
        made["registeredContainerInstancesCount"],
        made["activeServicesCount"],
    ) == ("ACTIVE", 0, 0, 1, 0)  # the one container instance is the server's own machine
    assert admin.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"] == made["clusterArn"]
    described = admin.ecs.describe_clusters(clusters=[name, "missing"], include=["TAGS"])
    assert described["clusters"][0]["tags"] == [{"key": "a", "value": "1"}]
    assert described["failures"] == [
        {"arn": f"arn:aws:ecs:us-east-1:{account_id}:cluster/missing", "reason": "MISSING"}
    ]
    assert made["clusterArn"] in [
        arn for page in admin.ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]
    ]
    assert admin.ecs.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"
    assert admin.ecs.describe_clusters(clusters=[name])["clusters"][0]["status"] == "INACTIVE"
    with refused("ClusterNotFoundException", "Cluster not found."):
        admin.ecs.list_tasks(cluster=unique("missing"))


def test_a_cluster_with_tasks_is_not_deleted(tasks, admin):
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP)))
    tasks.wait_running(arn)
    cluster = admin.ecs.describe_clusters(clusters=[tasks.cluster])["clusters"][0]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"]) == (1, 0)
    with refused("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."):
        admin.ecs.delete_cluster(cluster=tasks.cluster)


# --- run ---


def test_run_task_answers_at_once(tasks, admin, account_id):
    definition = tasks.define(tasks.container(command=SLEEP))
    answer = tasks.run_raw(definition, count=2, startedBy="me", tags=[{"key": "a", "value": "1"}])
    assert answer["failures"] == []
    assert len({task["taskArn"] for task in answer["tasks"]}) == 2
    family = definition.split("/")[1].split(":")[0]
    for task in answer["tasks"]:
        assert task["taskArn"].startswith(f"arn:aws:ecs:us-east-1:{account_id}:task/{tasks.cluster}/")
        assert len(task_id(task["taskArn"])) == 32
        assert task["lastStatus"] in ("PROVISIONING", "PENDING")
        assert (task["desiredStatus"], task["launchType"], task["group"], task["startedBy"]) == (
            "RUNNING",
            "FARGATE",
            f"family:{family}",
            "me",
        )
        assert (task["cpu"], task["memory"], task["taskDefinitionArn"]) == ("256", "512", definition)
        assert task["tags"] == [{"key": "a", "value": "1"}]
        assert task["platformVersion"] and task["platformFamily"] == "Linux"
        assert task["containers"][0]["lastStatus"] == "PENDING"
        assert task["version"] >= 1
        assert task["attachments"][0]["type"] == "ElasticNetworkInterface"


def test_a_life(tasks):
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP)))
    running = tasks.wait_running(arn)
    for member in ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "connectivityAt"):
        assert running[member]
    assert running["createdAt"] <= running["pullStartedAt"] <= running["pullStoppedAt"] <= running["startedAt"]
    assert container(running)["lastStatus"] == "RUNNING"
    assert container(running)["runtimeId"]
    assert container(running)["networkInterfaces"][0]["privateIpv4Address"]
    stopped = tasks.stop(arn, "enough")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert stopped["desiredStatus"] == "STOPPED"
    assert stopped["startedAt"] <= stopped["stoppingAt"] <= stopped["stoppedAt"]
    assert exit_code(stopped) == 0
    assert stopped["version"] > running["version"]


def test_stopped_by_nobody_in_particular(tasks):
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP)))
    tasks.wait_running(arn)
    assert tasks.stop(arn)["stoppedReason"] == "Task stopped by user"


def test_stopping_while_it_is_still_being_prepared(tasks):
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP)))
    stopped = tasks.stop(arn, "changed my mind")
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedReason"] == "changed my mind"


def test_stopping_twice_is_harmless(tasks, admin):
    task = tasks.finish(tasks.container(command="exit 3"))
    again = admin.ecs.stop_task(cluster=tasks.cluster, task=task["taskArn"], reason="late")["task"]
    assert again["stoppedReason"] == "Essential container in task exited"


def test_the_same_client_token_is_the_same_task(tasks):
    definition, token = tasks.define(tasks.container(command=SLEEP)), uuid.uuid4().hex
    first = tasks.run_raw(definition, clientToken=token)["tasks"][0]["taskArn"]
    second = tasks.run_raw(definition, clientToken=token)["tasks"][0]["taskArn"]
    assert first == second
    with refused("ConflictException"):
        tasks.run_raw(definition, clientToken=token, startedBy="somebody else")


def test_overrides(tasks):
    main = tasks.container(
        command="echo definition $A $B", environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    )
    overrides = {
        "containerOverrides": [
            {
                "name": "main",
                "command": ["sh", "-c", "echo override $A $B"],
                "environment": [{"name": "B", "value": "3"}],
            }
        ]
    }
    task = tasks.finish(main, overrides=overrides)
    assert tasks.lines(task) == ["override 1 3"]
    assert task["overrides"]["containerOverrides"][0]["command"] == ["sh", "-c", "echo override $A $B"]


def test_an_override_for_nobody(tasks):
    definition = tasks.define(tasks.container(command="true"))
    with refused(
        "InvalidParameterException", "Override for container named ghost is not a container in the TaskDefinition."
    ):
        tasks.run_raw(definition, overrides={"containerOverrides": [{"name": "ghost", "command": ["x"]}]})


# --- mistakes ---


@pytest.fixture
def default_cluster(admin):
    """Calls that name no cluster mean this one, which is only there once somebody has made it."""
    return admin.ecs.create_cluster()["cluster"]["clusterArn"]


def test_no_network_configuration(admin, plain, default_cluster):
    text = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    with refused("InvalidParameterException", text):
        admin.ecs.run_task(taskDefinition=plain, launchType="FARGATE")


def test_network_configuration_for_another_mode(tasks):
    definition = tasks.define(tasks.container(command="true"), network="bridge")
    text = "Network Configuration is not valid for the given networkMode of this task definition."
    with refused("InvalidParameterException", text):
        tasks.run_raw(definition, "bridge", networkConfiguration=AWSVPC)


def test_a_definition_for_another_launch_type(tasks):
    definition = tasks.define(tasks.container(command="true"), network="bridge")
    with refused("InvalidParameterException"):
        tasks.run_raw(definition, "awsvpc")


def test_a_missing_definition(tasks):
    with refused("ClientException", "TaskDefinition not found."):
        tasks.run_raw(unique("missing"))


def test_an_inactive_definition(tasks, admin):
    definition = tasks.define(tasks.container(command="true"))
    admin.ecs.deregister_task_definition(taskDefinition=definition)
    with refused("ClientException", "TaskDefinition is inactive"):
        tasks.run_raw(definition)


def test_a_missing_cluster(tasks, plain):
    with refused("ClusterNotFoundException", "Cluster not found."):
        tasks.run_raw(plain, cluster=unique("missing"))


@pytest.mark.parametrize(
    "body",
    [
        {"count": 11},
        {"count": 0},
        {"count": -1},
        {"startedBy": "x" * 129},
        {"launchType": "MOON"},
        {"group": "family:x" * 100},
        {"clientToken": "x" * 65},
    ],
)
def test_bad_parameters(admin, plain, default_cluster, body):
    answer = raw.call_json(
        admin,
        "ecs",
        "RunTask",
        {"taskDefinition": plain, "networkConfiguration": AWSVPC, "launchType": "FARGATE", **body},
    )
    assert (answer.status, answer.code) == (400, "InvalidParameterException"), answer.body


def test_no_definition_at_all(admin):
    answer = raw.call_json(admin, "ecs", "RunTask", {})
    assert answer.status == 400
    assert answer.code in ("InvalidParameterException", "ClientException")


def test_describing_what_is_not_there(tasks, admin, account_id):
    missing = uuid.uuid4().hex
    answer = admin.ecs.describe_tasks(cluster=tasks.cluster, tasks=[missing])
    assert answer["tasks"] == []
    assert answer["failures"] == [
        {"arn": f"arn:aws:ecs:us-east-1:{account_id}:task/{tasks.cluster}/{missing}", "reason": "MISSING"}
    ]
    with refused("InvalidParameterException"):
        admin.ecs.describe_tasks(cluster=tasks.cluster, tasks=[uuid.uuid4().hex] * 101)


def test_stopping_what_is_not_there(tasks, admin):
    with refused("InvalidParameterException", "The referenced task was not found."):
        admin.ecs.stop_task(cluster=tasks.cluster, task=uuid.uuid4().hex)


# --- lists and tags ---


def test_lists(tasks, admin):
    definition = tasks.define(tasks.container(command=SLEEP))
    family, who = definition.split("/")[1].split(":")[0], unique("who")
    running = {task["taskArn"] for task in tasks.run_raw(definition, count=3, startedBy=who)["tasks"]}
    ended = tasks.finish(tasks.container(command="true"))["taskArn"]

    def listed(**more):
        pages = admin.ecs.get_paginator("list_tasks").paginate(
            cluster=tasks.cluster, PaginationConfig={"PageSize": 2}, **more
        )
        return {arn for page in pages for arn in page["taskArns"]}

    assert listed(family=family) == running
    assert listed(startedBy=who) == running
    assert running <= listed(launchType="FARGATE")
    assert ended not in listed()
    assert ended in listed(desiredStatus="STOPPED")
    assert listed(launchType="EC2") & running == set()


def test_tags(tasks, admin):
    definition = tasks.define(tasks.container(command=SLEEP), tags=[{"key": "from", "value": "definition"}])
    arn = tasks.run(definition, propagateTags="TASK_DEFINITION", tags=[{"key": "own", "value": "1"}])
    assert {t["key"]: t["value"] for t in tasks.describe(arn)["tags"]} == {"from": "definition", "own": "1"}
    admin.ecs.tag_resource(resourceArn=arn, tags=[{"key": "own", "value": "2"}])
    admin.ecs.untag_resource(resourceArn=arn, tagKeys=["from"])
    assert admin.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "own", "value": "2"}]


def test_short_ids_and_names_are_taken(tasks, admin):
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP)))
    for cluster in (tasks.cluster, f"arn:aws:ecs:us-east-1:{arn.split(':')[4]}:cluster/{tasks.cluster}"):
        for task in (arn, task_id(arn)):
            assert admin.ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]["taskArn"] == arn


@pytest.mark.parametrize(
    "options",
    [{"awslogs-multiline-pattern": "^[A-Z]+ "}, {"awslogs-datetime-format": "%Y-%m-%d"}],
    ids=["pattern", "datetime"],
)
def test_lines_of_one_event(tasks, options):
    first = "ERROR " if "awslogs-multiline-pattern" in options else "2026-11-26 "
    command = f"echo '{first}x'; echo '  at a'; echo '  at b'; echo '{first}y'"
    lines = tasks.output(command, logConfiguration=tasks.awslogs(**options))
    assert lines == [f"{first}x\n  at a\n  at b", f"{first}y"]


def test_a_pattern_that_is_none(tasks):
    wrong = tasks.container(command="true", logConfiguration=tasks.awslogs(**{"awslogs-multiline-pattern": "("}))
    with refused("ClientException", 'awslogs could not parse multiline pattern key "("'):
        tasks.define(wrong)


def test_options_of_the_log_driver_from_secrets(tasks, admin):
    """`secretOptions`: the values take the place of equal options, and are nowhere to be read."""
    group, pattern = unique("/from-a-secret"), unique("pattern")
    admin.client("logs").create_log_group(logGroupName=group)
    secret = admin.client("secretsmanager").create_secret(
        Name=unique("options"), SecretString=json.dumps({"group": group, "unused": "x"})
    )["ARN"]
    admin.client("ssm").put_parameter(Name=pattern, Value="^[A-Z]+ ", Type="SecureString")
    role = admin.role(allow(["secretsmanager:GetSecretValue", "ssm:GetParameters", "logs:*"]), prefix="exec")
    options = [
        {"name": "awslogs-group", "valueFrom": f"{secret}:group::"},
        {"name": "awslogs-multiline-pattern", "valueFrom": pattern},
    ]
    logs = {**tasks.awslogs(), "secretOptions": options}
    command = "env; echo 'ERROR x'; echo '  at a'; echo 'ERROR y'"
    definition = tasks.define(tasks.container(command=command, logConfiguration=logs), executionRoleArn=role)
    task = tasks.wait_stopped(tasks.run(definition))
    assert exit_code(task) == 0, tasks.story(task)
    events = admin.client("logs").filter_log_events(logGroupName=group)["events"]
    messages = [event["message"] for event in events]
    assert messages[-2:] == ["ERROR x\n  at a", "ERROR y"], tasks.story(task)
    assert group not in "".join(messages)
    assert group not in json.dumps(task, default=str)
