"""ECR's API without docker: layers and images by call, pages, policies, what Terraform calls, what is refused."""

import base64
import hashlib
import json
import uuid

import pytest
from botocore.exceptions import WaiterError

from harness.account import allow, unique
from harness.ecr import Registry, several_layers
from harness.errors import refused

MIB = 1024 * 1024
OCI = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def ecr(admin):
    return admin.client("ecr")


@pytest.fixture
def name(ecr):
    name = unique("app")
    ecr.create_repository(repositoryName=name)
    return name


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def upload(ecr, name, content):
    session = ecr.initiate_layer_upload(repositoryName=name)
    first = 0
    while first < len(content):
        part = content[first : first + session["partSize"]]
        last = first + len(part) - 1
        answer = ecr.upload_layer_part(
            repositoryName=name, uploadId=session["uploadId"], partFirstByte=first, partLastByte=last, layerPartBlob=part
        )
        assert answer["lastByteReceived"] == last
        first = last + 1
    ecr.complete_layer_upload(repositoryName=name, uploadId=session["uploadId"], layerDigests=[digest(content)])
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(content), "size": len(content)}


def manifest(config, layers):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers})


def test_an_image_by_call_in_parts_and_back(ecr, name):
    config = upload(ecr, name, json.dumps({"name": name}).encode())
    layer = upload(ecr, name, name.encode() * MIB)
    text = manifest(config, [layer])
    put = ecr.put_image(repositoryName=name, imageManifest=text, imageTag="v1")["image"]
    assert put["imageId"] == {"imageDigest": digest(text.encode()), "imageTag": "v1"}
    got = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}, {"imageTag": "no"}])
    assert got["images"][0]["imageManifest"] == text
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    detail = ecr.describe_images(repositoryName=name)["imageDetails"][0]
    assert detail["imageSizeInBytes"] == config["size"] + layer["size"]
    assert detail["imageTags"] == ["v1"]
    with refused("ImageAlreadyExistsException"):
        ecr.put_image(repositoryName=name, imageManifest=text, imageTag="v1")


def test_uploads_that_cannot_be(ecr, name, account_id):
    session = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    with refused("EmptyUploadException"):
        ecr.complete_layer_upload(repositoryName=name, uploadId=session, layerDigests=[digest(b"")])
    # What cannot be ended so is still there: the client goes on with it.
    ecr.upload_layer_part(repositoryName=name, uploadId=session, partFirstByte=0, partLastByte=1, layerPartBlob=b"ab")
    with refused("InvalidLayerException"):
        ecr.complete_layer_upload(repositoryName=name, uploadId=session, layerDigests=[digest(b"abc")])
    place = f"the upload with id '{session}' in the repository with name '{name}' in registry with id '{account_id}'"
    with refused("InvalidLayerPartException", f"The layer part with first byte '2' and last byte '5' has 1 bytes in {place}"):
        ecr.upload_layer_part(repositoryName=name, uploadId=session, partFirstByte=2, partLastByte=5, layerPartBlob=b"c")
    done = ecr.complete_layer_upload(repositoryName=name, uploadId=session, layerDigests=[digest(b"ab")])
    assert done["layerDigest"] == digest(b"ab")
    session = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    with refused("InvalidLayerPartException"):
        ecr.upload_layer_part(
            repositoryName=name, uploadId=session, partFirstByte=5, partLastByte=5, layerPartBlob=b"x"
        )
    with refused("UploadNotFoundException"):
        ecr.complete_layer_upload(repositoryName=name, uploadId=str(uuid.uuid4()), layerDigests=[digest(b"x")])
    text = manifest({"mediaType": "x", "digest": digest(b"c"), "size": 1}, [])
    with refused("LayersNotFoundException"):
        ecr.put_image(repositoryName=name, imageManifest=text)


def test_a_scan_says_that_there_is_no_scanner(ecr, admin, name):
    config = upload(ecr, name, json.dumps({"name": name}).encode())
    text = manifest(config, [])
    ecr.put_image(repositoryName=name, imageManifest=text, imageTag="v1")
    image = {"imageDigest": digest(text.encode()), "imageTag": "v1"}
    with refused("ScanNotFoundException"):
        ecr.describe_image_scan_findings(repositoryName=name, imageId=image)
    with refused("ImageNotFoundException"):
        ecr.start_image_scan(repositoryName=name, imageId={"imageTag": "no"})
    failed = {"status": "FAILED", "description": "No scan was made: this server has no scanner."}
    started = ecr.start_image_scan(repositoryName=name, imageId={"imageTag": "v1"})
    assert (started["imageId"], started["imageScanStatus"]) == (image, failed)
    found = ecr.describe_image_scan_findings(repositoryName=name, imageId=image)
    assert found["imageScanStatus"] == failed and "imageScanFindings" not in found
    assert ecr.describe_images(repositoryName=name)["imageDetails"][0]["imageScanStatus"] == failed
    # Whoever waits for the end of a scan learns at once that it failed.
    with pytest.raises(WaiterError, match="Waiter encountered a terminal failure state"):
        ecr.get_waiter("image_scan_complete").wait(repositoryName=name, imageId=image)
    index = "application/vnd.oci.image.index.v1+json"
    child = {"mediaType": OCI, "digest": image["imageDigest"], "size": len(text)}
    listed = json.dumps({"schemaVersion": 2, "mediaType": index, "manifests": [child]})
    ecr.put_image(repositoryName=name, imageManifest=listed, imageTag="list")
    why = f"An artifact with media type '{index}' cannot be scanned. For more information, see the Amazon ECR documentation."
    with refused("UnsupportedImageTypeException", why):
        ecr.start_image_scan(repositoryName=name, imageId={"imageTag": "list"})
    reader = admin.user(allow("ecr:DescribeImageScanFindings")).client("ecr")
    with refused("AccessDeniedException"):
        reader.start_image_scan(repositoryName=name, imageId=image)
    assert reader.describe_image_scan_findings(repositoryName=name, imageId=image)["imageScanStatus"] == failed


def test_the_calls_of_terraform(ecr):
    name = unique("team/app")
    made = ecr.create_repository(
        repositoryName=name, imageTagMutability="IMMUTABLE", tags=[{"Key": "team", "Value": "a"}]
    )["repository"]
    assert ecr.describe_repositories(repositoryNames=[name])["repositories"] == [made]
    arn = made["repositoryArn"]
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "team", "Value": "a"}]
    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "env", "Value": "dev"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "env", "Value": "dev"}]
    with refused("RepositoryPolicyNotFoundException"):
        ecr.get_repository_policy(repositoryName=name)
    with refused("LifecyclePolicyNotFoundException"):
        ecr.get_lifecycle_policy(repositoryName=name)
    ecr.delete_repository(repositoryName=name, force=True)
    with refused("RepositoryNotFoundException"):
        ecr.describe_repositories(repositoryNames=[name])


def test_policies_are_printed_and_checked(ecr, name):
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": ["ecr:BatchGetImage"]}
    text = json.dumps({"Version": "2008-10-17", "Statement": [statement]})
    printed = ecr.set_repository_policy(repositoryName=name, policyText=text)["policyText"]
    assert ecr.get_repository_policy(repositoryName=name)["policyText"] == printed
    assert '"AWS" : "arn:aws:iam::444455556666:root"' in printed
    invalid = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
    for change in ({"Resource": "*"}, {"Action": "s3:GetObject"}, {"Statement": [statement]}):
        bad = json.dumps({"Version": "2012-10-17", "Statement": [statement | change]})
        with refused("InvalidParameterException", invalid):
            ecr.set_repository_policy(repositoryName=name, policyText=bad)
    assert ecr.get_repository_policy(repositoryName=name)["policyText"] == printed


def test_a_disabled_key_closes_its_repository(admin, ecr):
    """By API and by the data plane, in KMS's words."""
    kms, name = admin.client("kms"), unique("sealed")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    uri = ecr.create_repository(
        repositoryName=name, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}
    )["repository"]["repositoryUri"]
    registry = Registry.of(admin)
    image = several_layers(unique("sealed"))
    registry.push(image, uri, "v1")
    path = f"/v2/{registry.path(uri)}"
    assert registry.send("GET", f"{path}/manifests/v1").status == 200
    layer = json.loads(image.manifest)["layers"][0]["digest"]
    address = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=layer)["downloadUrl"]
    address = address.removeprefix(admin.endpoint)
    nobody = Registry(registry.host)
    assert nobody.send("GET", address).data == image.blobs[layer]
    kms.disable_key(KeyId=key)
    text = f"{key} is disabled."
    for method, what in (("GET", "manifests/v1"), ("HEAD", "manifests/v1"), ("POST", "blobs/uploads/")):
        answer = registry.send(method, f"{path}/{what}")
        assert answer.status == 403
        if method != "HEAD":
            assert json.loads(answer.data) == {"errors": [{"code": "DENIED", "message": text}]}
    given_before = nobody.send("GET", address)
    assert given_before.status == 400
    assert f"<Code>KMS.DisabledException</Code><Message>{text}</Message>" in given_before.data.decode()
    with refused("KmsException", text):
        ecr.initiate_layer_upload(repositoryName=name)
    failure = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])["failures"][0]
    assert (failure["failureCode"], failure["failureReason"]) == ("KmsError", text)
    kms.enable_key(KeyId=key)
    assert registry.send("GET", f"{path}/manifests/v1").status == 200


def test_what_aws_does_not_take(admin, ecr, name):
    with refused(
        "UnsupportedUpstreamRegistryException",
        "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN",
    ):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")
    rule = {"destinations": [{"region": "mars-north-1", "registryId": ecr.describe_registry()["registryId"]}]}
    with refused(
        "InvalidParameterException",
        "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Invalid region 'mars-north-1''",
    ):
        ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    for principal, why in (
        ({"AWS": "AIDA00000000000000000"}, "Principal not found"),
        ({"Federated": "accounts.google.com"}, "Invalid repository policy provided"),
    ):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "ecr:*"}]}
        with refused(
            "InvalidParameterException", f"Invalid parameter at 'PolicyText' failed to satisfy constraint: '{why}'"
        ):
            ecr.set_repository_policy(repositoryName=name, policyText=json.dumps(document))
    token = base64.urlsafe_b64encode(b'["app"]').decode()
    with refused(
        "InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"
    ):
        ecr.describe_repositories(nextToken=token)
