"""ECR's data plane: who may, in which words, and what comes of it."""

import json
import os

import pytest
from support import images

from harness import ecr
from harness.account import Account, allow, unique
from harness.errors import denied
from harness.waiting import until


@pytest.fixture
def registry(admin):
    return ecr.Registry.of(admin)


@pytest.fixture
def image():
    return ecr.several_layers(unique("image"))


def arn(repository):
    return repository["repositoryArn"]


def test_push_and_pull_what_was_pushed(admin, registry, image):
    uri = ecr.repository(admin)["repositoryUri"]
    digest = registry.push(image, uri, "v1")
    path = registry.path(uri)
    for reference in ("v1", digest):
        read = registry.send("GET", f"/v2/{path}/manifests/{reference}", {"Accept": image.media_type})
        assert (read.status, read.data) == (200, image.manifest)
        assert read.headers["Docker-Content-Digest"] == digest
    for blob, content in image.blobs.items():
        assert registry.send("HEAD", f"/v2/{path}/blobs/{blob}").status == 200
        assert registry.send("GET", f"/v2/{path}/blobs/{blob}").data == content
    part = registry.send("GET", f"/v2/{path}/blobs/{blob}", {"Range": "bytes=1-3"})
    assert (part.status, part.data) == (206, content[1:4])
    tags = registry.send("GET", f"/v2/{path}/tags/list")
    assert json.loads(tags.data) == {"name": path, "tags": ["v1"]}
    listed = json.loads(registry.send("GET", "/v2/_catalog").data)["repositories"]
    assert path in listed


@pytest.mark.parametrize("docker", [False, True])
def test_an_image_comes_in_the_format_that_the_client_reads(admin, registry, docker):
    """By tag, as ECR's user guide has it; the layers are the same."""
    repository = ecr.repository(admin)
    name = repository["repositoryName"]
    image = ecr.several_layers(unique("image"), docker=docker)
    digest = registry.push(image, repository["repositoryUri"], "v1")
    path = registry.path(repository["repositoryUri"])
    other = images.OCI_MANIFEST if docker else images.DOCKER_MANIFEST
    read = registry.send("GET", f"/v2/{path}/manifests/v1", {"Accept": other})
    assert (read.status, read.headers["Content-Type"]) == (200, other)
    made = images.digest_of(read.data)
    assert read.headers["Docker-Content-Digest"] == made != digest
    head = registry.send("HEAD", f"/v2/{path}/manifests/v1", {"Accept": other})
    assert (head.headers["Docker-Content-Digest"], head.headers["Content-Length"]) == (made, str(len(read.data)))
    stored, document = json.loads(image.manifest), json.loads(read.data)
    assert document["mediaType"] == other
    for before, after in zip([stored["config"], *stored["layers"]], [document["config"], *document["layers"]]):
        assert (before["digest"], before["size"]) == (after["digest"], after["size"])
        assert before["mediaType"] != after["mediaType"]
    for reference, accept in ((digest, other), (made, other), (made, image.media_type)):
        assert registry.send("GET", f"/v2/{path}/manifests/{reference}", {"Accept": accept}).status == 404
    client = admin.client("ecr")
    until("the note of the pull", lambda: "lastRecordedPullTime" in details(client, name)[0], 10)
    got = client.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}], acceptedMediaTypes=[other])
    (one,) = got["images"]
    assert one["imageManifest"].encode() == read.data and one["imageManifestMediaType"] == other
    assert one["imageId"] == {"imageDigest": digest, "imageTag": "v1"}


def details(client, name):
    return client.describe_images(repositoryName=name)["imageDetails"]


def test_large_layers_are_downloaded_by_a_sealed_address(admin, registry):
    layer = images.layer(images.files_archive({"data": os.urandom(3 << 19).hex()}))
    image = images.build([layer], cmd=["/data"])
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(image, uri, "v1")
    path = registry.path(uri)
    document = json.loads(image.manifest)
    large, small = document["layers"][0]["digest"], document["config"]["digest"]
    told = registry.send_once("GET", f"/v2/{path}/blobs/{large}", {"Range": "bytes=1-3"})
    address = told.headers["Location"]
    assert told.status == 307 and address.startswith("/_landfall/layers/"), address
    nobody = ecr.Registry(registry.host)
    assert nobody.send("GET", address).data == image.blobs[large]
    part = nobody.send("GET", address, {"Range": "bytes=1-3"})
    assert (part.status, part.data) == (206, image.blobs[large][1:4])
    head = registry.send_once("HEAD", f"/v2/{path}/blobs/{large}")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(image.blobs[large])))
    direct = registry.send_once("GET", f"/v2/{path}/blobs/{small}")
    assert (direct.status, direct.data) == (200, image.blobs[small])
    assert nobody.send_once("GET", f"/v2/{path}/blobs/{large}").status == 401
    past = registry.send_once("GET", f"/v2/{path}/blobs/{large}", {"Range": "bytes=9999999-"})
    assert past.status == 416


def test_what_the_client_has_is_not_sent_again(admin, registry, image):
    uri = ecr.repository(admin)["repositoryUri"]
    digest = registry.push(image, uri, "v1")
    path = registry.path(uri)
    blob = json.loads(image.manifest)["layers"][0]["digest"]
    for what, etag in (("manifests/v1", digest), (f"blobs/{blob}", blob)):
        for method in ("GET", "HEAD"):
            known = registry.send_once(method, f"/v2/{path}/{what}", {"If-None-Match": f'"{etag}"'})
            assert (known.status, known.data, known.headers["ETag"]) == (304, b"", f'"{etag}"')


def test_the_host_of_aws_names_the_same_repository(admin, registry, image):
    repository = ecr.repository(admin)
    registry.push(image, repository["repositoryUri"], "v1")
    name = repository["repositoryName"]
    host = f"{repository['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    read = registry.send("GET", f"/v2/{name}/manifests/v1", {"Host": host})
    assert (read.status, read.data) == (200, image.manifest)
    assert json.loads(registry.send("GET", f"/v2/{name}/tags/list", {"Host": host}).data)["name"] == name
    assert registry.send("GET", f"/v2/{name}/manifests/v1").status == 404


@pytest.mark.parametrize("change", [None, "tampered", "username", "garbage"])
def test_without_a_good_token_there_is_nothing(admin, registry, change):
    username, password = registry.username, registry.password
    if change is None:
        registry.username = None
    elif change == "tampered":
        registry.password = password[:-5] + ("A" if password[-5] != "A" else "B") + password[-4:]
    elif change == "username":
        registry.username = "admin"
    else:
        registry.password = "x"
    for path in ("/v2/", "/v2/a/b/c/manifests/latest"):
        answer = registry.send("GET", path)
        assert (answer.status, answer.data) == (401, b"Not Authorized\n")
        assert answer.headers["Www-Authenticate"] == f'Basic realm="https://{registry.host}/",service="ecr.amazonaws.com"'
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    registry.username, registry.password = username, password
    assert registry.send("GET", "/v2/").status == 200


def test_what_is_not_there_is_said_in_ecrs_words(admin, registry, image, account_id):
    missing = registry.send("GET", f"/v2/{account_id}/us-east-1/nothing-here/manifests/latest")
    text = f"The repository with name 'nothing-here' does not exist in the registry with id '{account_id}'"
    assert (missing.status, ecr.error(missing)["code"], ecr.error(missing)["message"]) == (404, "NAME_UNKNOWN", text)
    push = registry.send("POST", f"/v2/{account_id}/us-east-1/nothing-here/blobs/uploads/")
    assert (push.status, ecr.error(push)["message"]) == (404, text)
    path = registry.path(ecr.repository(admin)["repositoryUri"])
    unknown = registry.send("GET", f"/v2/{path}/manifests/latest")
    assert (unknown.status, ecr.error(unknown)["code"]) == (404, "MANIFEST_UNKNOWN")
    assert ecr.error(unknown)["message"] == "Requested image not found"


def test_an_immutable_tag_stays(admin, registry, image):
    repository = ecr.repository(admin, imageTagMutability="IMMUTABLE")
    uri = repository["repositoryUri"]
    registry.push(image, uri, "v1")
    registry.push(image, uri, "v1")
    with pytest.raises(images.RegistryError) as refused:
        registry.push(ecr.several_layers("other"), uri, "v1")
    assert refused.value.status == 400
    text = (
        f"The image tag 'v1' already exists in the '{repository['repositoryName']}' repository and cannot be overwritten "
        "because the repository is immutable."
    )
    said = str(refused.value).replace("\\'", "'")
    assert text in said and "TAG_INVALID" in said


def test_images_are_deleted_as_by_api(admin, registry, image):
    repository = ecr.repository(admin)
    uri, client = repository["repositoryUri"], admin.client("ecr")

    def delete(what):
        return registry.send("DELETE", f"/v2/{registry.path(uri)}/{what}")

    def tags():
        return sorted(it.get("imageTag") for it in client.list_images(repositoryName=repository["repositoryName"])["imageIds"])

    digest = registry.push(image, uri, "v1")
    registry.push(image, uri, "v2")
    assert delete("manifests/v2").status == 202 and tags() == ["v1"]
    assert delete("manifests/v2").status == 404
    assert delete("manifests/v1").status == 202 and tags() == [], "with its last tag the image goes"
    registry.push(image, uri, "v1")
    assert delete(f"manifests/{digest}").status == 202 and tags() == []
    missing = delete(f"manifests/{digest}")
    assert (missing.status, ecr.error(missing)["code"]) == (404, "MANIFEST_UNKNOWN")


def test_what_a_list_names_is_not_deleted(admin, registry, image):
    uri = ecr.repository(admin)["repositoryUri"]
    child = registry.push(image, uri, "child")
    entry = {"mediaType": image.media_type, "digest": child, "size": len(image.manifest)}
    index = "application/vnd.oci.image.index.v1+json"
    body = json.dumps({"schemaVersion": 2, "mediaType": index, "manifests": [entry]}).encode()
    path = f"/v2/{registry.path(uri)}/manifests"
    assert registry.send("PUT", f"{path}/list", {"Content-Type": index}, body=body).status == 201
    for reference in (child, "child"):
        refused = registry.send("DELETE", f"{path}/{reference}")
        assert (refused.status, ecr.error(refused)["message"]) == (403, "Requested image referenced by manifest list")
    assert registry.send("DELETE", f"{path}/list").status == 202
    assert registry.send("DELETE", f"{path}/child").status == 202


def test_layers_are_not_deleted_one_by_one(admin, registry, image):
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(image, uri, "v1")
    answer = registry.send("DELETE", f"/v2/{registry.path(uri)}/blobs/{next(iter(image.blobs))}")
    assert (answer.status, ecr.error(answer)["code"], answer.headers["Allow"]) == (405, "UNSUPPORTED", "GET, HEAD")
    answer = registry.send("POST", f"/v2/{registry.path(uri)}/manifests/v1")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, PUT, DELETE")


ACTIONS = [
    ("HEAD", "manifests/v1", "ecr:BatchGetImage"),
    ("GET", "manifests/v1", "ecr:BatchGetImage"),
    ("GET", "blobs/{blob}", "ecr:GetDownloadUrlForLayer"),
    ("HEAD", "blobs/{blob}", "ecr:BatchCheckLayerAvailability"),
    ("GET", "tags/list", "ecr:ListImages"),
    ("GET", "referrers/{blob}", "ecr:BatchGetImage"),
    ("POST", "blobs/uploads/", "ecr:InitiateLayerUpload"),
    ("PATCH", "blobs/uploads/x", "ecr:UploadLayerPart"),
    ("PUT", "blobs/uploads/x?digest={blob}", "ecr:CompleteLayerUpload"),
    ("PUT", "manifests/v1", "ecr:PutImage"),
    ("DELETE", "manifests/v1", "ecr:BatchDeleteImage"),
]


def test_each_request_is_one_action(admin, registry, image):
    repository = ecr.repository(admin)
    registry.push(image, repository["repositoryUri"], "v1")
    path, blob = registry.path(repository["repositoryUri"]), next(iter(image.blobs))
    user = admin.user(allow("ecr:GetAuthorizationToken"))
    theirs = ecr.Registry.of(user)
    assert theirs.send("GET", "/v2/").status == 200
    for method, what, action in ACTIONS:
        answer = theirs.send(method, f"/v2/{path}/{what.format(blob=blob)}")
        assert answer.status == 403, (method, what)
        if method != "HEAD":
            assert ecr.error(answer)["code"] == "DENIED"
            user_arn = user.sts.get_caller_identity()["Arn"]
            assert ecr.error(answer)["message"] == f"User: {user_arn} {denied(action, arn(repository))}"
    catalog = theirs.send("GET", "/v2/_catalog")
    assert catalog.status == 403 and "ecr:DescribeRepositories" in ecr.error(catalog)["message"]
    for method, what, action in ACTIONS:
        only = ecr.Registry.of(admin.user(allow(["ecr:GetAuthorizationToken", action])))
        assert only.send(method, f"/v2/{path}/{what.format(blob=blob)}").status != 403, action


def test_a_permission_that_is_withdrawn_is_gone_before_the_token(admin, registry, image):
    uri = ecr.repository(admin)["repositoryUri"]
    registry.push(image, uri, "v1")
    user = admin.user(allow(ecr.PULL))
    theirs, path = ecr.Registry.of(user), f"/v2/{registry.path(uri)}/manifests/v1"
    assert theirs.send("GET", path).status == 200
    name = user.sts.get_caller_identity()["Arn"].split("/")[-1]
    admin.iam.delete_user_policy(UserName=name, PolicyName="inline")
    assert theirs.send("GET", path).status == 403
    admin.iam.delete_access_key(UserName=name, AccessKeyId=user.access_key)
    admin.iam.delete_user(UserName=name)
    assert theirs.send("GET", path).status == 401


def test_a_mount_asks_both_repositories(admin, registry, image):
    source, target = ecr.repository(admin), ecr.repository(admin)
    registry.push(image, source["repositoryUri"], "v1")
    blob = next(iter(image.blobs))
    path = f"/v2/{registry.path(target['repositoryUri'])}/blobs/uploads/?mount={blob}&from={registry.path(source['repositoryUri'])}"
    push_there = {"Effect": "Allow", "Action": ecr.PUSH, "Resource": arn(target)}
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    read_here = {"Effect": "Allow", "Action": "ecr:GetDownloadUrlForLayer", "Resource": arn(source)}
    admin.client("ecr").put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    for statements, expected in (([token, read_here], 403), ([token, push_there], 202), ([token, push_there, read_here], 201)):
        user = admin.user({"Version": "2012-10-17", "Statement": statements})
        assert ecr.Registry.of(user).send("POST", path).status == expected, statements


def test_a_mount_falls_back_to_an_upload_as_on_aws(admin, registry, image):
    client = admin.client("ecr")
    key = admin.client("kms").create_key()["KeyMetadata"]["Arn"]
    under_key = {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key}}
    plain, other, sealed, sealed_too = (ecr.repository(admin, **more) for more in ({}, {}, under_key, under_key))
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="mounts", upstreamRegistryUrl="registry.example")
    cached = client.create_repository(repositoryName="mounts/app")["repository"]
    for source in (plain, sealed, cached):
        registry.push(image, source["repositoryUri"], "v1")
    blob = next(iter(image.blobs))

    def mount(source, target, digest=blob):
        query = f"mount={digest}&from={registry.path(source['repositoryUri'])}"
        return registry.send("POST", f"/v2/{registry.path(target['repositoryUri'])}/blobs/uploads/?{query}")

    client.put_account_setting(name="BLOB_MOUNTING", value="DISABLED")
    assert mount(plain, other).status == 202
    client.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    for source, target in ((plain, sealed_too), (sealed, other), (cached, other), (plain, cached)):
        answer = mount(source, target)
        assert answer.status == 202 and answer.headers["Location"].startswith("/v2/"), (source, target)
    # A layer that no image of the source names yet.
    loose = images.layer(images.files_archive({"loose": "loose"})).data
    path = registry.path(plain["repositoryUri"])
    assert registry.send("POST", f"/v2/{path}/blobs/uploads/?digest={images.digest_of(loose)}", body=loose).status == 201
    assert mount(plain, other, images.digest_of(loose)).status == 202
    assert mount(plain, other).status == 201
    assert mount(sealed, sealed_too).status == 201


def test_blobs_are_not_mounted_before_somebody_says_so(make_server):
    server = make_server()
    client = Account.from_env(server.env()).client("ecr")
    assert client.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"


def test_path_tricks(registry, account_id):
    for name in ("..", "%2e%2e", "a%2fb", "A", "a//b", "a%00b"):
        answer = registry.send("GET", f"/v2/{account_id}/us-east-1/{name}/manifests/latest", preload_content=True)
        assert answer.status in (400, 404), name
