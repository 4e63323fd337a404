"""The pull-through cache: images of another registry under a prefix of one's own, with that registry's password."""

import base64
import json
import time

import pytest
import urllib3
from botocore.exceptions import ClientError
from support import images
from support.docker_registry import HtpasswdRegistry
from support.hostile_registry import HostileRegistry

from harness import clients, clock, ecr
from harness.account import EXECUTION_POLICY, Account, allow, trust, unique
from harness.tasks import assert_never_ran, exit_code
from harness.waiting import until

UNAUTHORIZED = (
    "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through cache rule are "
    "correct, and try again."
)
IMPORT = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]


@pytest.fixture(scope="module")
def upstream():
    with HtpasswdRegistry() as running:
        yield running


def push(upstream, name, tag="v1", salt=None):
    image = ecr.several_layers(salt or unique("upstream"))
    images.push(image, upstream.host, name, tag, upstream.username, upstream.password)
    return image


def secret(admin, **document):
    name = unique("ecr-pullthroughcache/up")
    return admin.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(document))["ARN"]


def make_rule(admin, upstream, **more):
    prefix = unique("up").lower()
    arn = secret(admin, username=upstream.username, accessToken=upstream.password)
    admin.client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream.host, credentialArn=arn, **more
    )
    return prefix


def manifest(account, name, tag="v1"):
    return ecr.Registry.of(account).send("GET", f"/v2/{account_id(account)}/us-east-1/{name}/manifests/{tag}")


def account_id(account):
    return account.client("sts").get_caller_identity()["Account"]


def repositories(admin):
    pages = admin.client("ecr").get_paginator("describe_repositories").paginate()
    return {it["repositoryName"] for page in pages for it in page["repositories"]}


def whole(admin, name, count=1):
    """Whether so many images of a repository are here, layers and all: a client is served while they come."""
    return name in repositories(admin) and len(admin.client("ecr").describe_images(repositoryName=name)["imageDetails"]) == count


def test_rules_are_made_shown_changed_and_removed(admin, upstream):
    client = admin.client("ecr")
    prefix = make_rule(admin, upstream)
    (rule,) = client.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
    assert rule["upstreamRegistryUrl"] == upstream.host and rule["registryId"] == account_id(admin)
    valid = client.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    assert valid["isValid"] is True and "failure" not in valid, valid
    wrong = secret(admin, username=upstream.username, accessToken="wrong")
    client.update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=wrong)
    invalid = client.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    assert invalid["isValid"] is False
    assert invalid["failure"].startswith("The authentication to the upstream registry failed."), invalid
    refused = manifest(admin, f"{prefix}/team/app")
    assert refused.status == 403 and ecr.error(refused)["message"] == UNAUTHORIZED
    assert ecr.error(refused)["detail"].startswith(f"`{upstream.host}` answered 401 for `team/app:v1`"), ecr.error(refused)
    client.delete_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    for call in (client.delete_pull_through_cache_rule, client.validate_pull_through_cache_rule):
        with pytest.raises(client.exceptions.PullThroughCacheRuleNotFoundException):
            call(ecrRepositoryPrefix=prefix)


def test_a_rule_without_a_credential_is_told_what_to_do(admin, upstream):
    prefix = public_rule(admin, upstream)
    refused = manifest(admin, f"{prefix}/team/app")
    assert refused.status == 403 and ecr.error(refused)["code"] == "DENIED"
    assert ecr.error(refused)["message"] == UNAUTHORIZED
    failure = admin.client("ecr").validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)["failure"]
    assert failure.startswith(UNAUTHORIZED), failure
    for told in (ecr.error(refused)["detail"], failure):
        assert "repositoryCredentials" not in told, told
        assert "the rule has no credential: keep `username` and `accessToken` in a secret named `ecr-pullthroughcache/…`" in told


def test_what_is_wrong_with_a_rule_is_refused(admin, upstream):
    client = admin.client("ecr")
    taken = make_rule(admin, upstream)

    def code(**arguments):
        with pytest.raises(ClientError) as refused:
            client.create_pull_through_cache_rule(**{"ecrRepositoryPrefix": unique("x"), "upstreamRegistryUrl": upstream.host, **arguments})
        return refused.value.response["Error"]["Code"]

    region = f"arn:aws:secretsmanager:us-east-1:{account_id(admin)}:secret"
    elsewhere = "arn:aws:secretsmanager:us-east-1:999999999999:secret"
    assert code(ecrRepositoryPrefix=taken) == "PullThroughCacheRuleAlreadyExistsException"
    assert code(upstreamRegistryUrl="not a host") == "UnsupportedUpstreamRegistryException"
    assert code(credentialArn=f"{elsewhere}:ecr-pullthroughcache/one-AbCdEf") == "InvalidParameterException"
    assert code(credentialArn=f"{region}:ecr-pullthroughcache/none-AbCdEf") == "SecretNotFoundException"
    no_keys = secret(admin, user="a", password="b")
    assert code(credentialArn=no_keys) == "UnableToAccessSecretException"


def test_batch_get_image_fetches_it_too(admin, upstream):
    prefix = make_rule(admin, upstream)
    image = push(upstream, "team/app")
    name, user = f"{prefix}/team/app", admin.user(allow("ecr:BatchGetImage"))
    with pytest.raises(ClientError) as refused:
        user.client("ecr").batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["Error"]["Message"] == (
        f"User: {user.sts.get_caller_identity()['Arn']} is not authorized to perform: ecr:BatchImportUpstreamImage on resource: "
        f"arn:aws:ecr:us-east-1:{account_id(admin)}:repository/{name} because no identity-based policy allows the "
        "ecr:BatchImportUpstreamImage action"
    )
    ids = [{"imageTag": "v1"}, {"imageTag": "none"}]
    got = admin.client("ecr").batch_get_image(repositoryName=name, imageIds=ids)
    assert [it["imageManifest"].encode() for it in got["images"]] == [image.manifest]
    assert [it["failureCode"] for it in got["failures"]] == ["ImageNotFound"]
    layer = json.loads(image.manifest)["layers"][0]["digest"]
    address = admin.client("ecr").get_download_url_for_layer(repositoryName=name, layerDigest=layer)["downloadUrl"]
    nobody = ecr.Registry(admin.endpoint.removeprefix("http://"))
    assert nobody.send("GET", address.removeprefix(admin.endpoint)).data == image.blobs[layer]


def test_an_image_comes_through_and_stays_when_the_upstream_is_gone(admin, tmp_path):
    with HtpasswdRegistry() as upstream:
        prefix = make_rule(admin, upstream)
        image = push(upstream, "team/app")
        index = ecr.several_platforms(unique("index"))
        images.push(index, upstream.host, "team/index", "v1", upstream.username, upstream.password)
        name = f"{prefix}/team/app"
        assert name not in repositories(admin)
        first = manifest(admin, name)
        assert (first.status, first.data) == (200, image.manifest)
        assert name in repositories(admin)
        skopeo = clients.Skopeo(tmp_path)
        registry = ecr.Registry.of(admin)
        skopeo.login(registry.host, registry.username, registry.password)
        local = f"{registry.host}/{account_id(admin)}/us-east-1"
        skopeo.pull(f"{local}/{prefix}/team/index:v1", f"{tmp_path}/before:v1")
        until("both images", lambda: whole(admin, name, 1) and whole(admin, f"{prefix}/team/index", 3), 20)
        missing = manifest(admin, f"{prefix}/team/none")
        assert missing.status == 404 and ecr.error(missing)["code"] == "MANIFEST_UNKNOWN"
    skopeo.pull(f"{local}/{name}:v1", f"{tmp_path}/one:v1")
    skopeo.pull(f"{local}/{prefix}/team/index:v1", f"{tmp_path}/after:v1")
    gone = manifest(admin, name, "v2")
    assert gone.status == 502 and "upstream registry did not give the image" in ecr.error(gone)["message"]
    (listed,) = admin.client("ecr").describe_images(repositoryName=name)["imageDetails"]
    assert listed["imageTags"] == ["v1"] and listed["imageDigest"] == image.digest


@pytest.mark.parametrize("way", ["scheme", "path"])
def test_requests_are_read_as_the_registry_reads_them(admin, upstream, way):
    """The case of a scheme says nothing (RFC 9110, 11.1), and a path may have encoded characters."""
    prefix, image = make_rule(admin, upstream), push(upstream, "team/app")
    registry = ecr.Registry.of(admin)
    path = f"/v2/{account_id(admin)}/us-east-1/{prefix}/team/app/manifests"
    if way == "scheme":
        basic = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
        answer = ecr.Registry(registry.host).send("GET", f"{path}/v1", {"Authorization": f"basic {basic}"})
    else:
        answer = registry.send("GET", f"{path}/{image.digest.replace(':', '%3A')}")
    assert (answer.status, answer.data) == (200, image.manifest)
    until("the image", lambda: whole(admin, f"{prefix}/team/app"), 20)

    def pulled():
        details = admin.client("ecr").describe_images(repositoryName=f"{prefix}/team/app")["imageDetails"]
        return "lastRecordedPullTime" in details[0]

    until("the note of the pull", pulled, 10)


def platform_of(skopeo, uri, layout, architecture):
    """Copies what a machine of one platform copies."""
    options = ("--override-os=linux", f"--override-arch={architecture}", "--src-tls-verify=false", "--src-authfile", skopeo.auth)
    return skopeo.command("copy", *options, f"docker://{uri}", f"oci:{layout}")


def test_the_other_platforms_follow_the_first(make_server, tmp_path):
    """A client pulls one platform of an index; the others come by themselves, also past a restart, and stay."""
    server = make_server()
    admin = Account.from_env(server.env())
    skopeo = clients.Skopeo(tmp_path)

    def local(prefix):
        registry = ecr.Registry.of(admin)
        skopeo.login(registry.host, registry.username, registry.password)
        return f"{registry.host}/{account_id(admin)}/us-east-1/{prefix}/team/index:v1"

    with HtpasswdRegistry() as upstream:
        prefix = make_rule(admin, upstream)
        name = f"{prefix}/team/index"
        index = ecr.several_platforms(unique("follow"))
        images.push(index, upstream.host, "team/index", "v1", upstream.username, upstream.password)
        platform_of(skopeo, local(prefix), f"{tmp_path}/amd:v1", "amd64")
        until("both platforms", lambda: whole(admin, name, 3), 20)
    details = {it["imageDigest"]: it for it in admin.client("ecr").describe_images(repositoryName=name)["imageDetails"]}
    assert set(details) == {index.digest, *(child.digest for child in index.children)}
    amd, arm = (details[child.digest] for child in index.children)
    assert details[index.digest]["imageSizeInBytes"] == max(amd["imageSizeInBytes"], arm["imageSizeInBytes"]) > 0
    assert "lastRecordedPullTime" in details[index.digest] and "lastRecordedPullTime" in amd
    assert "lastRecordedPullTime" not in arm, "what came by itself was not pulled"
    platform_of(skopeo, local(prefix), f"{tmp_path}/arm:v1", "arm64")
    skopeo.pull(local(prefix), f"{tmp_path}/all:v1")
    assert server.stop() == 0


def test_what_an_index_lacks_comes_after_a_restart(make_server, tmp_path):
    server = make_server()
    admin = Account.from_env(server.env())
    with HostileRegistry() as upstream:
        prefix = public_rule(admin, upstream)
        index = ecr.several_platforms(unique("restart"))
        # Layers stand still half-way until they are let go.
        upstream.add(index, "gated-layer", "v1")
        name = f"{prefix}/gated-layer"
        assert manifest(admin, name).data == index.manifest
        until("the index", lambda: whole(admin, name, 1), 20)
        until("a layer that stands still", lambda: upstream.requests_for("/blobs/"), 20)
        server.stop()
        upstream.let_go()
        server = make_server(data_dir=server.data_dir)
        admin = Account.from_env(server.env())
        until("both platforms", lambda: whole(admin, name, 3), 20)
    assert server.stop() == 0


def test_an_index_is_replicated_when_its_images_are_there(make_server):
    server = make_server()
    admin = Account.from_env(server.env())
    client, there = admin.client("ecr"), admin.client("ecr", region="eu-west-1")
    rule = {"destinations": [{"region": "eu-west-1", "registryId": admin.id}]}
    client.put_replication_configuration(replicationConfiguration={"rules": [rule]})

    def status():
        known = client.describe_image_replication_status(repositoryName=name, imageId={"imageTag": "v1"})
        return [it["status"] for it in known["replicationStatuses"]]

    with HostileRegistry() as upstream:
        prefix, index = public_rule(admin, upstream), ecr.several_platforms(unique("replica"))
        upstream.add(index, "gated-layer", "v1")
        name = f"{prefix}/gated-layer"
        assert manifest(admin, name).data == index.manifest
        until("the index", lambda: whole(admin, name, 1), 20)
        assert status() == ["IN_PROGRESS"]
        upstream.let_go()
        until("the replica", lambda: status() == ["COMPLETE"], 20)
    copied = {it["imageDigest"] for it in there.describe_images(repositoryName=name)["imageDetails"]}
    assert copied == {index.digest, *(child.digest for child in index.children)}
    assert server.stop() == 0


def test_fetching_needs_a_permission_of_its_own(admin, upstream):
    prefix = make_rule(admin, upstream)
    push(upstream, "guarded/app")
    name = f"{prefix}/guarded/app"
    reader = admin.user({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ecr.PULL, "Resource": "*"}]})
    refused = manifest(reader, name)
    assert refused.status == 403
    assert "not authorized to perform: ecr:BatchImportUpstreamImage" in ecr.error(refused)["message"]
    importer = admin.user(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ecr.PULL + IMPORT, "Resource": "*"}]}
    )
    assert manifest(importer, name).status == 200
    assert manifest(reader, name).status == 200, "what is on its way needs no import"
    until("the image", lambda: whole(admin, name), 20)
    assert manifest(reader, name).status == 200, "what is here needs no import"


def test_a_creation_template_shapes_the_repository(admin, upstream):
    prefix = make_rule(admin, upstream)
    push(upstream, "shaped")
    admin.client("ecr").create_repository_creation_template(
        prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
    )
    assert manifest(admin, f"{prefix}/shaped").status == 200
    found = admin.client("ecr").describe_repositories(repositoryNames=[f"{prefix}/shaped"])["repositories"][0]
    assert found["imageTagMutability"] == "IMMUTABLE"


def test_a_template_with_tags_makes_the_repository_as_its_role(admin, upstream):
    """The role has to let ECR in and be allowed to make and to tag the repository, for a push as for a pull."""
    prefix = make_rule(admin, upstream)
    push(upstream, "tagged")
    role = admin.role(allow("ecr:CreateRepository"), trusted=trust("ecr.amazonaws.com"), prefix="maker")
    admin.client("ecr").create_repository_creation_template(
        prefix=prefix,
        appliedFor=["PULL_THROUGH_CACHE", "CREATE_ON_PUSH"],
        resourceTags=[{"Key": "team", "Value": "a"}],
        customRoleArn=role,
    )
    name = role.rsplit("/", 1)[1]
    denied = f"assumed-role/{name}/ECRRepositoryCreation is not authorized to perform: ecr:TagResource on resource"
    refused = ecr.Registry.of(admin).send("POST", f"/v2/{admin.id}/us-east-1/{prefix}/pushed/blobs/uploads/")
    assert refused.status == 403 and denied in ecr.error(refused)["message"], refused.data
    refused = manifest(admin, f"{prefix}/tagged")
    assert refused.status == 403 and denied in refused.data.decode(), refused.data
    admin.iam.put_role_policy(RoleName=name, PolicyName="tag", PolicyDocument=json.dumps(allow("ecr:TagResource")))
    assert manifest(admin, f"{prefix}/tagged").status == 200
    made = admin.client("ecr").describe_repositories(repositoryNames=[f"{prefix}/tagged"])["repositories"][0]
    tags = admin.client("ecr").list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_a_tag_is_looked_up_again_after_a_day(make_server, upstream):
    server = make_server()
    admin = Account.from_env(server.env())
    prefix = make_rule(admin, upstream)
    old = push(upstream, "daily/app")
    assert manifest(admin, f"{prefix}/daily/app").data == old.manifest
    until("the image", lambda: whole(admin, f"{prefix}/daily/app"), 20)
    new = push(upstream, "daily/app")
    assert manifest(admin, f"{prefix}/daily/app").data == old.manifest, "not yet"
    server.stop()
    data = server.data_dir
    later = make_server(data_dir=data, environment=clock.ahead(25 * 3600))
    # Signatures follow the server's clock; tokens of the registry are asked for with them.
    registry = token_of(later)
    path = f"/v2/000000000000/us-east-1/{prefix}/daily/app/manifests/v1"
    assert registry.send("GET", path).data == new.manifest
    assert later.stop() == 0


# --- an image is served while it comes ---


@pytest.fixture
def slow():
    with HostileRegistry() as running:
        yield running


def public_rule(admin, upstream):
    prefix = unique("slow").lower()
    admin.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream.host)
    return prefix


def layers(image):
    return [layer["digest"] for layer in json.loads(image.manifest)["layers"]]


def ask(registry, method, path):
    """An answer whose body is not read yet."""
    return registry.send(method, path, preload_content=False)


def test_layers_are_served_while_they_come(admin, slow):
    prefix, image = public_rule(admin, slow), ecr.several_layers(unique("coming"))
    slow.add(image, "gated-layer", "v1")
    name = f"{prefix}/gated-layer"
    path = f"/v2/{account_id(admin)}/us-east-1/{name}"
    registry = ecr.Registry.of(admin)
    for reference in ("v1", image.digest):
        first = registry.send("GET", f"{path}/manifests/{reference}")
        assert (first.status, first.data) == (200, image.manifest)
        assert first.headers["Docker-Content-Digest"] == image.digest and first.headers["Content-Type"] == image.media_type
    assert registry.send("HEAD", f"{path}/manifests/v1").headers["Content-Length"] == str(len(image.manifest))
    assert not whole(admin, name), "it is one of the repository's when all of it is here"

    digest = layers(image)[-1]
    content = image.blobs[digest]
    assert registry.send("HEAD", f"{path}/blobs/{digest}").headers["Content-Length"] == str(len(content))
    reading = [ask(registry, "GET", f"{path}/blobs/{digest}") for _ in range(3)]
    half = -(-len(content) // 2)
    heads = [one.read(half, decode_content=False) for one in reading]
    assert heads == [content[:half]] * 3
    stranger = ecr.Registry.of(admin.user(allow("ecr:GetAuthorizationToken")))
    refused = stranger.send("GET", f"{path}/blobs/{digest}")
    assert refused.status == 403 and "not authorized to perform: ecr:GetDownloadUrlForLayer" in ecr.error(refused)["message"]
    assert len(slow.requests_for("/manifests/v1")) == 1, "one fetch for all who ask"
    assert len(slow.requests_for(f"/blobs/{digest}")) == 1

    slow.let_go()
    assert [head + one.read() for head, one in zip(heads, reading)] == [content] * 3
    part = registry.send("GET", f"{path}/blobs/{digest}", {"Range": "bytes=5-9"})
    assert (part.status, part.data) == (206, content[5:10])
    until("the image", lambda: whole(admin, name), 20)
    for blob, expected in image.blobs.items():
        assert registry.send("GET", f"{path}/blobs/{blob}").data == expected
    assert len(slow.requests_for(f"/blobs/{digest}")) == 1


@pytest.mark.parametrize("mode", ["lying-layer", "truncated-layer"])
def test_a_layer_that_is_not_what_it_should_be_never_ends_well(admin, slow, mode):
    prefix, image = public_rule(admin, slow), ecr.several_layers(unique("lie"))
    slow.add(image, mode, "v1")
    name = f"{prefix}/{mode}"
    path = f"/v2/{account_id(admin)}/us-east-1/{name}"
    registry = ecr.Registry.of(admin)
    assert registry.send("GET", f"{path}/manifests/v1").status == 200
    for digest in layers(image):
        try:
            answer = registry.send("GET", f"{path}/blobs/{digest}")
            assert answer.status == 404, "given up already"
        except urllib3.exceptions.ProtocolError:
            pass
    until("the end of the fetch", lambda: registry.send("HEAD", f"{path}/blobs/{digest}").status == 404, 40)
    assert not whole(admin, name)
    slow.set_mode(mode, "ok")
    assert registry.send("GET", f"{path}/manifests/v1").data == image.manifest
    until("the image", lambda: whole(admin, name), 20)


def test_a_task_waits_for_a_slow_upstream(tasks, admin, slow):
    """Longer than the node waits for a registry's answer (`--registry-timeout 5`)."""
    prefix, image = public_rule(admin, slow), ecr.several_layers(unique("slow"))
    slow.add(image, "slow-layer", "v1")
    may = {"Effect": "Allow", "Action": ["logs:*", *IMPORT], "Resource": "*"}
    role = admin.execution_role(extra=[may], managed=(EXECUTION_POLICY,))
    name = f"{account_id(admin)}.dkr.ecr.us-east-1.amazonaws.com/{prefix}/slow-layer:v1"
    done = tasks.finish(image_container(tasks, name), executionRoleArn=role)
    assert exit_code(done) == 0, done.get("stoppedReason")
    assert done["containers"][0]["imageDigest"] == image.digest


def test_skopeo_copies_from_a_slow_upstream(admin, slow, tmp_path):
    prefix, image = public_rule(admin, slow), ecr.several_layers(unique("slow"))
    slow.add(image, "slow-layer", "v1")
    skopeo, registry = clients.Skopeo(tmp_path), ecr.Registry.of(admin)
    skopeo.login(registry.host, registry.username, registry.password)
    name = f"{prefix}/slow-layer"
    skopeo.pull(f"{registry.host}/{account_id(admin)}/us-east-1/{name}:v1", f"{tmp_path}/one:v1")
    index = json.loads((tmp_path / "one" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == image.digest
    until("the image", lambda: whole(admin, name), 20)


def token_of(server):
    """A login of a server whose clock is a day ahead: the command's clock has to be, too."""
    done = server.command(
        "ecr", "login", "--tool", "skopeo", "--json",
        environment={**clock.ahead(25 * 3600), "REGISTRY_AUTH_FILE": str(server.data_dir / "auth.json")}, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["tools"][0]["logged_in"], done.stdout
    (entry,) = json.loads((server.data_dir / "auth.json").read_text())["auths"].values()
    username, password = base64.b64decode(entry["auth"]).decode().split(":", 1)
    return ecr.Registry(server.endpoint.removeprefix("http://"), username, password)


def image_container(tasks, image):
    it = tasks.container(image=image)
    it.pop("repositoryCredentials", None)
    it.pop("command", None)
    return it


def test_a_task_pulls_through_the_cache(server, tasks, admin, upstream):
    prefix = make_rule(admin, upstream)
    salt = unique("task")
    image = push(upstream, "team/task", salt=salt)
    name = f"{account_id(admin)}.dkr.ecr.us-east-1.amazonaws.com/{prefix}/team/task:v1"
    logs = {"Effect": "Allow", "Action": ["logs:*"], "Resource": "*"}
    may = {"Effect": "Allow", "Action": IMPORT, "Resource": "*"}
    poor, rich = (admin.execution_role(extra=extra, managed=(EXECUTION_POLICY,)) for extra in ([logs], [logs, may]))
    definition = tasks.define(image_container(tasks, name), executionRoleArn=poor)
    task, seen = tasks.watch(tasks.run(definition))
    assert_never_ran(task, seen)
    assert task["stoppedReason"].startswith("CannotPullContainerError: "), task["stoppedReason"]
    told = json.dumps(tasks.trace(task["taskArn"]))
    assert "not authorized to perform: ecr:BatchImportUpstreamImage" in told, told
    assert f"{prefix}/team/task" not in repositories(admin)
    # A look before anything runs keeps nothing.
    described = admin.client("ecs").describe_task_definition(
        taskDefinition=tasks.define(image_container(tasks, name), executionRoleArn=rich)
    )
    checked = server.command(
        "check", "-", "--json", input=json.dumps(described["taskDefinition"], default=str), environment=admin.env()
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{prefix}/team/task" not in repositories(admin)
    done = tasks.finish(image_container(tasks, name), executionRoleArn=rich)
    assert exit_code(done) == 0, done.get("stoppedReason")
    assert tasks.lines(done)[0].startswith(salt)
    assert done["containers"][0]["imageDigest"] == image.digest


def test_a_task_is_told_why_the_upstream_gives_nothing(tasks, admin, upstream):
    prefix = make_rule(admin, upstream)
    wrong = secret(admin, username=upstream.username, accessToken="wrong")
    admin.client("ecr").update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=wrong)
    may = {"Effect": "Allow", "Action": ["logs:*", *IMPORT], "Resource": "*"}
    role = admin.execution_role(extra=[may], managed=(EXECUTION_POLICY,))
    host = f"{account_id(admin)}.dkr.ecr.us-east-1.amazonaws.com"

    def stopped(name):
        definition = tasks.define(image_container(tasks, f"{host}/{name}:v1"), executionRoleArn=role)
        task, seen = tasks.watch(tasks.run(definition))
        assert_never_ran(task, seen)
        return task["stoppedReason"], json.dumps(tasks.trace(task["taskArn"]))

    reason, told = stopped(f"{prefix}/team/secret")
    assert reason.endswith(f"pulling from host {host} failed with status code [manifests v1]: 403 Forbidden"), reason
    assert UNAUTHORIZED in told and "ecr-pullthroughcache/up" in told and "docker push" not in told, told
    with HtpasswdRegistry() as gone:
        down = make_rule(admin, gone)
    reason, told = stopped(f"{down}/team/gone")
    assert reason.endswith(f"pulling from host {host} failed with status code [manifests v1]: 502 Bad Gateway"), reason
    assert gone.host in told and "docker push" not in told, told


def test_a_registry_of_another_account_is_an_upstream(admin, other_account):
    """ECR to ECR: the rule's role reads, as far as its own policy and the upstream repository's let it."""
    made = ecr.repository(other_account)
    image = ecr.several_layers(unique("ecr-to-ecr"))
    ecr.Registry.of(other_account).push(image, made["repositoryUri"], "v1")
    actions = [*ecr.PULL, "ecr:BatchImportUpstreamImage"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    role = admin.role(
        {"Version": "2012-10-17", "Statement": [statement]}, trusted=trust("pullthroughcache.ecr.amazonaws.com"), prefix="cache"
    )
    prefix = unique("mirror").lower()
    admin.client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix,
        upstreamRegistryUrl=f"{made['registryId']}.dkr.ecr.us-east-1.amazonaws.com",
        customRoleArn=role,
    )
    assert admin.client("ecr").validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)["isValid"] is True
    name = f"{prefix}/{made['repositoryName']}"
    refused = manifest(admin, name)
    assert refused.status == 403 and ecr.error(refused)["message"] == UNAUTHORIZED
    assert "is not authorized to perform: ecr:BatchGetImage" in ecr.error(refused)["detail"], ecr.error(refused)
    allowed = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{admin.id}:root"}, "Action": actions[1:]}
    other_account.client("ecr").set_repository_policy(
        repositoryName=made["repositoryName"],
        policyText=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    assert manifest(admin, name).data == image.manifest
    until("the image", lambda: whole(admin, name), 20)
    registry = ecr.Registry.of(admin)
    for digest, content in image.blobs.items():
        assert registry.send("GET", f"/v2/{admin.id}/us-east-1/{name}/blobs/{digest}").data == content


def test_an_upstream_that_limits_requests(admin, slow):
    prefix = public_rule(admin, slow)
    slow.add(ecr.several_layers(unique("limit")), "rate-limit", "v1")
    refused = manifest(admin, f"{prefix}/rate-limit")
    assert refused.status == 429, refused.data
    told = ecr.error(refused)
    assert (told["code"], told["message"]) == ("TOOMANYREQUESTS", "Rate exceeded")
    assert told["detail"].startswith(f"`{slow.host}` answered 429 for `rate-limit:v1`"), told


def test_an_older_image_is_served_when_a_newer_ones_layers_stand_still(make_server, slow):
    server = make_server()
    admin = Account.from_env(server.env())
    prefix, old, new = public_rule(admin, slow), ecr.several_layers(unique("old")), ecr.several_layers(unique("new"))
    name = f"{prefix}/hang-layer"
    slow.add(old, "hang-layer", "v1")
    slow.set_mode("hang-layer", "ok")
    assert manifest(admin, name).data == old.manifest
    until("the image", lambda: whole(admin, name), 20)
    server.stop()
    slow.add(new, "hang-layer", "v1")
    slow.set_mode("hang-layer", "hang-layer")
    # The client of registries waits longer than the cache does.
    later = make_server("--registry-timeout", "60", data_dir=server.data_dir, environment=clock.ahead(25 * 3600))
    began = time.monotonic()
    path = f"/v2/000000000000/us-east-1/{name}/manifests/v1"
    assert token_of(later).send("GET", path).data == old.manifest
    assert 4 < time.monotonic() - began < 20, "it waits for five seconds of silence"
    assert later.stop() == 0
