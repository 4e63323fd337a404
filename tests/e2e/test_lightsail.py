"""Lightsail container services: deployments really run, the public endpoint answers, images come from where they may."""

import datetime
import json
import socket
import ssl
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from harness import ecr
from harness.account import unique
from harness.waiting import until
from support import images
from support.docker_registry import AnonymousRegistry
from support.load import Load

# Ends at once when it is told to: `httpd -f` as the first process would not hear it.
PAGE = "httpd -p 80 -h /www; trap exit TERM; while :; do sleep 1 & wait $!; done"


# Takes a body in, and answers what the page says.
SAY = "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\ncat /www/index.html\n"


@pytest.fixture(scope="module")
def public_registry():
    """A registry that asks for nothing."""
    with AnonymousRegistry() as running:
        yield running.host


@pytest.fixture(scope="module")
def web(public_registry):
    """Pushes an image that serves a page with a text of its own."""

    def push(text, repository="web"):
        base = images.layer(images.busybox_archive())
        files = {"www/index.html": text, "www/health": "fine", "www/cgi-bin/say": SAY}
        page = images.layer(images.files_archive(files))
        tag = unique("v")
        images.push(images.build([base, page]), public_registry, repository, tag)
        return f"{public_registry}/{repository}:{tag}"

    return push


@pytest.fixture
def lightsail(server, admin):
    """The client, and an end to every service that the test made."""
    client = admin.client("lightsail")
    before = names(client)
    yield client
    for name in names(client) - before:
        wait_for(client, name, "READY", "RUNNING", "DISABLED")
        client.delete_container_service(serviceName=name)
        until(f"the end of `{name}`", lambda: name not in names(client), 60)
    # A server that ends while a node is being cleared away leaves the rest of it to the next one.
    sandboxes = server.data_dir / "containers" / "sandboxes"
    until("the end of all nodes", lambda: not sandboxes.exists() or not any(sandboxes.iterdir()), 30)


def names(client):
    return {it["containerServiceName"] for it in client.get_container_services()["containerServices"]}


def service(client, name):
    return client.get_container_services(serviceName=name)["containerServices"][0]


def wait_for(client, name, *states, timeout=90):
    until(f"`{name}` to be {states}", lambda: service(client, name)["state"] in states, timeout, 0.2)
    return service(client, name)


def make(client, scale=1, **more):
    name = unique("svc")
    client.create_container_service(serviceName=name, power="nano", scale=scale, **more)
    wait_for(client, name, "READY")
    return name


def containers(image, command=PAGE):
    return {"app": {"image": image, "command": ["sh", "-c", command], "ports": {"80": "HTTP"}}}


def endpoint(**check):
    return {"containerName": "app", "containerPort": 80, "healthCheck": {"intervalSeconds": 5, **check}}


def deploy(client, name, image, command=PAGE, **check):
    answer = client.create_container_service_deployment(
        serviceName=name, containers=containers(image, command), publicEndpoint=endpoint(**check)
    )
    return answer["containerService"]["nextDeployment"]["version"]


def deployment(client, name, version):
    every = client.get_container_service_deployments(serviceName=name)["deployments"]
    return next(it for it in every if it["version"] == version)


def decided(client, name, version, timeout=120):
    until("the deployment's end", lambda: deployment(client, name, version)["state"] != "ACTIVATING", timeout, 0.2)
    return deployment(client, name, version)["state"]


def fetch(server, url, path=""):
    """The page behind a service's `url`, asked for by its host name on the server's own port."""
    host = url.removeprefix("https://").rstrip("/")
    request = urllib.request.Request(f"{server.endpoint}/{path}", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def log(client, name, container="app"):
    return [it["message"] for it in client.get_container_log(serviceName=name, containerName=container)["logEvents"]]


def test_a_service_serves_a_page_and_tells_what_it_did(server, lightsail, web):
    name = make(lightsail, tags=[{"key": "team", "value": "a"}])
    ready = service(lightsail, name)
    assert ready["powerId"] == "nano-1" and ready["location"]["regionName"] == "us-east-1"
    with pytest.raises(urllib.error.HTTPError) as nothing:
        fetch(server, ready["url"])
    assert nothing.value.code == 404
    version = deploy(lightsail, name, web("one"), "echo hello; " + PAGE)
    assert decided(lightsail, name, version) == "ACTIVE"
    running = wait_for(lightsail, name, "RUNNING")
    assert running["currentDeployment"]["publicEndpoint"]["healthCheck"]["successCodes"] == "200-499"
    assert fetch(server, running["url"]) == "one"
    until("the container's output", lambda: "hello" in log(lightsail, name))
    assert f"[deployment:{version}] Creating your deployment" in log(lightsail, name)


def test_rolling_to_a_new_version_loses_no_request(server, lightsail, web):
    name = make(lightsail, scale=2)
    assert decided(lightsail, name, deploy(lightsail, name, web("one"))) == "ACTIVE"
    url = wait_for(lightsail, name, "RUNNING")["url"]
    host = url.removeprefix("https://").rstrip("/")
    with Load(server.endpoint.removeprefix("http://"), host, rate=200, post="/cgi-bin/say") as load:
        until("the first version", lambda: len(load.answers) > 200, 30)
        assert decided(lightsail, name, deploy(lightsail, name, web("two"))) == "ACTIVE"
        until("the second version", lambda: load.answers[-1] == "two", 30)
        time.sleep(5)
    print(f"{load.reached():.0f} requests a second, {len(load.answers)} answers")
    assert not load.errors, load.errors[:5]
    assert set(load.answers) == {"one", "two"}


def test_a_deployment_that_is_not_healthy_fails_and_the_last_one_goes_on(server, lightsail, web):
    name = make(lightsail)
    assert decided(lightsail, name, deploy(lightsail, name, web("one"))) == "ACTIVE"
    url = wait_for(lightsail, name, "RUNNING")["url"]
    version = deploy(lightsail, name, web("two"), path="/nowhere", successCodes="200")
    assert decided(lightsail, name, version) == "FAILED"
    assert wait_for(lightsail, name, "RUNNING")["currentDeployment"]["version"] == 1
    assert fetch(server, url) == "one"
    assert f"[deployment:{version}] The health check of the public endpoint failed." in log(lightsail, name)


def test_a_program_that_listens_late_is_waited_for(server, lightsail, web):
    name, image = make(lightsail), web("late")
    assert decided(lightsail, name, deploy(lightsail, name, image, f"sleep 70; {PAGE}"), 150) == "ACTIVE"
    assert fetch(server, service(lightsail, name)["url"]) == "late"


@pytest.mark.parametrize(
    ("image", "command", "reason"),
    [
        ("{host}/nothing:1", PAGE, "CannotPullContainerError"),
        (None, "exit 3", "exited with code 3"),
    ],
)
def test_a_deployment_whose_containers_do_not_start_fails_with_the_reason(
    lightsail, web, public_registry, image, command, reason
):
    name = make(lightsail)
    image = image.format(host=public_registry) if image else web("one")
    version = deploy(lightsail, name, image, command)
    assert decided(lightsail, name, version) == "FAILED"
    assert any(reason in line for line in log(lightsail, name)), log(lightsail, name)
    wait_for(lightsail, name, "READY")


def test_a_node_that_ends_is_replaced(server, lightsail, web):
    name = make(lightsail)
    once = "httpd -p 80 -h /www; sleep 12; exit 1"
    assert decided(lightsail, name, deploy(lightsail, name, web("one"), once)) == "ACTIVE"
    url = service(lightsail, name)["url"]

    def answers():
        try:
            return fetch(server, url) == "one"
        except urllib.error.HTTPError:
            return False

    until("the node's end", lambda: not answers(), 60, 0.2)
    until("another node", answers, 60, 0.2)


def test_a_disabled_service_answers_nothing_until_it_is_enabled(server, lightsail, web):
    name = make(lightsail)
    decided(lightsail, name, deploy(lightsail, name, web("one")))
    url = wait_for(lightsail, name, "RUNNING")["url"]
    lightsail.update_container_service(serviceName=name, isDisabled=True)
    wait_for(lightsail, name, "DISABLED")
    with pytest.raises(urllib.error.HTTPError):
        fetch(server, url)
    lightsail.update_container_service(serviceName=name, isDisabled=False)
    wait_for(lightsail, name, "RUNNING")
    assert fetch(server, url) == "one"


def test_power_and_scale_change_without_a_gap(server, lightsail, web):
    name = make(lightsail)
    decided(lightsail, name, deploy(lightsail, name, web("one")))
    wait_for(lightsail, name, "RUNNING")
    changed = lightsail.update_container_service(serviceName=name, power="micro", scale=2)["containerService"]
    assert (changed["state"], changed["power"], changed["scale"]) == ("UPDATING", "micro", 2)
    assert fetch(server, changed["url"]) == "one"
    wait_for(lightsail, name, "RUNNING")
    assert fetch(server, changed["url"]) == "one"


def test_what_is_wrong_is_refused_in_lightsails_words(lightsail, web):
    def refused(call, **arguments):
        with pytest.raises(ClientError) as error:
            call(**arguments)
        return error.value.response["Error"]["Code"]

    name = make(lightsail)
    there = lightsail.create_container_service
    assert refused(there, serviceName=name, power="nano", scale=1) == "InvalidInputException"
    assert refused(lightsail.get_container_services, serviceName="nobody") == "NotFoundException"
    assert refused(lightsail.delete_container_service, serviceName="nobody") == "NotFoundException"
    for domain in ("127.0.0.1", "localhost.localdomain.localhost", "api.ecr.us-east-1.amazonaws.com"):
        # Whoever had such a name would be given the requests that are meant for the server.
        arguments = {"certificateName": unique("cert"), "domainName": domain}
        assert refused(lightsail.create_certificate, **arguments) == "InvalidInputException"
    new = lightsail.create_container_service_deployment
    assert refused(new, serviceName=name, containers={}) == "InvalidInputException"
    wrong = {"containerName": "app", "containerPort": 81}
    good = containers("nginx")
    assert refused(new, serviceName=name, containers=good, publicEndpoint=wrong) == "InvalidInputException"
    # What the model itself forbids has the same code: Lightsail knows no other for bad input.
    assert refused(there, serviceName="Upper", power="nano", scale=1) == "InvalidInputException"
    assert refused(there, serviceName=unique("svc"), power="huge", scale=1) == "InvalidInputException"
    assert refused(lightsail.update_container_service, serviceName=name, scale=21) == "InvalidInputException"
    spaced = endpoint(path="/a b")
    assert refused(new, serviceName=name, containers=good, publicEndpoint=spaced) == "InvalidInputException"


def test_containers_that_end_soon_do_not_take_over_without_a_health_check_either(lightsail, web):
    name, image = make(lightsail), web("worker")
    new = lightsail.create_container_service_deployment
    new(serviceName=name, containers=containers(image, "while :; do sleep 1; done"))
    assert decided(lightsail, name, 1) == "ACTIVE", "\n".join(log(lightsail, name))
    new(serviceName=name, containers=containers(image, "sleep 2; exit 3"))
    assert decided(lightsail, name, 2) == "FAILED"
    shown = service(lightsail, name)
    assert (shown["state"], shown["currentDeployment"]["version"]) == ("RUNNING", 1)
    assert "[deployment:2] Container `app` exited with code 3." in log(lightsail, name)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_kill_and_restart_lead_on_to_the_right_state(make_server, web, end):
    """The server ends in each state that a service can be in, by `kill -9` and by SIGTERM, and goes on from there."""
    from harness.account import Account

    server = make_server()
    client = Account.from_env(server.env()).client("lightsail")
    name = unique("svc")
    seen = set()

    def again(state):
        assert service(client, name)["state"] == state
        seen.add(state)
        getattr(server, end)()
        server.start()

    def shows(text):
        try:
            return fetch(server, url) == text
        except urllib.error.HTTPError:
            return False

    client.create_container_service(serviceName=name, power="nano", scale=1)
    again("PENDING")
    wait_for(client, name, "READY")
    again("READY")
    assert service(client, name)["state"] == "READY"
    version = deploy(client, name, web("one"))
    again("DEPLOYING")
    assert decided(client, name, version) == "ACTIVE"
    url = wait_for(client, name, "RUNNING")["url"]
    again("RUNNING")
    assert service(client, name)["state"] == "RUNNING"
    until("the page after a restart", lambda: shows("one"), 30)
    role = {"ecrImagePullerRole": {"isActive": True}}
    client.update_container_service(serviceName=name, privateRegistryAccess=role)
    again("UPDATING")
    wait_for(client, name, "RUNNING")
    access = service(client, name)["privateRegistryAccess"]["ecrImagePullerRole"]
    assert access["isActive"] and access["principalArn"].startswith("arn:aws:iam::")
    client.update_container_service(serviceName=name, power="micro", scale=2)
    again("UPDATING")
    assert wait_for(client, name, "RUNNING")["scale"] == 2
    assert shows("one")
    client.update_container_service(serviceName=name, isDisabled=True)
    again("UPDATING")
    wait_for(client, name, "DISABLED")
    again("DISABLED")
    assert service(client, name)["state"] == "DISABLED" and not shows("one")
    client.update_container_service(serviceName=name, isDisabled=False)
    again("UPDATING")
    wait_for(client, name, "RUNNING")
    until("the page of the enabled service", lambda: shows("one"), 30)
    second = deploy(client, name, web("two"))
    again("DEPLOYING")
    assert decided(client, name, second) == "ACTIVE"
    until("the second page", lambda: shows("two"), 30)
    third = deploy(client, name, web("three"), "exit 3")
    again("DEPLOYING")
    assert decided(client, name, third) == "FAILED"
    again("RUNNING")
    assert deployment(client, name, third)["state"] == "FAILED"
    assert any("exited with code 3" in line for line in log(client, name)), log(client, name)
    until("the second page still", lambda: shows("two"), 30)
    client.delete_container_service(serviceName=name)
    again("DELETING")
    until("its end", lambda: name not in names(client), 60)
    assert seen == {"PENDING", "READY", "DEPLOYING", "RUNNING", "UPDATING", "DISABLED", "DELETING"}


def test_terraforms_calls(lightsail, web):
    """aws_lightsail_container_service and …_deployment_version, as the provider makes them."""
    name = unique("tf")
    lightsail.create_container_service(
        serviceName=name,
        power="nano",
        scale=1,
        publicDomainNames={},
        tags=[{"key": "team", "value": "a"}],
        privateRegistryAccess={"ecrImagePullerRole": {"isActive": True}},
    )
    found = wait_for(lightsail, name, "READY")
    assert found["privateRegistryAccess"]["ecrImagePullerRole"]["principalArn"]
    assert found["isDisabled"] is False and found["resourceType"] == "ContainerService"
    lightsail.tag_resource(resourceName=name, tags=[{"key": "more", "value": "b"}])
    lightsail.untag_resource(resourceName=name, tagKeys=["team"])
    assert service(lightsail, name)["tags"] == [{"key": "more", "value": "b"}]
    version = deploy(lightsail, name, web("tf"))
    assert decided(lightsail, name, version) == "ACTIVE"


def test_the_cli_makes_and_lists_services(admin, lightsail):
    name = make(lightsail)
    done = admin.aws("lightsail", "get-container-services", "--service-name", name)
    assert done["containerServices"][0]["containerServiceName"] == name
    powers = admin.aws("lightsail", "get-container-service-powers")["powers"]
    assert [it["name"] for it in powers] == ["nano", "micro", "small", "medium", "large", "xlarge"]


# --- images of Amazon ECR: the document's procedure ---

PULLER_POLICY = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def activate(client, name, active=True):
    """Switches the image puller role; its ARN once the service is settled."""
    access = {"ecrImagePullerRole": {"isActive": active}}
    client.update_container_service(serviceName=name, privateRegistryAccess=access)
    role = wait_for(client, name, "READY", "RUNNING")["privateRegistryAccess"]["ecrImagePullerRole"]
    assert role["isActive"] is active
    return role["principalArn"]


def page(text):
    """An image that serves a page."""
    base = images.layer(images.busybox_archive())
    return images.build([base, images.layer(images.files_archive({"www/index.html": text}))])


def private_image(account, text="private"):
    """A repository of the account with an image that serves a page; its name, and the image's name as AWS has it."""
    repository = ecr.repository(account)
    ecr.Registry.of(account).push(page(text), repository["repositoryUri"], "v1")
    host = f"{repository['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    return repository["repositoryName"], f"{host}/{repository['repositoryName']}:v1"


def statement(service_name, principal):
    return {
        "Sid": f"AllowLightsailPull-{service_name}",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": PULLER_POLICY,
    }


@pytest.mark.parametrize("branch", ["without a policy", "with a policy"])
def test_the_documents_procedure(server, admin, lightsail, tmp_path, branch):
    """Its own AWS CLI lines, in order, in both branches; a user with just the permissions that it names."""
    name = make(lightsail)
    repository, image = private_image(admin, branch)
    manager = admin.user(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ManageEcrPrivateRepositoriesAccess",
                    "Effect": "Allow",
                    "Action": [
                        "ecr:SetRepositoryPolicy",
                        "ecr:DescribeRepositories",
                        "ecr:DeleteRepositoryPolicy",
                        "ecr:GetRepositoryPolicy",
                    ],
                    "Resource": f"arn:aws:ecr:us-east-1:{admin.id}:repository/{repository}",
                },
                {"Effect": "Allow", "Action": "lightsail:*", "Resource": "*"},
            ],
        }
    )
    switch = ["--service-name", name, "--private-registry-access", "ecrImagePullerRole={isActive=true}"]
    manager.aws("lightsail", "update-container-service", *switch, "--region", "us-east-1")
    wait_for(lightsail, name, "READY")
    shown = manager.aws("lightsail", "get-container-services", "--service-name", name, "--region", "us-east-1")
    role = shown["containerServices"][0]["privateRegistryAccess"]["ecrImagePullerRole"]["principalArn"]
    old = {"Sid": "Old", "Effect": "Allow", "Principal": {"AWS": admin.id}, "Action": ["ecr:ListImages"]}
    if branch == "with a policy":
        text = json.dumps({"Version": "2008-10-17", "Statement": [old]})
        admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
        there = manager.aws("ecr", "get-repository-policy", "--repository-name", repository, "--region", "us-east-1")
        policy = json.loads(there["policyText"])
        assert policy["Statement"][0]["Sid"] == "Old"
    else:
        with pytest.raises(ClientError) as none:
            manager.client("ecr").get_repository_policy(repositoryName=repository)
        assert none.value.response["Error"]["Code"] == "RepositoryPolicyNotFoundException"
        policy = {"Version": "2008-10-17", "Statement": []}
    # What the page's last example leads to: a document pasted behind a statement.
    nested = {**policy, "Statement": [*policy["Statement"], {"Version": "2008-10-17", "Statement": [statement(name, role)]}]}
    with pytest.raises(ClientError) as refused:
        manager.client("ecr").set_repository_policy(repositoryName=repository, policyText=json.dumps(nested))
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    policy["Statement"].append(statement(name, role))
    file = tmp_path / "ecr-policy.json"
    file.write_text(json.dumps(policy))
    manager.aws(
        "ecr", "set-repository-policy", "--repository-name", repository, "--policy-text", f"file://{file}",
        "--region", "us-east-1",
    )  # fmt: skip
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "ACTIVE", "\n".join(log(lightsail, name))
    assert fetch(server, wait_for(lightsail, name, "RUNNING")["url"]) == branch


@pytest.mark.parametrize("missing", ["role", "statement", "after deactivation"])
def test_without_role_or_statement_a_private_image_is_not_deployed(server, admin, lightsail, missing):
    name = make(lightsail)
    repository, image = private_image(admin)
    if missing != "role":
        role = activate(lightsail, name)
    if missing == "after deactivation":
        text = json.dumps({"Version": "2008-10-17", "Statement": [statement(name, role)]})
        admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
        activate(lightsail, name, active=False)
    version = deploy(lightsail, name, image)
    assert decided(lightsail, name, version) == "FAILED"
    assert any("403 Forbidden" in line for line in log(lightsail, name)), log(lightsail, name)
    done = server.command("explain", "--lightsail", name, "--json", environment=admin.env(), check=True)
    story = json.loads(done.stdout)
    fix = "AllowLightsailPull" if missing == "statement" else "isActive=true"
    assert story["state"] == "FAILED" and fix in story["advice"], story
    assert f"landfall lightsail allow-ecr {name} {repository}" in story["advice"], story
    # What nobody can pull leaves the statement behind, if there was one.
    if missing == "after deactivation":
        there = admin.client("ecr").get_repository_policy(repositoryName=repository)["policyText"]
        assert "AllowLightsailPull" in there
    done = server.command("lightsail", "allow-ecr", name, repository, "--json", environment=admin.env(), check=True)
    allowed = json.loads(done.stdout)
    assert allowed["sid"] == f"AllowLightsailPull-{name}" and allowed["changed"], allowed
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "ACTIVE", "\n".join(log(lightsail, name))


def test_allow_and_revoke_do_what_the_console_does(server, admin, lightsail):
    name = make(lightsail)
    repository, image = private_image(admin)
    ecr_client = admin.client("ecr")
    old = {"Sid": "Old", "Effect": "Allow", "Principal": {"AWS": admin.id}, "Action": ["ecr:ListImages"]}
    text = json.dumps({"Version": "2008-10-17", "Statement": [old]})
    ecr_client.set_repository_policy(repositoryName=repository, policyText=text)

    def run(command, *more):
        return server.command("lightsail", command, name, repository, *more, environment=admin.env())

    def sids():
        there = ecr_client.get_repository_policy(repositoryName=repository)["policyText"]
        return [it["Sid"] for it in json.loads(there)["Statement"]]

    dry = run("allow-ecr", "--dry-run")
    assert dry.returncode == 0 and "would be activated" in dry.stderr and sids() == ["Old"], dry.stderr
    done = run("allow-ecr")
    assert done.returncode == 0, done.stderr
    assert f'+      "Sid": "AllowLightsailPull-{name}"' in done.stderr, done.stderr
    assert sids() == ["Old", f"AllowLightsailPull-{name}"]
    again = run("allow-ecr", "--json")
    assert json.loads(again.stdout)["changed"] is False
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "ACTIVE", "\n".join(log(lightsail, name))
    gone = json.loads(run("revoke-ecr", "--json").stdout)
    assert gone["changed"] and gone["deactivated"] and sids() == ["Old"]
    role = service(lightsail, name)["privateRegistryAccess"]["ecrImagePullerRole"]
    assert role["isActive"] is False
    missing = server.command("lightsail", "allow-ecr", "no-such-service", repository, environment=admin.env())
    assert missing.returncode == 1 and "NotFoundException" in missing.stderr, missing.stderr


def test_the_console_command_needs_no_more_than_the_documents_permissions(server, admin, lightsail):
    name = make(lightsail)
    repository, _ = private_image(admin)
    actions = ["ecr:SetRepositoryPolicy", "ecr:DescribeRepositories", "ecr:DeleteRepositoryPolicy", "ecr:GetRepositoryPolicy"]
    arn = f"arn:aws:ecr:us-east-1:{admin.id}:repository/*"
    containers = {"Effect": "Allow", "Action": "lightsail:*", "Resource": "*"}
    managing = {"Effect": "Allow", "Action": actions, "Resource": arn}
    manager = admin.user({"Version": "2012-10-17", "Statement": [managing, containers]})
    for command in ("allow-ecr", "revoke-ecr"):
        done = server.command("lightsail", command, name, repository, environment=manager.env())
        assert done.returncode == 0, done.stderr
    needed = {
        "ecr:SetRepositoryPolicy": "allow-ecr",
        "ecr:GetRepositoryPolicy": "allow-ecr",
        "ecr:DeleteRepositoryPolicy": "revoke-ecr",
        "ecr:DescribeRepositories": "revoke-ecr",
    }
    assert set(needed) == set(actions)
    for lacking, command in needed.items():
        if command == "revoke-ecr":
            given = server.command("lightsail", "allow-ecr", name, repository, environment=manager.env())
            assert given.returncode == 0, given.stderr
        fewer = {**managing, "Action": [it for it in actions if it != lacking]}
        user = admin.user({"Version": "2012-10-17", "Statement": [fewer, containers]})
        done = server.command("lightsail", command, name, repository, environment=user.env())
        assert done.returncode == 1 and f"not authorized to perform: {lacking}" in done.stderr, done.stderr


def test_an_image_of_another_region_is_not_deployed(server, admin, lightsail):
    name = make(lightsail)
    client = admin.client("ecr", region="eu-west-1")
    repository = client.create_repository(repositoryName=unique("far"))["repository"]
    registry = ecr.Registry(admin.endpoint.removeprefix("http://"), *ecr.login(admin))
    registry.push(page("far"), repository["repositoryUri"], "v1")
    image = f"{admin.id}.dkr.ecr.eu-west-1.amazonaws.com/{repository['repositoryName']}:v1"
    for named in (image, f"{repository['repositoryUri']}:v1"):
        version = deploy(lightsail, name, named)
        assert decided(lightsail, name, version) == "FAILED"
        why = f"The image `{named}` is in the Region eu-west-1."
        told = f"[deployment:{version}] {why}"
        until("the reason in the log", lambda: any(told in line for line in log(lightsail, name)))
        done = server.command("explain", "--lightsail", name, "--json", environment=admin.env(), check=True)
        story = json.loads(done.stdout)
        assert story["state"] == "FAILED" and story["failure"].startswith(why), story
        assert "landfall image cp" in story["advice"] and "us-east-1" in story["advice"], story
    make_repository, copy, allow = story["advice"].split(": ", 1)[1].split("; ")
    admin.aws(*make_repository.split()[1:])
    for command in (copy, allow):
        done = server.command(*command.split()[1:], environment=admin.env())
        assert done.returncode == 0, done.stderr
    assert decided(lightsail, name, deploy(lightsail, name, copy.split()[-1])) == "ACTIVE", "\n".join(log(lightsail, name))


def test_an_image_that_was_pushed_to_lightsail(server, lightsail):
    name = make(lightsail)
    login = lightsail.create_container_service_registry_login()["registryLogin"]
    base = images.layer(images.busybox_archive())
    image = images.build([base, images.layer(images.files_archive({"www/index.html": "pushed"}))])
    host, _, path = login["registry"].partition("/")
    digest = images.push(image, host, f"{path}/sr", unique("tag"), login["username"], login["password"])
    made = lightsail.register_container_image(serviceName=name, label="app", digest=digest)["containerImage"]
    assert made["image"] == f":{name}.app.1"
    assert decided(lightsail, name, deploy(lightsail, name, f":{name}.app.latest")) == "ACTIVE"
    assert fetch(server, wait_for(lightsail, name, "RUNNING")["url"]) == "pushed"
    assert [it["image"] for it in lightsail.get_container_images(serviceName=name)["containerImages"]] == [
        made["image"]
    ]
    lightsail.delete_container_image(serviceName=name, image=made["image"])
    with pytest.raises(ClientError):
        deploy(lightsail, name, made["image"])


# Answers plain requests, and echoes what comes after an upgrade.
ECHO = r"""
cat > /www/talk <<'END'
up=
while IFS= read -r line; do
  line=${line%$(printf '\r')}
  [ -z "$line" ] && break
  case "$line" in [Uu]pgrade:*websocket*) up=1;; [Xx]-[Ff]orwarded-[Pp]roto:*) proto=${line#*: };; esac
done
if [ "$up" ]; then
  printf 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  exec cat
fi
printf 'HTTP/1.1 200 OK\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' ${#proto} "$proto"
END
nc -ll -p 80 -e sh /www/talk & trap exit TERM; while :; do sleep 1 & wait $!; done
"""


def test_tls_and_websockets_at_the_public_endpoint(server, lightsail, web):
    name = make(lightsail)
    assert decided(lightsail, name, deploy(lightsail, name, web("x"), ECHO)) == "ACTIVE"
    url = wait_for(lightsail, name, "RUNNING")["url"]
    host = url.removeprefix("https://").rstrip("/")
    assert fetch(server, url) == "http"
    address, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    trusted = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")

    def connect(secure):
        plain = socket.create_connection((address, int(port)), timeout=30)
        return trusted.wrap_socket(plain, server_hostname=host) if secure else plain

    with connect(secure=True) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert read_to_end(connection).endswith("https")
    for secure in (False, True):
        with connect(secure) as connection:
            wish = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            connection.sendall(f"GET /chat HTTP/1.1\r\nHost: {host}\r\n{wish}\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            assert head.startswith(b"HTTP/1.1 101 ") and b"upgrade: websocket" in head.lower(), head
            for word in (b"one", b"two" * 1000):
                connection.sendall(word)
                got = b""
                while len(got) < len(word):
                    got += connection.recv(65536)
                assert got == word


def read_to_end(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data.decode()


def check(server, account, name, image, **more):
    """`landfall check` of a deployment, as `--cli-input-json` takes it: exit code and findings."""
    document = {"serviceName": name, "containers": containers(image), **more}
    done = server.command("check", "-", "--json", input=json.dumps(document), environment=account.env())
    assert done.returncode in (0, 1), done.stderr
    (deployment,) = json.loads(done.stdout)["deployments"]
    assert deployment["would_start"] == (done.returncode == 0)
    return deployment["findings"]


def test_check_says_before_what_explain_says_after(server, admin, lightsail, web):
    name = make(lightsail)
    assert check(server, admin, name, web("fine"), publicEndpoint=endpoint()) == []
    repository, image = private_image(admin)
    (off,) = check(server, admin, name, image)
    assert off["cause"] == "PERMISSION" and "image puller role" in off["headline"], off
    assert off["fix"]["command"] == f"landfall lightsail allow-ecr {name} {repository}"
    activate(lightsail, name)
    (closed,) = check(server, admin, name, image)
    assert closed["cause"] == "PERMISSION", closed
    assert closed["fix"]["command"] == f"landfall lightsail allow-ecr {name} {repository}"
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "FAILED"
    done = server.command("explain", "--lightsail", name, "--json", environment=admin.env(), check=True)
    assert closed["fix"]["command"] in json.loads(done.stdout)["advice"]
    _, *arguments = closed["fix"]["command"].split()
    assert server.command(*arguments, environment=admin.env()).returncode == 0
    assert check(server, admin, name, image) == []
    (gone,) = check(server, admin, name, image.replace(":v1", ":v2"))
    assert gone["cause"] == "REGISTRY" and "v2" in gone["message"], gone
    (far,) = check(server, admin, name, image.replace("us-east-1", "eu-west-1"))
    assert far["cause"] == "CONFIGURATION" and "must be in the same Region" in far["message"], far
    assert "landfall image cp" in far["fix"]["text"], far
    (nobody,) = check(server, admin, unique("nobody"), web("fine"))
    assert nobody["headline"].startswith("There is no container service"), nobody
    many = check(server, admin, name, image.replace(":v1", ":v2"), publicEndpoint=endpoint(timeoutSeconds=60))
    assert len(many) == 2, many


def test_the_fix_for_another_accounts_repository_is_not_a_command_that_cannot_work(server, admin, other_account):
    """The repository's policy is its own account's to change: `allow-ecr` of the service's account could not even read it."""
    client = other_account.client("lightsail")
    name = make(client)
    _, image = private_image(admin)

    def told():
        (finding,) = check(server, other_account, name, image)
        assert finding["cause"] == "PERMISSION", finding
        assert decided(client, name, deploy(client, name, image)) == "FAILED"
        done = server.command("explain", "--lightsail", name, "--json", environment=other_account.env(), check=True)
        advice = json.loads(done.stdout)["advice"]
        assert "allow-ecr" not in advice and "allow-ecr" not in json.dumps(finding), (advice, finding)
        assert f"account {admin.id}" in advice, advice
        return finding, advice

    finding, advice = told()
    assert finding["fix"]["command"] in advice and f"account {admin.id}" in finding["fix"]["text"], finding
    other_account.aws(*finding["fix"]["command"].split()[1:])
    wait_for(client, name, "READY")
    finding, advice = told()
    assert finding["fix"]["text"] == "in the repository's account" and finding["fix"]["verified"], finding
    repository = image.split("/", 1)[1].rsplit(":", 1)[0]
    written = json.loads(advice[advice.index("{") : advice.rindex("}") + 1])
    text = json.dumps({"Version": "2008-10-17", "Statement": [written]})
    admin.client("ecr").set_repository_policy(repositoryName=repository, policyText=text)
    assert decided(client, name, deploy(client, name, image)) == "ACTIVE", "\n".join(log(client, name))
    client.delete_container_service(serviceName=name)
    until(f"the end of `{name}`", lambda: name not in names(client), 60)


def test_metrics_come_from_control_groups(lightsail, web):
    name = make(lightsail)
    busy = "(while :; do :; done) & " + PAGE
    assert decided(lightsail, name, deploy(lightsail, name, web("busy"), busy)) == "ACTIVE"
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)

    def points(metric, period=3600):
        return lightsail.get_container_service_metric_data(
            serviceName=name, metricName=metric, startTime=end - datetime.timedelta(hours=2), endTime=end,
            period=period, statistics=["Average", "Maximum", "Minimum", "SampleCount", "Sum"],
        )["metricData"]  # fmt: skip

    until("a sample", lambda: points("CPUUtilization"), 120, 1)
    (cpu,), (memory,) = points("CPUUtilization"), points("MemoryUtilization")
    assert cpu["unit"] == memory["unit"] == "Percent"
    assert 20 < cpu["maximum"] < 200, cpu
    assert 0 < memory["average"] < 100, memory
    assert cpu["minimum"] <= cpu["average"] <= cpu["maximum"] and cpu["sum"] >= cpu["average"]
    with pytest.raises(ClientError) as refused:
        points("CPUUtilization", period=90)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"


def explained(server, account, name):
    done = server.command("explain", "--lightsail", name, "--json", environment=account.env(), check=True)
    return json.loads(done.stdout)


def test_explain_knows_an_image_that_is_gone_and_a_health_check_that_fails(server, admin, lightsail, web):
    name = make(lightsail)
    repository, image = private_image(admin)
    assert server.command("lightsail", "allow-ecr", name, repository, environment=admin.env()).returncode == 0
    admin.client("ecr").batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "FAILED"
    story = explained(server, admin, name)
    assert "CannotPullContainerError" in story["failure"] and story["failure"] in " ".join(log(lightsail, name)), story
    assert story["advice"].startswith(f"push the image `{image}`, or name one that is there: aws ecr list-images"), story
    found = admin.client("ecr").describe_repositories(repositoryNames=[repository])["repositories"][0]
    ecr.Registry.of(admin).push(page("back"), found["repositoryUri"], "v1")
    version = deploy(lightsail, name, image, path="/nowhere", successCodes="200")
    assert decided(lightsail, name, version) == "FAILED"
    story = explained(server, admin, name)
    assert story["failure"] == "The health check of the public endpoint failed.", story
    assert "has to answer `GET /nowhere` on port 80" in story["advice"], story
    assert f"get-container-log --service-name {name} --container-name app" in story["advice"], story
    assert decided(lightsail, name, deploy(lightsail, name, image)) == "ACTIVE", log(lightsail, name)


def test_a_domain_name_of_a_certificate_leads_to_the_service(server, lightsail, web):
    name, certificate = make(lightsail), unique("cert")
    domain, other = f"{name}.example.com", f"www.{name}.example.com"
    made = lightsail.create_certificate(
        certificateName=certificate, domainName=domain, subjectAlternativeNames=[other]
    )
    assert made["certificate"]["certificateDetail"]["status"] == "ISSUED"
    assert lightsail.get_operation(operationId=made["operations"][0]["id"])["operation"]["status"] == "Succeeded"
    assert decided(lightsail, name, deploy(lightsail, name, web("mine"))) == "ACTIVE"
    wait_for(lightsail, name, "RUNNING")

    def update(domains):
        lightsail.update_container_service(serviceName=name, publicDomainNames={certificate: domains})
        assert wait_for(lightsail, name, "RUNNING")["publicDomainNames"] == {certificate: domains}

    address, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    trusted = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")

    def secure(host):
        with socket.create_connection((address, int(port)), timeout=30) as plain:
            with trusted.wrap_socket(plain, server_hostname=host) as connection:
                connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                return read_to_end(connection).endswith("mine")

    with pytest.raises(OSError):
        secure(domain)
    update([domain])
    assert fetch(server, f"https://{domain}/") == "mine" and secure(domain)
    with pytest.raises(OSError):
        # The certificate covers it, but it was not given to the service.
        secure(other)
    with pytest.raises(ClientError) as used:
        lightsail.delete_certificate(certificateName=certificate)
    assert used.value.response["Error"]["Code"] == "InvalidInputException"
    with pytest.raises(ClientError) as uncovered:
        lightsail.update_container_service(serviceName=name, publicDomainNames={certificate: ["example.net"]})
    assert uncovered.value.response["Error"]["Message"].endswith("does not cover the domain name `example.net`.")
    update([])
    with pytest.raises(OSError):
        secure(domain)
    lightsail.delete_certificate(certificateName=certificate)
    # No request has a host name with an asterisk: the service would never be found.
    lightsail.create_certificate(certificateName=certificate, domainName=f"*.{domain}")
    with pytest.raises(ClientError) as wildcard:
        lightsail.update_container_service(serviceName=name, publicDomainNames={certificate: [f"*.{domain}"]})
    assert wildcard.value.response["Error"]["Code"] == "InvalidInputException"
    assert "name each one that the certificate covers" in wildcard.value.response["Error"]["Message"]
    lightsail.delete_certificate(certificateName=certificate)
