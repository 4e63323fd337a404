"""A layer that is larger than memory should hold: it passes in both directions, and the server stays as small as it was."""

import hashlib
import http.client
import itertools

import pytest
import urllib3

from harness import ecr
from harness.account import Account
from support import images

MIB = 1 << 20
SIZE = 2048 * MIB
#: What may come on top of an idle server: buffers of the transfers, and what the allocator keeps of them.
MORE = 64 * MIB


def content():
    """2 GiB that no layer of the stack can shorten: every MiB differs from its neighbours."""
    block = bytearray(hashlib.shake_256(b"layer").digest(MIB))
    for number in range(SIZE // MIB):
        block[:8] = number.to_bytes(8, "big")
        yield bytes(block)


def peak(server, *, anew=False):
    """The most memory that the server had (`VmHWM`), in bytes; with `anew` counted from now."""
    process = server.process.pid
    if anew:
        with open(f"/proc/{process}/clear_refs", "w") as file:
            file.write("5")
    with open(f"/proc/{process}/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def digest():
    hasher = hashlib.sha256()
    for block in content():
        hasher.update(block)
    return f"sha256:{hasher.hexdigest()}"


def send(registry, method, path, body, length):
    """A request whose body is never whole in our memory either."""
    connection = http.client.HTTPConnection(registry.host, timeout=300)
    headers = urllib3.make_headers(basic_auth=f"{registry.username}:{registry.password}")
    connection.request(method, path, body=body, headers=headers | {"Content-Length": str(length)})
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer, read


@pytest.mark.timeout(1800)
def test_two_gibibytes_pass_in_flat_memory(make_server, digest):
    server = make_server()
    admin = Account.from_env(server.env())
    repository = ecr.repository(admin)
    registry = ecr.Registry.of(admin)
    path = "/v2/" + registry.path(repository["repositoryUri"])
    idle = peak(server, anew=True)

    # In one request, as docker and containerd do.
    upload = registry.send("POST", f"{path}/blobs/uploads/").headers["Location"]
    answer, said = send(registry, "PUT", f"{upload}?digest={digest}", content(), SIZE)
    assert answer.status == 201, said
    assert peak(server) < idle + MORE, "after a push in one request"

    # In chunks of 64 MiB, as others do; the bytes are there already, and are checked all the same.
    upload = registry.send("POST", f"{path}/blobs/uploads/").headers["Location"]
    blocks = content()
    for _ in range(SIZE // (64 * MIB)):
        answer, said = send(registry, "PATCH", upload, itertools.islice(blocks, 64), 64 * MIB)
        assert answer.status == 202, said
    assert registry.send("PUT", f"{upload}?digest={digest}").status == 201
    assert peak(server) < idle + MORE, "after a push in chunks"

    hasher, read = hashlib.sha256(), registry.send("GET", f"{path}/blobs/{digest}", preload_content=False)
    for block in read.stream(MIB):
        hasher.update(block)
    assert f"sha256:{hasher.hexdigest()}" == digest
    assert peak(server) < idle + MORE, "after a pull"

    # Somebody who reads nothing of what was asked for does not make us hold it.
    stalled = [registry.send("GET", f"{path}/blobs/{digest}", preload_content=False) for _ in range(4)]
    assert all(one.status == 200 for one in stalled)
    assert registry.send("HEAD", f"{path}/blobs/{digest}").headers["Content-Length"] == str(SIZE)
    assert peak(server) < idle + MORE, "with readers who stand still"
    for one in stalled:
        one.close()

    config = b"{}"
    upload = registry.send("POST", f"{path}/blobs/uploads/").headers["Location"]
    assert registry.send("PUT", f"{upload}?digest={images.digest_of(config)}", body=config).status == 201
    manifest = {
        "schemaVersion": 2,
        "mediaType": images.OCI_MANIFEST,
        "config": images.descriptor(images.OCI_CONFIG, config),
        "layers": [{"mediaType": images.OCI_LAYER, "digest": digest, "size": SIZE}],
    }
    put = registry.send(
        "PUT", f"{path}/manifests/v1", {"Content-Type": images.OCI_MANIFEST}, body=images.json.dumps(manifest)
    )
    assert put.status == 201, put.data
    (shown,) = admin.client("ecr").describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
    assert shown["imageSizeInBytes"] >= SIZE
