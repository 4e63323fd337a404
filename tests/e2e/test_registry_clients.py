"""Docker, podman and skopeo against ECR's registries, unmodified and without any setting of a daemon."""

import json
import tempfile

import pytest
from support import images

from harness import clients, ecr
from harness.account import allow, unique
from harness.waiting import until


@pytest.fixture(scope="module")
def docker():
    with clients.Docker(tempfile.mkdtemp(prefix="landfall-docker-")) as running:
        yield running


@pytest.fixture
def host(admin):
    return admin.endpoint.removeprefix("http://")


@pytest.fixture
def registry(admin):
    return ecr.Registry.of(admin)


def manifest(registry, uri, tag):
    """The manifest's bytes and media type as the registry has them."""
    read = registry.send("GET", f"/v2/{registry.path(uri)}/manifests/{tag}")
    assert read.status == 200, read.data
    return read.data, read.headers["Content-Type"]


@pytest.mark.parametrize("docker_types", [False, True], ids=["oci", "docker"])
@pytest.mark.parametrize("several", [False, True], ids=["image", "platforms"])
def test_skopeo_copies_without_a_change(admin, registry, host, tmp_path, several, docker_types):
    skopeo = clients.Skopeo(tmp_path)
    skopeo.login(host, *ecr.login(admin))
    make = ecr.several_platforms if several else ecr.several_layers
    image = make(unique("skopeo"), docker=docker_types)
    source, target = (ecr.repository(admin)["repositoryUri"] for _ in range(2))
    registry.push(image, source, "v1")
    skopeo.command(
        *("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "--authfile", skopeo.auth),
        *(f"docker://{source}:v1", f"docker://{target}:v2"),
    )
    assert manifest(registry, target, "v2") == (image.manifest, image.media_type)
    if not docker_types:
        skopeo.pull(f"{target}:v2", f"{tmp_path}/layout:v2")
        index = json.loads((tmp_path / "layout" / "index.json").read_text())
        assert index["manifests"][0]["digest"] == image.digest
    tags = skopeo.command("list-tags", "--tls-verify=false", "--authfile", skopeo.auth, f"docker://{target}")
    assert json.loads(tags)["Tags"] == ["v2"]


@pytest.fixture
def podman():
    # It takes no long paths.
    with tempfile.TemporaryDirectory(prefix="lf-podman-") as directory:
        yield clients.Podman(directory)


def test_podman_pulls_and_pushes(admin, registry, host, podman):
    podman.login(host, *ecr.login(admin))
    uri = ecr.repository(admin)["repositoryUri"]
    image = ecr.several_platforms(unique("podman"))
    registry.push(image, uri, "v1")
    podman.pull(f"{uri}:v1")
    podman.command("tag", f"{uri}:v1", f"{uri}:v2")
    podman.push(f"{uri}:v2")
    pushed = json.loads(manifest(registry, uri, "v2")[0])
    assert len(pushed["layers"]) == 3
    assert pushed["config"]["digest"] == json.loads(image.children[0].manifest)["config"]["digest"]


def test_docker_pulls_and_pushes(admin, registry, host, docker):
    assert "Login Succeeded" in docker.login(host, *ecr.login(admin))
    uri = ecr.repository(admin)["repositoryUri"]
    image = ecr.several_platforms(unique("docker"), docker=True)
    digest = registry.push(image, uri, "v1")
    assert digest in docker.command("pull", f"{uri}:v1")
    docker.command("tag", f"{uri}:v1", f"{uri}:v2")
    pushed = docker.command("push", f"{uri}:v2")
    assert "v2: digest: sha256:" in pushed
    mine, media_type = manifest(registry, uri, "v2")
    assert media_type == images.DOCKER_MANIFEST
    assert json.loads(mine)["config"] == json.loads(image.children[0].manifest)["config"]
    # Everything anew, from nothing.
    docker.command("rmi", f"{uri}:v1", f"{uri}:v2")
    docker.command("pull", f"{uri}:v2")
    # Docker asks for mounts. Where it gets none, it uploads layers that it has packed itself.
    for setting, is_same in (("ENABLED", True), ("DISABLED", False)):
        admin.client("ecr").put_account_setting(name="BLOB_MOUNTING", value=setting)
        other = ecr.repository(admin)["repositoryUri"]
        docker.command("tag", f"{uri}:v2", f"{other}:v1")
        docker.command("push", f"{other}:v1")
        there = manifest(registry, other, "v1")[0]
        assert json.loads(there)["config"] == json.loads(mine)["config"]
        assert (there == mine) is is_same, setting


def test_docker_is_told_what_is_missing(admin, registry, host, docker):
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(ecr.several_layers(unique("denied")), uri, "v1")
    docker.command("logout", host, check=False)
    without = docker.command("pull", f"{uri}:v1", check=False)
    assert without.returncode != 0 and "no basic auth credentials" in without.stderr
    user = admin.user(allow("ecr:GetAuthorizationToken"))
    docker.login(host, *ecr.login(user))
    refused = docker.command("pull", f"{uri}:v1", check=False)
    assert refused.returncode != 0
    arn = user.sts.get_caller_identity()["Arn"]
    assert f"denied: User: {arn} is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:" in refused.stderr


def test_pulls_and_pushes_are_seen_in_the_api(admin, registry):
    repository = ecr.repository(admin)
    image = ecr.several_layers(unique("times"))
    digest = registry.push(image, repository["repositoryUri"], "v1")
    describe = {"repositoryName": repository["repositoryName"], "imageIds": [{"imageTag": "v1"}]}
    shown = admin.client("ecr").describe_images(**describe)["imageDetails"][0]
    assert shown["imageDigest"] == digest and "lastRecordedPullTime" not in shown
    assert shown["imageSizeInBytes"] == sum(len(blob) for blob in image.blobs.values())
    manifest(registry, repository["repositoryUri"], "v1")
    until(
        "the time of the pull",
        lambda: "lastRecordedPullTime" in admin.client("ecr").describe_images(**describe)["imageDetails"][0],
        10,
    )


def test_a_layers_address_needs_no_credential(admin, registry):
    repository = ecr.repository(admin)
    image = ecr.several_layers(unique("address"))
    registry.push(image, repository["repositoryUri"], "v1")
    layer = json.loads(image.manifest)["layers"][0]["digest"]
    given = admin.client("ecr").get_download_url_for_layer(repositoryName=repository["repositoryName"], layerDigest=layer)
    path = given["downloadUrl"].removeprefix(admin.endpoint)
    nobody = ecr.Registry(registry.host)
    assert nobody.send("GET", path).data == image.blobs[layer]
    assert nobody.send("GET", path, {"Range": "bytes=0-3"}).data == image.blobs[layer][:4]
    for bad in (path[:-4] + "AAAA", "/_landfall/layers/", "/_landfall/layers/x"):
        assert nobody.send("GET", bad).status == 403
