"""What a registry is sent that it must not take, and what must not become of it: each refusal with its words, and the next request served."""

import concurrent.futures
import json
import os
import select
import socket
import subprocess

import pytest
from botocore.exceptions import ClientError
from support import images

from harness import clock, ecr
from harness.account import Account, allow, unique
from harness.errors import refused
from harness.waiting import until

OLD_TOKEN = "Your authorization token has expired. Reauthenticate and try again."
FULL = "the registry's disk is full"
SCHEMA_1 = {"schemaVersion": 1, "name": "app", "tag": "v1", "architecture": "amd64", "fsLayers": [], "history": [], "signatures": []}
NO_SCHEMA_1 = "manifest schema v1 unsupported: push an OCI or Docker v2 schema 2 manifest"


@pytest.fixture
def registry(admin):
    return ecr.Registry.of(admin)


@pytest.fixture
def path(admin, registry):
    """Where the requests of a repository go."""
    return "/v2/" + registry.path(ecr.repository(admin)["repositoryUri"])


def start_upload(registry, path):
    answer = registry.send("POST", f"{path}/blobs/uploads/")
    assert answer.status == 202, answer.data
    return answer.headers["Location"]


def put_blob(registry, path, content):
    digest = images.digest_of(content)
    answer = registry.send("PUT", f"{start_upload(registry, path)}?digest={digest}", body=content)
    assert answer.status == 201, answer.data
    return digest


def put_manifest(registry, path, document, reference="v1", media_type=images.OCI_MANIFEST):
    body = document if isinstance(document, (bytes, str)) else json.dumps(document)
    return registry.send("PUT", f"{path}/manifests/{reference}", {"Content-Type": media_type}, body=body)


def said(answer):
    """Status, code and words of a refusal."""
    return answer.status, ecr.error(answer)["code"], ecr.error(answer)["message"]


def document(config=b"{}", *layers, **more):
    """A manifest that names its configuration and layers rightly."""
    blobs = [images.descriptor(images.OCI_LAYER, layer) for layer in layers]
    return {
        "schemaVersion": 2,
        "mediaType": images.OCI_MANIFEST,
        "config": images.descriptor(images.OCI_CONFIG, config),
        "layers": blobs,
        **more,
    }


# --- tokens ---


def test_a_token_is_good_for_twelve_hours(make_server):
    server = make_server()
    admin = Account.from_env(server.env())
    uri = ecr.repository(admin)["repositoryUri"]
    registry = ecr.Registry.of(admin)
    image = ecr.several_layers(unique("old"))
    registry.push(image, uri, "v1")
    reading = f"/v2/{registry.path(uri)}/manifests/v1"
    for hours, good in ((11.9, True), (12.1, False)):
        server.stop()
        server.environment = clock.ahead(int(hours * 3600))
        server.start()
        if good:
            assert registry.send("GET", reading).status == 200
            continue
        for method, where in (("GET", "/v2/"), ("GET", reading), ("POST", f"/v2/{registry.path(uri)}/blobs/uploads/")):
            answer = registry.send(method, where)
            assert said(answer) == (403, "DENIED", OLD_TOKEN)
            assert json.loads(answer.data) == {"errors": [{"code": "DENIED", "message": OLD_TOKEN}]}
            assert answer.headers["Content-Type"] == "application/json"


def test_a_token_of_a_user_who_was_deleted_and_made_again_is_nobodys(admin, registry):
    user = admin.user(allow(ecr.PULL))
    name = user.sts.get_caller_identity()["Arn"].split("/")[-1]
    theirs = ecr.Registry.of(user)
    assert theirs.send("GET", "/v2/").status == 200
    admin.iam.delete_user_policy(UserName=name, PolicyName="inline")
    admin.iam.delete_access_key(UserName=name, AccessKeyId=user.access_key)
    admin.iam.delete_user(UserName=name)
    admin.iam.create_user(UserName=name)
    admin.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(allow("ecr:*")))
    answer = theirs.send("GET", "/v2/")
    assert (answer.status, answer.data) == (401, b"Not Authorized\n")
    assert answer.headers["Www-Authenticate"] == f'Basic realm="https://{registry.host}/",service="ecr.amazonaws.com"'


@pytest.mark.parametrize("at", ["first", "middle", "last"])
def test_a_token_that_was_changed_anywhere_is_nobodys(admin, registry, at):
    text = registry.password
    # The last character may hold bits that count for nothing: the one before it does not.
    where = {"first": 0, "middle": len(text) // 2, "last": len(text) - 2}[at]
    other = "A" if text[where] != "A" else "B"
    registry.password = text[:where] + other + text[where + 1 :]
    answer = registry.send("GET", "/v2/")
    assert (answer.status, answer.data) == (401, b"Not Authorized\n")


# --- blobs and uploads ---


def test_a_blob_that_is_not_its_digest(registry, path):
    lie = images.digest_of(b"truth")
    answer = registry.send("PUT", f"{start_upload(registry, path)}?digest={lie}", body=b"lie")
    assert (answer.status, ecr.error(answer)["code"]) == (400, "DIGEST_INVALID")
    for digest in (lie, images.digest_of(b"lie")):
        assert registry.send("HEAD", f"{path}/blobs/{digest}").status == 404


def test_ranges_out_of_order(registry, path):
    upload = start_upload(registry, path)
    first = registry.send("PATCH", upload, {"Content-Range": "0-3"}, body=b"abcd")
    assert (first.status, first.headers["Range"]) == (202, "0-3")
    for where, body in (("8-9", b"ij"), ("0-3", b"abcd"), ("3-5", b"def")):
        answer = registry.send("PATCH", upload, {"Content-Range": where}, body=body)
        assert (answer.status, ecr.error(answer)["code"]) == (416, "BLOB_UPLOAD_INVALID"), where
        assert answer.headers["Range"] == "0-3", "where to go on"
    for nonsense in ("x", "4-", "5-4", "-1", "4-99999999999999999999999"):
        answer = registry.send("PATCH", upload, {"Content-Range": nonsense}, body=b"ef")
        assert 400 <= answer.status < 500, nonsense
    done = registry.send("PUT", f"{upload}?digest={images.digest_of(b'abcdef')}", {"Content-Range": "4-5"}, body=b"ef")
    assert done.status == 201, done.data


class Dribble:
    """A request whose body comes when the test says so."""

    def __init__(self, registry, method, path, length):
        host, port = registry.host.split(":")
        self.connection = socket.create_connection((host, int(port)), 20)
        user = images.base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {registry.host}\r\nAuthorization: Basic {user}\r\nContent-Length: {length}\r\n\r\n"
        self.connection.sendall(head.encode())

    def send(self, body):
        self.connection.sendall(body)

    def is_answered(self):
        return bool(select.select([self.connection], [], [], 0)[0])

    def status(self):
        return int(self.connection.makefile("rb").readline().split()[1])

    def close(self):
        self.connection.close()


def refused_writer(registry, upload):
    """The refusal of an empty chunk, if somebody has the upload."""
    answer = registry.send("PATCH", upload, body=b"")
    return answer if answer.status != 202 else None


def first_writer(registry, upload, length, body):
    """A writer that has the upload, as soon as its head was read, and the refusal of a second one. The second one may come
    first, and the writer be refused: then once more."""
    for _ in range(20):
        writer = Dribble(registry, "PATCH", upload, length)
        writer.send(body)
        second = until("a refusal", lambda: refused_writer(registry, upload) or writer.is_answered(), 10)
        if second is not True:
            return writer, second
        assert writer.status() == 409
        writer.close()
    raise AssertionError("no writer had the upload in 20 attempts")


def test_two_writers_on_one_upload(registry, path):
    upload = start_upload(registry, path)
    slow, second = first_writer(registry, upload, 6, b"abc")
    assert said(second) == (409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload: wait for its end")
    slow.send(b"def")
    assert slow.status() == 202
    slow.close()
    done = registry.send("PUT", f"{upload}?digest={images.digest_of(b'abcdef')}")
    assert done.status == 201, "the second writer left nothing in it: " + done.data.decode()


def test_a_connection_that_breaks_leaves_an_upload_to_go_on_with(registry, path):
    upload = start_upload(registry, path)
    broken, _ = first_writer(registry, upload, 1000, b"abc")
    broken.close()

    def received():
        answer = registry.send("GET", upload)
        return answer.status == 204 and answer.headers["Range"] == "0-2"

    until("what arrived", received, 20)
    done = registry.send("PUT", f"{upload}?digest={images.digest_of(b'abcdef')}", {"Content-Range": "3-5"}, body=b"def")
    assert done.status == 201, done.data


def files(server):
    """Names of what lies unfinished in the blob store."""
    return os.listdir(server.data_dir / "registry" / "uploads")


def test_an_abandoned_upload_is_removed(make_server):
    server = make_server("--unused-layers-for", "1")
    admin = Account.from_env(server.env())
    registry = ecr.Registry.of(admin)
    path = "/v2/" + registry.path(ecr.repository(admin)["repositoryUri"])
    upload = start_upload(registry, path)
    assert registry.send("PATCH", upload, body=b"x" * 100_000).status == 202
    assert len(files(server)) == 1
    until("the end of the upload", lambda: not files(server), 60, 0.2)
    answer = registry.send("PATCH", upload, body=b"more")
    assert said(answer) == (404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: start a new one")


def test_an_upload_ends_with_its_repository(make_server):
    server = make_server()
    admin = Account.from_env(server.env())
    registry, calls = ecr.Registry.of(admin), admin.client("ecr")
    made = ecr.repository(admin)
    name, path = made["repositoryName"], "/v2/" + registry.path(made["repositoryUri"])
    pushed, stays = start_upload(registry, path), start_upload(registry, "/v2/" + registry.path(ecr.repository(admin)["repositoryUri"]))
    assert registry.send("PATCH", pushed, body=b"old").status == 202
    by_call = calls.initiate_layer_upload(repositoryName=name)["uploadId"]
    part = {"repositoryName": name, "uploadId": by_call, "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": b"old"}
    calls.upload_layer_part(**part)
    assert len(files(server)) == 3
    calls.delete_repository(repositoryName=name)
    until("the end of its uploads", lambda: len(files(server)) == 1)
    calls.create_repository(repositoryName=name)
    digest = images.digest_of(b"old")
    for method, query in (("GET", ""), ("PATCH", ""), ("PUT", f"?digest={digest}")):
        answer = registry.send(method, pushed + query)
        assert said(answer) == (404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: start a new one")
    for call in (
        lambda: calls.upload_layer_part(**part),
        lambda: calls.complete_layer_upload(repositoryName=name, uploadId=by_call, layerDigests=[digest]),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "UploadNotFoundException"
    assert registry.send("HEAD", f"{path}/blobs/{digest}").status == 404
    assert registry.send("GET", stays).status == 204


def test_kill_in_the_middle_of_a_push(make_server):
    server = make_server()
    admin = Account.from_env(server.env())
    uri = ecr.repository(admin)["repositoryUri"]
    registry = ecr.Registry.of(admin)
    path = "/v2/" + registry.path(uri)
    image = ecr.several_layers(unique("kept"))
    registry.push(image, uri, "v1")
    upload = start_upload(registry, path)
    assert registry.send("PATCH", upload, body=b"x" * 3_000_000).status == 202
    pushing = Dribble(registry, "PATCH", start_upload(registry, path), 10_000_000)
    pushing.send(b"y" * 5_000_000)
    server.kill()
    assert len(files(server)) == 2
    server.start()
    pushing.close()
    assert files(server) == [], "nothing half is left"
    gone = registry.send("PATCH", upload, {"Content-Range": "3000000-3000000"}, body=b"x")
    assert said(gone) == (404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: start a new one")
    assert registry.send("HEAD", f"{path}/blobs/{images.digest_of(b'x' * 3_000_000)}").status == 404
    for digest, content in image.blobs.items():
        assert registry.send("GET", f"{path}/blobs/{digest}").data == content
    assert registry.send("GET", f"{path}/manifests/v1").data == image.manifest


# --- manifests ---


def test_manifests_that_are_refused(registry, path):
    config = b"{}"
    put_blob(registry, path, config)
    lying, deep = document(config), "[" * 200_000 + "]" * 200_000
    lying["config"]["size"] = 3
    absent = images.digest_of(b"absent")
    cases = [
        (document(config, b"absent"), {}, 404, "MANIFEST_BLOB_UNKNOWN", f"the repository does not have `{absent}`: push it before the manifest"),
        (lying, {}, 400, "SIZE_INVALID", f"the manifest says that `{images.digest_of(config)}` has 3 bytes, but it has 2"),
        (document(config), {"media_type": images.OCI_INDEX}, 400, "MANIFEST_INVALID", "send one of them"),
        (document(config, mediaType=None), {"media_type": "text/plain"}, 400, "MANIFEST_INVALID", "`text/plain` is not a manifest type"),
        (SCHEMA_1, {"media_type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, 400, "MANIFEST_INVALID", NO_SCHEMA_1),
        (SCHEMA_1, {"media_type": "application/json"}, 400, "MANIFEST_INVALID", NO_SCHEMA_1),
        (b"\xff\xfe", {}, 400, "MANIFEST_INVALID", "the manifest is not UTF-8"),
        (b"", {}, 400, "MANIFEST_INVALID", "the manifest cannot be read"),
        (json.dumps(document(config) | {"config": "@"}).replace('"@"', deep), {}, 400, "MANIFEST_INVALID", "the manifest is nested more than 64 levels deep"),
        (document(config), {"reference": absent}, 400, "DIGEST_INVALID", f"not `{absent}`"),
        (document(config), {"reference": "-x"}, 400, "TAG_INVALID", "tag"),
        (document(config, annotations={"fat": "x" * (5 << 20)}), {}, 413, "SIZE_INVALID", "the manifest is too large: expected at most 4194304 bytes"),
    ]  # fmt: skip
    for sent, how, status, code, words in cases:
        answer = put_manifest(registry, path, sent, **how)
        assert said(answer)[:2] == (status, code), answer.data
        assert words in said(answer)[2], answer.data
    assert json.loads(registry.send("GET", f"{path}/tags/list").data)["tags"] in (None, [])
    assert put_manifest(registry, path, document(config)).status == 201


def test_what_nests_where_nobody_looks_is_taken_or_refused_and_harms_nobody(admin, registry, path):
    put_blob(registry, path, b"{}")
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * 150_000 + ("1" if opening != "[" else "") + closing * 150_000
        text = json.dumps(document(extra="@")).replace('"@"', deep)
        assert put_manifest(registry, path, text).status in (201, 400)
        with pytest.raises(ClientError) as refused:
            admin.client("ecr").put_image(repositoryName=path.split("/", 4)[4], imageManifest=text + "}")
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert registry.send("GET", "/v2/").status == 200


def test_path_tricks_in_names_tags_and_digests(server, registry, path, account_id):
    before = sorted(os.listdir(server.data_dir))
    names = ["../../x", "..%2f..%2fx", "%2e%2e/x", "x/../y", "./x", "x/.", "/x", "x%00", "x\\..\\y", "~root", "x%20", "a" * 300, "%", "%ff"]
    for name in names:
        for method, rest in (("GET", "manifests/v1"), ("POST", "blobs/uploads/"), ("PUT", "manifests/v1")):
            answer = registry.send(method, f"/v2/{account_id}/us-east-1/{name}/{rest}")
            assert answer.status in (400, 404), (method, name, answer.status, answer.data)
    for reference in ("..", "../v1", "..%2fv1", "sha256:../../../lock", "sha256:" + "g" * 64, "md5:x", "v" * 129, "%00"):
        assert registry.send("GET", f"{path}/manifests/{reference}").status in (400, 404), reference
        assert registry.send("GET", f"{path}/blobs/{reference}").status in (400, 404), reference
        assert registry.send("PATCH", f"{path}/blobs/uploads/{reference}", body=b"x").status in (400, 404), reference
        assert put_manifest(registry, path, document(), reference).status in (400, 404), reference
    assert sorted(os.listdir(server.data_dir)) == before


@pytest.mark.timeout(900)
def test_ten_thousand_tags(admin, registry):
    repository = ecr.repository(admin)
    path, name = "/v2/" + registry.path(repository["repositoryUri"]), repository["repositoryName"]
    put_blob(registry, path, b"{}")
    expected = [f"t{number:05}" for number in range(10_000)]
    own = [ecr.Registry(registry.host, registry.username, registry.password) for _ in range(16)]

    def push(number):
        return put_manifest(own[number % 16], path, document(annotations={"n": str(number % 100)}), expected[number]).status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(push, range(10_000))) == {201}
    seen, where = [], f"{path}/tags/list"
    while where:
        page = registry.send("GET", where)
        seen += json.loads(page.data)["tags"]
        link = page.headers.get("Link")
        where = link and link[1 : link.index(">")]
    assert seen == expected
    pages = admin.client("ecr").get_paginator("list_images").paginate(repositoryName=name, PaginationConfig={"PageSize": 1000})
    assert sorted(it["imageTag"] for page in pages for it in page["imageIds"]) == expected
    pages = admin.client("ecr").get_paginator("describe_images").paginate(repositoryName=name, PaginationConfig={"PageSize": 40})
    details = [it for page in pages for it in page["imageDetails"]]
    assert len(details) == 100 and {len(it["imageTags"]) for it in details} == {100}
    admin.client("ecr").delete_repository(repositoryName=name, force=True)
    assert registry.send("GET", f"{path}/tags/list").status == 404


# --- the disk ---


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 96 MiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_said_and_survived(small_disk, make_server):
    server = make_server(data_dir=small_disk / "data")
    admin = Account.from_env(server.env())
    uri = ecr.repository(admin)["repositoryUri"]
    registry = ecr.Registry.of(admin)
    path = "/v2/" + registry.path(uri)
    image = ecr.several_layers(unique("full"))
    registry.push(image, uri, "v1")

    upload, answer = start_upload(registry, path), None
    for number in range(128):
        answer = registry.send("PATCH", upload, body=os.urandom(1 << 20))
        if answer.status != 202:
            break
    assert said(answer) == (507, "UNKNOWN", FULL), f"after {number} MiB"
    assert files(server) == [], "what was taken for it is given back"
    assert registry.send("PATCH", upload, body=b"x").status == 404

    filler = fill(small_disk / "filler")
    answer = registry.send("PUT", f"{path}/manifests/v2", {"Content-Type": image.media_type}, body=image.manifest + b"\n")
    assert said(answer) == (507, "UNKNOWN", FULL)
    assert registry.send("GET", f"{path}/manifests/v2").status == 404, "what was refused is not there"
    assert registry.send("GET", f"{path}/manifests/v1").data == image.manifest
    for digest, content in image.blobs.items():
        assert registry.send("GET", f"{path}/blobs/{digest}").data == content

    filler.unlink()
    assert registry.push(image, uri, "v2") == image.digest
    put_blob(registry, path, os.urandom(1 << 20))
    server.kill()
    server.start()
    for tag in ("v1", "v2"):
        assert registry.send("GET", f"{path}/manifests/{tag}").data == image.manifest


def test_on_a_full_disk_images_can_be_deleted_and_nothing_added(small_disk, make_server):
    server = make_server("--unused-layers-for", "1", data_dir=small_disk / "data")
    admin = Account.from_env(server.env())
    registry, calls = ecr.Registry.of(admin), admin.client("ecr")
    made, doomed = ecr.repository(admin), ecr.repository(admin)
    name, uri = made["repositoryName"], made["repositoryUri"]
    path = "/v2/" + registry.path(uri)
    kept, large = ecr.several_layers(unique("kept")), b"".join(os.urandom(1 << 20) for _ in range(20))
    registry.push(kept, uri, "kept")
    registry.push(kept, doomed["repositoryUri"], "v1")
    put_blob(registry, path, large)
    put_blob(registry, path, b"{}")
    for number in range(10):
        answer = put_manifest(registry, path, document(b"{}", large, annotations={"number": str(number)}), f"v{number}")
        assert answer.status == 201, answer.data
    fill(small_disk / "filler")

    told = "The server's disk is full: free some space, for example by deletions, and try again."
    with refused("ServerException", told) as error:
        calls.create_repository(repositoryName=unique("more"))
    assert error.status == 500
    with refused("ServerException", told):
        calls.put_image(repositoryName=name, imageManifest=kept.manifest.decode(), imageTag="more")
    with refused("ServiceFailure", told):
        admin.client("iam").create_user(UserName=unique("more"))
    answer = put_manifest(registry, path, document(b"{}"), "more")
    assert said(answer) == (507, "UNKNOWN", FULL)
    assert "the disk is full" in server.log()

    assert_deleted(calls, name, "v0")
    server.kill()
    server.start()
    assert {it["imageTags"][0] for it in calls.describe_images(repositoryName=name)["imageDetails"]} == {
        "kept",
        *(f"v{number}" for number in range(1, 10)),
    }
    for number in range(1, 10):
        assert_deleted(calls, name, f"v{number}")
    calls.delete_repository(repositoryName=doomed["repositoryName"], force=True)
    # The layer goes with the last image that names it, and there is room.
    # To ask the registry for it would be to want it.
    digest = images.digest_of(large).removeprefix("sha256:")
    until("the end of the layer", lambda: not (server.data_dir / "registry" / "blobs" / "sha256" / digest[:2] / digest).exists())
    assert registry.send("PUT", f"{path}/manifests/more", {"Content-Type": kept.media_type}, body=kept.manifest).status == 201
    calls.create_repository(repositoryName=unique("more"))
    for tag in ("kept", "more"):
        assert registry.send("GET", f"{path}/manifests/{tag}").data == kept.manifest


def assert_deleted(calls, name, tag):
    answer = calls.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": tag}])
    assert answer["failures"] == [] and [it["imageTag"] for it in answer["imageIds"]] == [tag]


def fill(path):
    """Takes every byte of a file system."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(b"f" * size) == size:
                    pass
            except OSError:
                continue
    return path
