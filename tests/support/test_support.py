"""The support code itself: images that skopeo accepts, registries that behave and misbehave as they say."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
import zlib

import pytest

from support import docker_registry, hostile_layers, images
from support.docker_registry import AnonymousRegistry, HtpasswdRegistry, TokenRegistry
from support.hostile_registry import MODES, HostileRegistry

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
needs_registry = pytest.mark.skipif(not docker_registry.available(), reason="docker-registry is not installed")
AUTHENTICATED = [HtpasswdRegistry, TokenRegistry]


def skopeo(*arguments: str) -> subprocess.CompletedProcess:
    command = ["skopeo", "--insecure-policy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def tls_off(side: str = "") -> str:
    return f"--{side}tls-verify=false"


@needs_skopeo
@needs_registry
@pytest.mark.parametrize("kind", AUTHENTICATED)
def test_login(kind, tmp_path):
    with kind() as registry:
        common = ["login", tls_off(), "--authfile", str(tmp_path / "auth.json"), registry.host, "-u", registry.username]
        good = skopeo(*common, "-p", registry.password)
        assert good.returncode == 0, good.stderr
        bad = skopeo(*common, "-p", "wrong")
        assert bad.returncode != 0
        assert "invalid username/password" in bad.stderr or "unauthorized" in bad.stderr.lower()


@needs_skopeo
@needs_registry
@pytest.mark.parametrize("kind", AUTHENTICATED)
@pytest.mark.parametrize("docker", [False, True])
def test_push_and_pull(kind, docker, tmp_path):
    image = images.build(cmd=["/bin/sh"], docker=docker)
    with kind() as registry:
        credentials = f"{registry.username}:{registry.password}"
        pushed = images.push(image, registry.host, "team/app", "v1", registry.username, registry.password)
        source = f"docker://{registry.host}/team/app:v1"
        shown = skopeo("inspect", tls_off(), "--creds", credentials, source)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)["Digest"] == pushed
        copied = skopeo("copy", tls_off("src-"), "--src-creds", credentials, source, f"dir:{tmp_path}")
        assert copied.returncode == 0, copied.stderr
        wrong = skopeo("inspect", tls_off(), "--creds", f"{registry.username}:wrong", source)
        assert wrong.returncode != 0
        with pytest.raises(images.RegistryError) as refused:
            images.push(image, registry.host, "team/app", "v2", registry.username, "wrong")
        assert refused.value.status == 401


@needs_registry
def test_token_server_records_scopes():
    with TokenRegistry() as registry:
        images.push(images.build([]), registry.host, "team/app", "v1", registry.username, registry.password)
        asked = registry.token_server.requests
        assert {request["user"] for request in asked} == {registry.username}
        assert {request["service"] for request in asked} == {docker_registry.SERVICE}
        assert any(scope.startswith("repository:team/app:") for request in asked for scope in request["scopes"])


@needs_skopeo
@needs_registry
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_compressions(compression, tmp_path):
    with AnonymousRegistry() as registry:
        images.push(images.build(compression=compression), registry.host, "app")
        copied = skopeo("copy", tls_off("src-"), f"docker://{registry.host}/app:latest", f"oci:{tmp_path}/out:v1")
        assert copied.returncode == 0, copied.stderr


@needs_skopeo
@needs_registry
def test_index():
    platforms = {"linux/amd64": images.build([], cmd=["amd"]), "linux/arm64/v8": images.build([], architecture="arm64")}
    index = images.index(platforms)
    with AnonymousRegistry() as registry:
        images.push(index, registry.host, "app")
        reference = f"docker://{registry.host}/app:latest"
        raw = skopeo("inspect", tls_off(), "--raw", reference)
        assert raw.stdout.encode() == index.manifest
        arm = skopeo("--override-arch=arm64", "--override-variant=v8", "inspect", "--config", tls_off(), reference)
        assert json.loads(arm.stdout)["architecture"] == "arm64", arm.stderr


def test_configuration_of_an_image():
    run = {"entrypoint": ["/bin/a"], "cmd": ["b"], "env": ["C=d"], "user": "1:2", "working_dir": "/e"}
    image = images.build([], **run)
    manifest = json.loads(image.manifest)
    config = json.loads(image.blobs[manifest["config"]["digest"]])
    expected = {"Entrypoint": ["/bin/a"], "Cmd": ["b"], "Env": ["C=d"], "User": "1:2", "WorkingDir": "/e"}
    assert config["config"] == expected


def test_busybox_archive_has_a_shell():
    with tarfile.open(fileobj=io.BytesIO(images.busybox_archive())) as tar:
        assert tar.getmember("bin/sh").linkname == "busybox"
        assert tar.getmember("bin/busybox").mode & 0o111


def pull(registry: HostileRegistry, repository: str, directory, *extra: str):
    reference = f"docker://{registry.host}/{repository}:latest"
    return skopeo("copy", tls_off("src-"), "--retry-times=0", *extra, reference, f"dir:{directory}")


@needs_skopeo
def test_hostile_registry_can_behave(tmp_path):
    with HostileRegistry(username="alice", password="secret") as registry:
        registry.add(images.build(), "team/app", "latest")
        good = pull(registry, "team/app", tmp_path / "good", "--src-creds=alice:secret")
        assert good.returncode == 0, good.stderr
        assert not registry.requests[0].authorized
        assert registry.requests_for("/manifests/latest")[0].authorized
        assert pull(registry, "team/app", tmp_path / "bad", "--src-creds=alice:wrong").returncode != 0
        assert pull(registry, "team/app", tmp_path / "none").returncode != 0


REFUSALS = {
    "unauthorized": "unauthorized",
    "unauthorized-without-challenge": "",
    "not-found": "manifest unknown",
    "server-error": "500",
    "html": "",
    "lying-layer": "Digest did not match",
    "wrong-platform": "no image found",
    "truncated-layer": "unexpected EOF",
    "denied": "denied",
    "looping-index": "",
}


@needs_skopeo
@pytest.mark.parametrize(("mode", "message"), REFUSALS.items())
def test_modes_that_a_client_refuses(mode, message, tmp_path):
    with HostileRegistry() as registry:
        result = pull(registry, mode, tmp_path)
        assert result.returncode != 0
        assert message in result.stderr, result.stderr


def ask(registry: HostileRegistry, path: str):
    return images.Client(registry.host).request("GET", path)


def status_of(registry: HostileRegistry, path: str) -> int:
    try:
        return ask(registry, path)[0]
    except images.RegistryError as error:
        return error.status


def test_modes_that_pass():
    with HostileRegistry() as registry:
        for mode, expected in [("rate-limit-once", [429, 200, 200]), ("server-error-once", [500, 200]), ("rate-limit", [429, 429])]:
            assert [status_of(registry, f"/v2/{mode}/manifests/latest") for _ in expected] == expected, mode


def test_modes_that_hang():
    with HostileRegistry() as registry:
        for path in ["/v2/hang/manifests/latest", f"/v2/hang-layer/blobs/{layer_digest(registry)}"]:
            client = images.Client(registry.host)
            with pytest.raises(TimeoutError):
                client.opener.open(f"{client.base}{path}", timeout=0.5).read()


def layer_digest(registry: HostileRegistry) -> str:
    manifest = json.loads(ask(registry, "/v2/ok/manifests/latest")[2])
    return manifest["layers"][0]["digest"]


def test_other_lies():
    with HostileRegistry(redirect_to="http://127.0.0.1:1/elsewhere") as registry:
        digest = layer_digest(registry)
        _, headers, body = ask(registry, "/v2/lying-manifest-digest/manifests/latest")
        assert headers["Docker-Content-Digest"] != images.digest_of(body)
        assert status_of(registry, f"/v2/redirect-layer/blobs/{digest}") == 307
        _, _, manifest = ask(registry, "/v2/wrong-platform-config/manifests/latest")
        config = ask(registry, f"/v2/ok/blobs/{json.loads(manifest)['config']['digest']}")[2]
        assert json.loads(config)["architecture"] == "s390x"
        client = images.Client(registry.host)
        with client.opener.open(f"{client.base}/v2/endless-manifest/manifests/latest", timeout=5) as answer:
            assert len(answer.read(5 << 20)) == 5 << 20


def test_modes_by_name_and_by_call():
    with HostileRegistry(mode="denied") as registry:
        registry.set_mode("app", "not-found")
        answers = [status_of(registry, f"/v2/{name}/manifests/latest") for name in ("any", "app", "ok")]
        assert answers == [403, 404, 200]
        with pytest.raises(ValueError):
            registry.set_mode("app", "unheard-of")
    assert set(REFUSALS) <= set(MODES)


def members(layer: images.Layer) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.data))) as tar:
        return tar.getmembers()


def test_hostile_layers_are_what_they_say():
    assert members(hostile_layers.parent_escape())[0].name.startswith("../")
    link, file = members(hostile_layers.symlink_escape())
    assert link.issym() and link.linkname == "/tmp" and file.name.startswith(link.name + "/")
    block, character, fifo = members(hostile_layers.devices())
    assert block.isblk() and character.ischr() and fifo.isfifo()
    names = [member.name for member in members(hostile_layers.whiteout("etc/passwd", "var/", "top"))]
    assert names == ["etc/.wh.passwd", "var/.wh..wh..opq", ".wh.top"]


@pytest.mark.parametrize("segments", [1, 40])
def test_zeros_are_a_well_formed_layer(segments):
    size = segments * hostile_layers.SEGMENT
    layer = hostile_layers.zeros(size)
    assert len(layer.data) < size // 500
    reader, unpacked, data = zlib.decompressobj(31), 0, layer.data
    while not reader.eof:
        unpacked += len(reader.decompress(data, 16 << 20))
        data = reader.unconsumed_tail
    assert unpacked >= size + 512
    assert reader.unused_data == b""


def test_ten_gibibytes_of_zeros_are_quickly_made():
    assert len(hostile_layers.zeros().data) < 32 << 20
