"""ECR under clients that mean harm, or are unlucky: nothing that was acknowledged is broken by them."""

import json
import threading

import pytest

from harness import ecr
from harness.account import unique
from harness.errors import refused

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def registry(admin):
    return ecr.Registry.of(admin)


def put(registry, path, reference, body, media_type):
    return registry.send("PUT", f"/v2/{path}/manifests/{reference}", {"Content-Type": media_type}, body=body)


def index_of(image, digest, note):
    entry = {"mediaType": image.media_type, "digest": digest, "size": len(image.manifest)}
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry], "annotations": {"n": note}}
    return json.dumps(body).encode()


def test_an_acknowledged_index_keeps_its_child_though_somebody_deletes_it(admin, registry):
    repository = ecr.repository(admin)
    name, path = repository["repositoryName"], registry.path(repository["repositoryUri"])
    client = admin.client("ecr")
    for at in range(20):
        image = ecr.several_layers(unique("child"))
        digest = registry.push(image, repository["repositoryUri"], "child")
        answers = []
        pushing = threading.Thread(
            target=lambda at=at, image=image, digest=digest: answers.append(
                put(registry, path, f"ix{at}", index_of(image, digest, str(at)), INDEX).status
            )
        )
        pushing.start()
        deleted = client.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": digest}])
        pushing.join()
        child = registry.send("GET", f"/v2/{path}/manifests/{digest}", {"Accept": image.media_type}).status
        if answers == [201]:
            assert child == 200, "an index without its child"
            assert deleted["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
        else:
            assert (answers, child) == ([404], 404)


def test_a_repository_with_the_longest_name_is_used_by_its_uri(admin, registry):
    name = "a" * 128 + "/" + "b" * 127
    uri = admin.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
    digest = registry.push(ecr.several_layers(unique("long")), uri, "v1")
    assert registry.send("HEAD", f"/v2/{registry.path(uri)}/manifests/v1").headers["Docker-Content-Digest"] == digest


def test_a_manifest_is_utf_8_and_not_deep(admin, registry):
    repository = ecr.repository(admin)
    path = registry.path(repository["repositoryUri"])
    registry.push(ecr.several_layers(unique("plain")), repository["repositoryUri"], "v1")
    good = registry.send("GET", f"/v2/{path}/manifests/v1", {"Accept": MANIFEST}).data
    for more in (b'"x":"\xff"', b'"x":' + b"[" * 100_000 + b"]" * 100_000):
        answer = put(registry, path, "v2", b"{" + more + b"," + good[1:], MANIFEST)
        assert (answer.status, ecr.error(answer)["code"]) == (400, "MANIFEST_INVALID"), more[:10]


def test_an_index_that_lies_about_a_childs_size(admin, registry):
    repository = ecr.repository(admin)
    image = ecr.several_layers(unique("child"))
    digest = registry.push(image, repository["repositoryUri"], "child")
    lie = json.loads(index_of(image, digest, "lie"))
    lie["manifests"][0]["size"] = 1
    with refused("InvalidParameterException", contains=f"The image '{digest}' has {len(image.manifest)} bytes, not 1"):
        admin.client("ecr").put_image(
            repositoryName=repository["repositoryName"], imageManifest=json.dumps(lie), imageTag="lie"
        )


def test_the_same_image_a_hundred_times_is_one_answer(admin, registry):
    repository = ecr.repository(admin)
    registry.push(ecr.several_layers(unique("once")), repository["repositoryUri"], "v1")
    name = repository["repositoryName"]
    answer = admin.client("ecr").batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}] * 100)
    assert len(answer["images"]) == 1


def test_a_name_that_is_none(admin):
    with refused("InvalidParameterException"):
        admin.client("ecr", parameter_validation=False).create_repository(repositoryName="Team/App")


def test_a_grant_is_its_principals_alone(admin, server):
    repository = ecr.repository(admin)["repositoryName"]
    roles = [admin.role(prefix="ci") for _ in range(1)]
    name = roles[0].rsplit("/", 1)[1]
    twin = name.replace("-", "_")
    admin.iam.create_role(
        RoleName=twin,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        ),
    )
    both = [roles[0], roles[0].replace(name, twin)]
    for role in both:
        done = server.command("ecr", "grant", repository, role, "-y", environment=admin.env())
        assert done.returncode == 0, done.stderr

    def principals():
        text = admin.client("ecr").get_repository_policy(repositoryName=repository)["policyText"]
        return [statement["Principal"]["AWS"] for statement in json.loads(text)["Statement"]]

    assert principals() == both
    done = server.command("ecr", "revoke", repository, both[0], "-y", environment=admin.env())
    assert done.returncode == 0, done.stderr
    assert principals() == both[1:]
