"""The main job, word for word as the README has it: with the AWS CLI and with boto3, against two kinds of private registry."""

import json

import pytest

from harness import sensitive
from harness.account import AWSVPC, ECS_TASKS, EXECUTION_POLICY, SUBNET, allow, trust, unique
from harness.tasks import Tasks, container, exit_code, task_id


@pytest.fixture(params=["basic", "bearer"])
def private_registry(request):
    """Both kinds of registry."""
    return request.getfixturevalue({"basic": "registry", "bearer": "bearer_registry"}[request.param])


def definition(family, image, secret_arn, role_arn, group):
    """The task definition of the quickstart."""
    return {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": role_arn,
        "containerDefinitions": [
            {
                "name": "app",
                "image": image,
                "repositoryCredentials": {"credentialsParameter": secret_arn},
                "command": ["echo", "hello from a private image"],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"},
                },
            }
        ],
    }


def test_with_the_aws_cli(admin, private_registry, tmp_path):
    name = unique("quick")
    sensitive.remember(private_registry.password)
    credential = json.dumps({"username": private_registry.username, "password": private_registry.password})
    secret = admin.aws("secretsmanager", "create-secret", "--name", name, "--secret-string", credential)["ARN"]
    trusted = json.dumps(trust(ECS_TASKS))
    role = admin.aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", trusted)["Role"]["Arn"]
    admin.aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", EXECUTION_POLICY)
    inline = json.dumps(allow("secretsmanager:GetSecretValue", secret))
    admin.aws("iam", "put-role-policy", "--role-name", name, "--policy-name", "registry", "--policy-document", inline)
    admin.aws("logs", "create-log-group", "--log-group-name", f"/ecs/{name}")
    admin.aws("ecs", "create-cluster", "--cluster-name", name)
    file = tmp_path / "task.json"
    file.write_text(json.dumps(definition(name, private_registry.image(), secret, role, f"/ecs/{name}")))
    admin.aws("ecs", "register-task-definition", "--cli-input-json", f"file://{file}")
    network = f"awsvpcConfiguration={{subnets=[{SUBNET}],assignPublicIp=ENABLED}}"
    started = admin.aws(
        "ecs",
        "run-task",
        "--cluster",
        name,
        "--task-definition",
        name,
        "--launch-type",
        "FARGATE",
        "--network-configuration",
        network,
    )
    assert started["failures"] == []
    arn = started["tasks"][0]["taskArn"]
    admin.aws("ecs", "wait", "tasks-stopped", "--cluster", name, "--tasks", arn, timeout=120)
    task = admin.aws("ecs", "describe-tasks", "--cluster", name, "--tasks", arn)["tasks"][0]
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert exit_code(task, "app") == 0
    stream = f"app/app/{task_id(arn)}"
    events = admin.aws("logs", "get-log-events", "--log-group-name", f"/ecs/{name}", "--log-stream-name", stream)[
        "events"
    ]
    assert [event["message"] for event in events] == ["hello from a private image"]


def test_with_boto3(admin, private_registry):
    name = unique("quick")
    secret = admin.registry_secret(private_registry)
    role = admin.execution_role(secret)
    group = admin.log_group()
    admin.ecs.create_cluster(clusterName=name)
    registered = admin.ecs.register_task_definition(**definition(name, private_registry.image(), secret, role, group))
    arn = admin.ecs.run_task(
        cluster=name,
        taskDefinition=registered["taskDefinition"]["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration=AWSVPC,
    )["tasks"][0]["taskArn"]
    admin.ecs.get_waiter("tasks_stopped").wait(cluster=name, tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    task = admin.ecs.describe_tasks(cluster=name, tasks=[arn])["tasks"][0]
    assert exit_code(task, "app") == 0
    assert admin.messages(group, f"app/app/{task_id(arn)}") == ["hello from a private image"]


@pytest.fixture
def private_tasks(server, admin, private_registry):
    made = Tasks(server, admin, private_registry)
    yield made
    assert not made.end()


def test_the_image_is_reported_by_its_digest(private_tasks, private_registry):
    task = private_tasks.finish(private_tasks.container(command="true"))
    image = private_registry.image()
    assert container(task)["image"] == image
    assert container(task)["imageDigest"] == private_registry.digest(image)
    assert exit_code(task) == 0


def test_an_image_by_digest(private_tasks, private_registry):
    image = private_registry.image()
    repository = image.rsplit(":", 1)[0]
    pinned = f"{repository}@{private_registry.digest(image)}"
    task = private_tasks.finish(private_tasks.container(image=pinned, command="echo pinned"))
    assert exit_code(task) == 0
    assert private_tasks.lines(task) == ["pinned"]


def test_an_image_by_tag_and_digest(private_tasks, private_registry):
    image = private_registry.image()
    task = private_tasks.finish(
        private_tasks.container(image=f"{image}@{private_registry.digest(image)}", command="echo pinned")
    )
    assert exit_code(task) == 0


@pytest.mark.parametrize("kind", ["docker", "oci", "index", "zstd", "layers"])
def test_kinds_of_image(private_tasks, private_registry, kind):
    """Docker schema 2, OCI, an index with a choice of platforms, zstd layers, many layers."""
    task = private_tasks.finish(private_tasks.container(image=private_registry.image(kind), command="echo it runs"))
    assert exit_code(task) == 0, private_tasks.story(task)
    assert private_tasks.lines(task) == ["it runs"]


@pytest.mark.parametrize("form", ["arn", "arn-without-suffix", "name"])
def test_forms_of_credentials_parameter(tasks, admin, registry, form):
    arn = admin.registry_secret(registry)
    name = arn.split(":secret:")[1][:-7]
    parameter = {"arn": arn, "arn-without-suffix": arn[:-7], "name": name}[form]
    role = admin.execution_role(arn)
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": parameter})
    task = tasks.finish(main, executionRoleArn=role)
    assert exit_code(task) == 0, tasks.story(task)


def test_a_secret_in_another_region(tasks, admin, registry):
    arn = admin.registry_secret(registry, region="eu-west-1")
    assert ":eu-west-1:" in arn
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": arn})
    task = tasks.finish(main, executionRoleArn=admin.execution_role(arn))
    assert exit_code(task) == 0, tasks.story(task)


def test_keys_of_the_secret_are_found_whatever_their_case(tasks, admin, registry):
    sensitive.remember(registry.password)
    arn = admin.secret({"Username": registry.username, "PASSWORD": registry.password, "note": "ignored"})
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": arn})
    task = tasks.finish(main, executionRoleArn=admin.execution_role(arn))
    assert exit_code(task) == 0, tasks.story(task)


def test_a_rotated_secret_is_used_by_the_next_task(tasks, admin, registry):
    sensitive.remember(registry.password)
    arn = admin.secret({"username": registry.username, "password": sensitive.password()})
    role = admin.execution_role(arn)
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": arn})
    definition_arn = tasks.define(main, executionRoleArn=role)
    assert tasks.wait_stopped(tasks.run(definition_arn))["stopCode"] == "TaskFailedToStart"
    value = json.dumps({"username": registry.username, "password": registry.password})
    admin.secretsmanager.put_secret_value(SecretId=arn, SecretString=value)
    assert exit_code(tasks.wait_stopped(tasks.run(definition_arn))) == 0


def test_the_start_trace_names_every_step(tasks):
    task = tasks.finish(tasks.container(command="true"))
    trace = tasks.trace(task["taskArn"])
    assert trace["task"] == task["taskArn"]
    assert [step["outcome"]["result"] for step in trace["steps"]] == ["done"] * len(trace["steps"])
    actions = [step["action"] for step in trace["steps"]]
    for action in ("sts:AssumeRole", "secretsmanager:GetSecretValue", "logs:CreateLogStream"):
        assert action in actions
    credential = next(step for step in trace["steps"] if step["action"] == "secretsmanager:GetSecretValue")
    assert credential["resource"] == tasks.secret
    assert f":assumed-role/{tasks.role.rsplit('/', 1)[1]}/" in credential["principal"]
    assert all(step["duration_ms"] >= 0 for step in trace["steps"])


def test_a_cached_image_is_not_for_those_without_the_password(tasks, admin, registry):
    """All layers are on disk already, but the registry must agree again."""
    first = tasks.finish(tasks.container(command="true"))
    assert exit_code(first) == 0
    wrong = admin.secret({"username": registry.username, "password": sensitive.password()})
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": wrong})
    task = tasks.finish(main, executionRoleArn=admin.execution_role(wrong))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "startedAt" not in task
    anonymous = tasks.finish(tasks.container(command="true", repositoryCredentials=None))
    assert anonymous["stopCode"] == "TaskFailedToStart"
    assert "startedAt" not in anonymous
