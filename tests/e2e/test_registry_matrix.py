"""Who may pull, push and describe: account, identity policy and repository policy in every combination, through docker and
skopeo, and in which words."""

import json
import re
import tempfile

import pytest
from botocore.exceptions import ClientError

from harness import clients, ecr
from harness.account import unique

TOKEN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
ACTIONS = [*ecr.PUSH[1:], *ecr.PULL[1:], "ecr:DescribeImages"]
CHOICES = ("allow", "none", "deny")


def statements(choice, **more):
    if choice == "none":
        return []
    return [{"Effect": choice.capitalize(), "Action": ACTIONS, **more}]


def is_allowed(account, identity, policy):
    if "deny" in (identity, policy):
        return False
    both = (identity == "allow", policy == "allow")
    return all(both) if account == "other" else any(both)


def reason(account, identity, policy, action):
    """What AWS says of it."""
    if identity == "deny":
        return " with an explicit deny in an identity-based policy"
    if policy == "deny":
        return " with an explicit deny in a resource-based policy"
    side = "resource" if account == "other" and policy == "none" else "identity"
    return f" because no {side}-based policy allows the {action} action"


@pytest.fixture(scope="module")
def layout(tmp_path_factory, admin):
    """An image as skopeo keeps it."""
    directory = tmp_path_factory.mktemp("matrix")
    registry, skopeo = ecr.Registry.of(admin), clients.Skopeo(directory)
    skopeo.login(registry.host, registry.username, registry.password)
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(ecr.several_layers(unique("matrix")), uri, "v1")
    skopeo.pull(f"{uri}:v1", f"{directory}/layout:v1")
    return f"{directory}/layout:v1"


@pytest.fixture(scope="module")
def docker():
    with clients.Docker(tempfile.mkdtemp(prefix="landfall-docker-")) as running:
        yield running


@pytest.fixture(scope="module")
def local(docker, admin):
    """An image that the docker daemon has."""
    registry, uri = ecr.Registry.of(admin), ecr.repository(admin)["repositoryUri"]
    registry.push(ecr.several_layers(unique("docker-matrix"), docker=True), uri, "v1")
    docker.login(registry.host, registry.username, registry.password)
    docker.command("pull", f"{uri}:v1")
    return f"{uri}:v1"


def through_docker(docker, local, uri):
    """What the client says of a pull and of a push of another image."""
    pulled = docker.command("pull", f"{uri}:v1", check=False)
    docker.command("tag", local, f"{uri}:v3")
    return pulled, docker.command("push", f"{uri}:v3", check=False)


@pytest.mark.parametrize("policy", CHOICES)
@pytest.mark.parametrize("identity", CHOICES)
@pytest.mark.parametrize("account", ["same", "other"])
def test_outcome_and_text(admin, other_account, layout, docker, local, tmp_path, account, identity, policy):
    repository = ecr.repository(admin)
    uri, name, arn = (repository[key] for key in ("repositoryUri", "repositoryName", "repositoryArn"))
    owner = clients.Skopeo(tmp_path)
    registry = ecr.Registry.of(admin)
    owner.login(registry.host, registry.username, registry.password)
    owner.push(layout, f"{uri}:v1")

    home = admin if account == "same" else other_account
    user = home.user({"Version": "2012-10-17", "Statement": [TOKEN, *statements(identity, Resource="*")]})
    who = user.sts.get_caller_identity()["Arn"]
    if policy != "none":
        document = {"Version": "2012-10-17", "Statement": statements(policy, Principal={"AWS": who})}
        admin.client("ecr").set_repository_policy(repositoryName=name, policyText=json.dumps(document))

    theirs = ecr.Registry.of(user)
    skopeo = clients.Skopeo(tmp_path / "theirs")
    skopeo.auth.parent.mkdir()
    skopeo.login(theirs.host, theirs.username, theirs.password)
    expected = is_allowed(account, identity, policy)

    pulled = skopeo.pull(f"{uri}:v1", f"{tmp_path}/pulled:v1", check=False)
    pushed = skopeo.push(layout, f"{uri}:v2", check=False)
    assert (pulled.returncode == 0, pushed.returncode == 0) == (expected, expected), pulled.stderr + pushed.stderr

    docker.login(theirs.host, theirs.username, theirs.password)
    for done, actions in zip(
        through_docker(docker, local, uri),
        (("ecr:BatchGetImage",), ("ecr:InitiateLayerUpload", "ecr:BatchCheckLayerAvailability")),
        strict=True,
    ):
        assert (done.returncode == 0) == expected, done.stderr
        if not expected:
            said = re.search(r"denied: (User: (\S+) is not authorized to perform: (\S+) on resource: (\S+) .*)", done.stderr)
            assert said and said[2] == who and said[3] in actions and said[4] == arn, done.stderr
            assert said[1].endswith(arn + reason(account, identity, policy, said[3])), done.stderr

    path = registry.path(uri)
    for method, what, action in (
        ("GET", "manifests/v1", "ecr:BatchGetImage"),
        ("POST", "blobs/uploads/", "ecr:InitiateLayerUpload"),
    ):
        answer = theirs.send(method, f"/v2/{path}/{what}")
        assert (answer.status != 403) == expected
        if not expected:
            text = f"User: {who} is not authorized to perform: {action} on resource: {arn}"
            assert ecr.error(answer)["message"] == text + reason(account, identity, policy, action)

    try:
        describe = {"registryId": repository["registryId"], "repositoryName": name}
        shown = user.client("ecr").describe_images(**describe)
        tags = {tag for image in shown["imageDetails"] for tag in image["imageTags"]}
        assert expected and tags == {"v1", "v2", "v3"}
    except ClientError as error:
        assert not expected and error.response["Error"]["Code"] == "AccessDeniedException"
        text = f"User: {who} is not authorized to perform: ecr:DescribeImages on resource: {arn}"
        assert error.response["Error"]["Message"] == text + reason(account, identity, policy, "ecr:DescribeImages")
