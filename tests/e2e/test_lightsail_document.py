"""The Lightsail document's own lines, in its order, run by a shell with the unmodified AWS CLI: both branches, its two traps, and its end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.account import unique
from harness.server import bare_environment
from test_lightsail import private_image

# What is done "at the end of the text file" in the branch with a policy, and the policy of the branch without one.
STATEMENT = """{ "Sid": "AllowLightsailPull-ecr-private-repo-demo", "Effect": "Allow", "Principal": { "AWS": "IamRolePrincipalArn" }, \
"Action": [ "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer" ] }"""
POLICY = '{ "Version": "2008-10-17", "Statement": [ %s ] }' % STATEMENT
REFUSED = (
    "An error occurred (InvalidParameterException) when calling the SetRepositoryPolicy operation: Invalid parameter at "
    "'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
)


class Shell:
    """A terminal of the managing user: programs of this test run, the document's lines as they are printed."""

    def __init__(self, account, directory):
        self.directory = directory
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        variables = {"AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        self.environment = bare_environment(**account.env(), **variables, PATH=programs, AWS_DEFAULT_OUTPUT="json")

    def run(self, line):
        return subprocess.run(
            ["bash", "-c", line], cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def __call__(self, line):
        done = self.run(line)
        assert done.returncode == 0, f"$ {line}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def until_state(sh, name, *states):
    for _ in range(120):
        shown = json.loads(sh(f"aws lightsail get-container-services --service-name {name} --region us-east-1"))
        found = shown["containerServices"][0]
        if found["state"] in states:
            return found
        sh("sleep 1")
    raise AssertionError(f"`{name}` is still {found['state']}")


@pytest.mark.parametrize("branch", ["without a policy", "with a policy"])
def test_line_by_line(server, admin, tmp_path, branch):
    name, (repository, image) = unique("my-container-service"), private_image(admin, branch)
    managing = {
        "Sid": "ManageEcrPrivateRepositoriesAccess",
        "Effect": "Allow",
        "Action": [
            "ecr:SetRepositoryPolicy", "ecr:DescribeRepositories", "ecr:DeleteRepositoryPolicy", "ecr:GetRepositoryPolicy",
        ],
        "Resource": f"arn:aws:ecr:us-east-1:{admin.id}:repository/{repository}",
    }  # fmt: skip
    containers = {"Effect": "Allow", "Action": "lightsail:*", "Resource": "*"}
    sh = Shell(admin.user({"Version": "2012-10-17", "Statement": [managing, containers]}), tmp_path)
    sh(f"aws lightsail create-container-service --service-name {name} --power nano --scale 1 --region us-east-1")
    until_state(sh, name, "READY")

    # Activate the role, wait, and read its principal's ARN.
    role = f"aws lightsail update-container-service --service-name {name} --private-registry-access ecrImagePullerRole={{isActive=%s}} --region us-east-1"
    updated = json.loads(sh(role % "true"))["containerService"]
    assert updated["state"] == "UPDATING" and updated["privateRegistryAccess"]["ecrImagePullerRole"]["isActive"] is True
    found = until_state(sh, name, "READY")
    principal = found["privateRegistryAccess"]["ecrImagePullerRole"]["principalArn"]

    # See whether the repository has a policy.
    get = f"aws ecr get-repository-policy --repository-name {repository} --region us-east-1"
    put = f"aws ecr set-repository-policy --repository-name {repository} --policy-text file://{tmp_path}/ecr-policy.json --region us-east-1"
    file = tmp_path / "ecr-policy.json"
    if branch == "without a policy":
        none = sh.run(get)
        assert none.returncode != 0 and none.stderr.strip() == (
            "An error occurred (RepositoryPolicyNotFoundException) when calling the GetRepositoryPolicy operation: Repository "
            f"policy does not exist for the repository with name '{repository}' in the registry with id '{admin.id}'"
        ), none.stderr
        file.write_text(POLICY.replace("IamRolePrincipalArn", principal))
    else:
        old = {"Sid": "Old", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{admin.id}:root"}, "Action": "ecr:ListImages"}
        text = json.dumps({"Version": "2008-10-17", "Statement": [old]})
        admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
        # "Copy only the contents of policyText that is enclosed in the double quotation marks."
        copied = sh(get + """ | sed -n 's/^ *"policyText": "\\(.*\\)",\\{0,1\\}$/\\1/p'""").strip()
        assert copied.startswith("{\\n  \\\"Version\\\" : \\\"2008-10-17\\\""), copied
        grant = ["ecr", "grant", repository, admin.id, "--present", "-"]
        assert server.command(*grant, input=copied, environment=admin.env()).returncode == 0
        # "Replace \n with new lines, and delete the remaining \", and paste what is printed there at the end of the file.
        edited = copied.replace("\\n", "\n").replace("\\", "")
        file.write_text(f"{edited}\n, {POLICY.replace('IamRolePrincipalArn', principal)}\n")
        nested = json.loads(edited)
        nested["Statement"].append(json.loads(POLICY.replace("IamRolePrincipalArn", principal)))
        for text in (file.read_text(), json.dumps(nested)):
            file.write_text(text)
            refused = sh.run(put)
            assert refused.returncode != 0 and refused.stderr.strip() == REFUSED, refused.stderr
            told = server.command(*grant, input=text, environment=admin.env())
            assert told.returncode == 1 and "hint: put only what is in the inner `Statement` there" in told.stderr, told.stderr
        # What the page means: the statement beside the others.
        merged = json.loads(edited)
        merged["Statement"].append(json.loads(STATEMENT.replace("IamRolePrincipalArn", principal)))
        file.write_text(json.dumps(merged, indent=2))
    sh(put)
    there = json.loads(json.loads(sh(get))["policyText"])["Statement"]
    sids = [it["Sid"] for it in there]
    assert sids == ["AllowLightsailPull-ecr-private-repo-demo"] if branch == "without a policy" else ["Old", sids[-1]]
    assert there[-1]["Principal"] == {"AWS": principal}

    # Deploy the URI that the page gives, and fetch the page under the service's `url`.
    (tmp_path / "containers.json").write_text(json.dumps({"app": {
        "image": image, "ports": {"80": "HTTP"},
        "command": ["sh", "-c", "httpd -p 80 -h /www; trap exit TERM; while :; do sleep 1 & wait $!; done"],
    }}))  # fmt: skip
    deploy = (
        f"aws lightsail create-container-service-deployment --service-name {name} --containers file://containers.json"
        " --public-endpoint containerName=app,containerPort=80 --region us-east-1"
    )
    assert image == f"{admin.id}.dkr.ecr.us-east-1.amazonaws.com/{repository}:v1"
    assert json.loads(sh(deploy))["containerService"]["state"] == "DEPLOYING"
    running = until_state(sh, name, "RUNNING", "READY")
    assert running["state"] == "RUNNING", sh(f"aws lightsail get-container-log --service-name {name} --container-name app")
    address = server.endpoint.removeprefix("http://")
    curl = f"curl --silent --show-error --fail --cacert {server.data_dir}/tls/ca.pem --connect-to ::{address} {running['url']}"
    assert sh(curl) == branch

    # "If you deactivated the role, you must remove the permission policy from the repository": it is still there, and lets nobody in.
    sh(role % "false")
    off = until_state(sh, name, "RUNNING")["privateRegistryAccess"]["ecrImagePullerRole"]
    assert off["isActive"] is False and not off.get("principalArn")
    assert "AllowLightsailPull-ecr-private-repo-demo" in json.loads(sh(get))["policyText"]
    sh(deploy)
    after = until_state(sh, name, "RUNNING")
    assert after["currentDeployment"]["version"] == 1
    states = json.loads(sh(f"aws lightsail get-container-service-deployments --service-name {name}"))["deployments"]
    assert [(it["version"], it["state"]) for it in states] == [(2, "FAILED"), (1, "ACTIVE")]
    sh(f"aws ecr delete-repository-policy --repository-name {repository} --region us-east-1")
    assert "RepositoryPolicyNotFoundException" in sh.run(get).stderr
    sh(f"aws lightsail delete-container-service --service-name {name} --region us-east-1")
    for _ in range(60):
        gone = sh.run(f"aws lightsail get-container-services --service-name {name} --region us-east-1")
        if gone.returncode:
            break
        sh("sleep 1")
    assert "(NotFoundException)" in gone.stderr, gone.stdout
