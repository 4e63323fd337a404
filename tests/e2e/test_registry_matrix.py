"""Who may pull, push and describe: account, identity policy and repository policy in every combination, through skopeo, and in
which words."""

import json

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
    if policy == "deny":
        return " with an explicit deny in a resource-based policy"
    if identity == "deny":
        return " with an explicit deny in an identity-based policy"
    if account == "other" and identity == "allow":
        return f" because no resource-based policy allows the {action} action"
    return f" because no identity-based policy allows the {action} action"


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


@pytest.mark.parametrize("policy", CHOICES)
@pytest.mark.parametrize("identity", CHOICES)
@pytest.mark.parametrize("account", ["same", "other"])
def test_outcome_and_text(admin, other_account, layout, tmp_path, account, identity, policy):
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
        assert expected and len(shown["imageDetails"]) == 1
    except ClientError as error:
        assert not expected and error.response["Error"]["Code"] == "AccessDeniedException"
        text = f"User: {who} is not authorized to perform: ecr:DescribeImages on resource: {arn}"
        assert error.response["Error"]["Message"] == text + reason(account, identity, policy, "ecr:DescribeImages")
