"""`landfall ecr`: logins for tools, and repository policies merged with care."""

import json
import shutil
import subprocess

import pytest

from harness import ecr
from harness.account import unique


@pytest.fixture
def repository(admin):
    return ecr.repository(admin)["repositoryName"]


@pytest.fixture
def run(server, admin):
    def run(*arguments, **more):
        return server.command("ecr", *arguments, environment=admin.env(), **more)

    return run


def policy(admin, repository):
    return json.loads(admin.client("ecr").get_repository_policy(repositoryName=repository)["policyText"])


def test_grant_and_revoke_leave_the_rest_alone(admin, repository, run):
    principal = f"arn:aws:iam::{admin.id}:root"
    deny = {"Sid": "no delete", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchDeleteImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
    before = policy(admin, repository)
    dry = run("grant", repository, principal, "--dry-run")
    assert dry.returncode == 0 and '"Action": [' in dry.stderr and policy(admin, repository) == before
    done = run("grant", repository, principal, "--push", "--json", "--yes")
    assert done.returncode == 0 and json.loads(done.stdout)["changed"], done.stderr
    old, new = policy(admin, repository)["Statement"]
    assert old == before["Statement"][0]
    assert "ecr:PutImage" in new["Action"] and "ecr:BatchGetImage" in new["Action"]
    assert new["Principal"] == {"AWS": principal}
    assert "nothing to change" in run("grant", repository, principal, "--push").stderr
    assert run("revoke", repository, principal, "-y").returncode == 0
    assert policy(admin, repository) == before


def test_the_last_statement_takes_the_policy_with_it(admin, repository, run):
    assert run("grant", repository, admin.id, "-y").returncode == 0
    assert policy(admin, repository)["Statement"][0]["Principal"]["AWS"] in (f"arn:aws:iam::{admin.id}:root", admin.id)
    assert run("revoke", repository, admin.id, "-y").returncode == 0
    refused = run("grant", repository, "ci")
    assert refused.returncode == 1 and "`ci` is no principal" in refused.stderr
    with pytest.raises(admin.client("ecr").exceptions.RepositoryPolicyNotFoundException):
        policy(admin, repository)


def test_nothing_is_written_where_nobody_can_be_asked(admin, repository, run):
    done = run("grant", repository, admin.id)
    assert done.returncode == 1, done.stdout
    assert "nothing was written: there is no terminal to ask at" in done.stderr, done.stderr
    assert "add `--yes` to write it" in done.stderr and '+      "Sid": "AllowPull-' in done.stderr, done.stderr
    with pytest.raises(admin.client("ecr").exceptions.RepositoryPolicyNotFoundException):
        policy(admin, repository)


def test_one_user_of_several_is_revoked_alone(admin, repository, run):
    ann, bob = (admin.iam.create_user(UserName=unique(name))["User"]["Arn"] for name in ("ann", "bob"))
    mine = {"Sid": "mine", "Effect": "Allow", "Principal": {"AWS": [ann, bob]}, "Action": "ecr:ListImages"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [mine]})
    admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
    assert run("revoke", repository, ann, "-y").returncode == 0
    (left,) = policy(admin, repository)["Statement"]
    assert left == mine | {"Principal": {"AWS": [bob]}}


def test_a_grant_beside_a_user_who_was_deleted(admin, repository, run):
    name, other = unique("gone"), admin.iam.create_user(UserName=unique("stays"))["User"]["Arn"]
    gone = admin.iam.create_user(UserName=name)["User"]
    both = {"Sid": "both", "Effect": "Allow", "Principal": {"AWS": [gone["Arn"], other]}, "Action": "ecr:ListImages"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [both]})
    admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
    admin.iam.delete_user(UserName=name)
    assert gone["UserId"] in json.dumps(policy(admin, repository))
    done = run("grant", repository, admin.id, "-y")
    assert done.returncode == 0 and f"{gone['UserId']}: of users or roles that were deleted" in done.stderr, done.stderr
    old, new = policy(admin, repository)["Statement"]
    assert old == both | {"Principal": {"AWS": [other]}}
    assert new["Sid"] == f"AllowPull-{admin.id}"


def test_what_ecr_refuses_is_told_in_its_words(run, repository):
    done = run("grant", "no/such/repository", "111122223333")
    assert done.returncode == 1 and "RepositoryNotFoundException" in done.stderr, done.stderr
    done = run("grant", repository, "arn:aws:iam::111122223333:role/none", "-y")
    assert done.returncode == 1 and "InvalidParameterException" in done.stderr, done.stderr


def test_a_policy_as_the_cli_shows_it_is_merged_without_a_server(run, tmp_path):
    statement = {"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}
    text = json.dumps({"Version": "2008-10-17", "Statement": [statement]})
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps({"registryId": "111122223333", "repositoryName": "r", "policyText": text}))
    done = run("grant", "r", "111122223333", "--present", str(shown))
    merged = json.loads(done.stdout)
    assert [it["Sid"] for it in merged["Statement"]] == ["a", "AllowPull-111122223333"]
    nested = {"Version": "2008-10-17", "Statement": [statement, json.loads(text)]}
    done = run("grant", "r", "111122223333", "--present", "-", input=json.dumps(nested))
    assert done.returncode == 1 and "statement 2 of the policy is a whole policy" in done.stderr, done.stderr


@pytest.mark.parametrize("tool", ["skopeo", "podman"])
def test_a_tool_is_logged_in(server, admin, tmp_path, tool):
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is missing: the test command installs it")
    auth = tmp_path / "auth.json"
    environment = {**admin.env(), "REGISTRY_AUTH_FILE": str(auth), "HOME": str(tmp_path)}
    done = server.command("ecr", "login", "--tool", tool, "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["tools"] == [{"tool": tool, "logged_in": True, "error": None}]
    assert list(json.loads(auth.read_text())["auths"]) == [said["registry"]]
    registry = ecr.Registry.of(admin)
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(ecr.several_layers(unique("login")), uri, "v1")
    inspected = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--authfile", auth, f"docker://{uri}:v1"], capture_output=True, text=True
    )
    assert inspected.returncode == 0, inspected.stderr


def test_a_tool_that_is_not_there_is_told(server, admin, tmp_path):
    environment = {**admin.env(), "PATH": str(tmp_path)}
    done = server.command("ecr", "login", environment=environment)
    assert done.returncode == 1 and "none of docker, podman and skopeo is installed" in done.stderr, done.stderr
    done = server.command("ecr", "login", "--tool", "docker", environment=environment)
    assert done.returncode == 1 and "docker: " in done.stderr, done.stderr
