"""Tasks whose images lie in ECR: the execution role's grant decides, in the same account and across accounts."""

import json

import pytest

from harness import ecr
from harness.account import EXECUTION_POLICY, Account, unique
from harness.tasks import Tasks, assert_never_ran, container, exit_code

PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def aws_name(repository, tag):
    """The name that a task definition has at work."""
    host = f"{repository['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    return f"{host}/{repository['repositoryName']}:{tag}"


def pushed(account, image=None):
    """A new repository of an account with an image `v1` in it."""
    repository = ecr.repository(account)
    ecr.Registry.of(account).push(image or ecr.several_layers(unique("task")), repository["repositoryUri"], "v1")
    return repository


def let_in(account, repository, principal, effect="Allow"):
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": PULL}
    account.client("ecr").set_repository_policy(
        repositoryName=repository["repositoryName"],
        policyText=json.dumps({"Version": "2008-10-17", "Statement": [statement]}),
    )


def image_container(tasks, image):
    it = tasks.container(image=image)
    it.pop("repositoryCredentials", None)
    it.pop("command", None)
    return it


@pytest.mark.parametrize("form", ["aws", "capitals", "port", "own-port", "local"])
@pytest.mark.parametrize("kind", ["one", "index"])
def test_a_task_runs_an_image_of_its_own_account(tasks, admin, form, kind):
    salt = unique("own")
    image = ecr.several_layers(salt) if kind == "one" else ecr.several_platforms(salt)
    repository = pushed(admin, image)
    host, path = aws_name(repository, "v1").split("/", 1)
    port = admin.endpoint.rsplit(":", 1)[1]
    names = {
        "aws": host,
        "capitals": host.upper(),
        "port": f"{host}:443",
        "own-port": f"{host}:{port}",
        "local": repository["repositoryUri"].split(repository["repositoryName"])[0][:-1],
    }
    name = f"{names[form]}/{path}"
    task = tasks.finish(image_container(tasks, name))
    assert exit_code(task) == 0, task.get("stoppedReason")
    assert tasks.lines(task)[0].startswith(salt)
    assert container(task)["imageDigest"] == image.digest


def runs(owner, identity, policy):
    """Whether a task may have an image: one side is enough in an account, both are needed between two."""
    sides = (identity == "allow", policy == "allow")
    return "deny" not in (identity, policy) and (any(sides) if owner == "same" else all(sides))


def refusal(owner, identity, policy):
    """What AWS says of it."""
    if identity == "deny":
        return "with an explicit deny in an identity-based policy"
    if policy == "deny":
        return "with an explicit deny in a resource-based policy"
    side = "resource" if (owner, policy) == ("other", "none") else "identity"
    return f"because no {side}-based policy allows the ecr:BatchGetImage action"


@pytest.mark.parametrize("policy", ["allow", "none", "deny"])
@pytest.mark.parametrize("identity", ["allow", "none", "deny"])
@pytest.mark.parametrize("owner", ["same", "other"])
def test_who_may_have_an_image(tasks, admin, other_account, launch, owner, identity, policy):
    network = {"FARGATE": "awsvpc", "EC2": "bridge"}[launch]
    home = admin if owner == "same" else other_account
    repository = pushed(home)
    extra = [{"Effect": "Allow", "Action": ["logs:*", "ecr:GetAuthorizationToken"], "Resource": "*"}]
    if identity != "none":
        extra.append({"Effect": identity.capitalize(), "Action": PULL, "Resource": "*"})
    role = admin.execution_role(extra=extra, managed=())
    if policy != "none":
        let_in(home, repository, role, policy.capitalize())
    it = image_container(tasks, aws_name(repository, "v1"))
    if runs(owner, identity, policy):
        task = tasks.finish(it, network=network, executionRoleArn=role)
        assert exit_code(task) == 0, task.get("stoppedReason")
        return
    arn = tasks.run(tasks.define(it, network=network, executionRoleArn=role), network)
    task, seen = tasks.watch(arn)
    assert_never_ran(task, seen)
    session = f"arn:aws:sts::{admin.id}:assumed-role/{role.rsplit('/', 1)[1]}/"
    sentence = f"is not authorized to perform: ecr:BatchGetImage on resource: {repository['repositoryArn']} {refusal(owner, identity, policy)}"
    told = json.dumps(tasks.trace(arn))
    assert session in told and sentence in told, told
    if launch == "FARGATE":
        # The registry's status only; who was refused what is in the start trace.
        reason = task["stoppedReason"]
        assert reason.startswith("CannotPullContainerError: ") and reason.endswith("403 Forbidden"), reason
    else:
        reason = container(task)["reason"]
        assert reason.startswith("CannotPullContainerError: ") and "pull access denied" in reason, reason
        assert f"denied: User: {session}" in reason and sentence in reason, reason


def test_without_the_token_permission_nothing_is_pulled(tasks, admin):
    repository = pushed(admin)
    logs = {"Effect": "Allow", "Action": ["logs:*", *PULL], "Resource": "*"}
    role = admin.execution_role(extra=[logs], managed=())
    arn = tasks.run(tasks.define(image_container(tasks, aws_name(repository, "v1")), executionRoleArn=role))
    task = tasks.wait_stopped(arn)
    assert "ecr:GetAuthorizationToken" in task["stoppedReason"], task["stoppedReason"]


def test_an_image_that_is_not_there_is_said_in_ecrs_words(tasks, admin):
    repository = pushed(admin)
    arn = tasks.run(tasks.define(image_container(tasks, aws_name(repository, "missing"))))
    task = tasks.wait_stopped(arn)
    assert "not found" in task["stoppedReason"], task["stoppedReason"]


@pytest.mark.parametrize("allowed", [True, False])
def test_check_knows_images_of_ecr(tasks, admin, allowed):
    repository = pushed(admin)
    logs = {"Effect": "Allow", "Action": ["logs:*", "ecr:GetAuthorizationToken"], "Resource": "*"}
    role = admin.execution_role(extra=[logs], managed=(EXECUTION_POLICY,) if allowed else ())
    definition = tasks.define(image_container(tasks, aws_name(repository, "v1")), executionRoleArn=role)
    described = admin.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    text = json.dumps({"taskDefinition": described}, default=str)
    done = tasks.server.command("check", "-", "--json", input=text, environment=admin.env())
    (answer,) = json.loads(done.stdout)["task_definitions"]
    assert answer["would_start"] is allowed, done.stdout
    # Who only looks pulls nothing.
    details = admin.client("ecr").describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
    assert all("lastRecordedPullTime" not in it for it in details), details
    if not allowed:
        told = json.dumps(answer["findings"])
        assert "PERMISSION" in told and "ecr:BatchGetImage" in told, told


def test_layers_are_read_where_they_lie(make_server, registry):
    """The registry is asked for each layer, with the task's token; the bytes are not carried over HTTP."""
    server = make_server(environment={"LANDFALL_LOG": "warn,landfall_cli=debug"})
    admin = Account.from_env(server.env())
    admin.client("ecs").create_cluster()
    tasks = Tasks(server, admin, registry)
    image = ecr.several_layers(unique("near"))
    repository = pushed(admin, image)
    task = tasks.finish(image_container(tasks, aws_name(repository, "v1")))
    assert exit_code(task) == 0, task.get("stoppedReason")
    manifest = json.loads(image.manifest)
    for blob in [manifest["config"], *manifest["layers"]]:
        told = [line for line in server.log().splitlines() if "a layer is read from the blob store" in line]
        assert any(blob["digest"] in line for line in told), told
