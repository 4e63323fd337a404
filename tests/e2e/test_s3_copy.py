"""Copies of large objects: `UploadPartCopy` through boto3 and through `aws s3 cp`, `mv` and `sync`."""

import hashlib
import json
import os

import pytest
from botocore.exceptions import ClientError

from harness.account import allow, unique
from harness.errors import denied, refused

MIB = 1024 * 1024


@pytest.fixture
def s3(admin):
    return admin.client("s3", signature_version="s3v4")


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def bucket(s3, name="copy"):
    made = unique(name)
    s3.create_bucket(Bucket=made)
    return made


def digest(s3, bucket, key):
    return hashlib.sha256(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest()


@pytest.mark.parametrize("command", ["cp", "mv", "sync"])
def test_the_command_line_copies_large_objects_between_buckets(admin, s3, command):
    here, there = bucket(s3), bucket(s3)
    body = os.urandom(20 * MIB)
    s3.put_object(Bucket=here, Key="k", Body=body)
    words = ["s3", command, f"s3://{here}/", f"s3://{there}/"] if command == "sync" else None
    words = words or ["s3", command, f"s3://{here}/k", f"s3://{there}/k"]
    done = admin.aws(*words, check=False)
    assert done.returncode == 0, done.stderr
    assert digest(s3, there, "k") == hashlib.sha256(body).hexdigest()
    assert s3.head_object(Bucket=there, Key="k")["ETag"].endswith('-3"')
    assert ("Contents" in s3.list_objects_v2(Bucket=here)) == (command != "mv")


def test_between_regions(admin, s3):
    here, there = bucket(s3), unique("copy")
    abroad = admin.client("s3", "eu-west-1", signature_version="s3v4")
    abroad.create_bucket(Bucket=there, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=here, Key="large", Body=b"x" * (9 * MIB))
    s3.put_object(Bucket=here, Key="small", Body=b"x")
    words = ("s3", "sync", f"s3://{here}/", f"s3://{there}/", "--source-region", "us-east-1", "--region", "eu-west-1")
    done = admin.aws(*words, check=False)
    assert done.returncode == 0, done.stderr
    assert digest(abroad, there, "large") == hashlib.sha256(b"x" * (9 * MIB)).hexdigest()
    assert digest(abroad, there, "small") == hashlib.sha256(b"x").hexdigest()


def test_ranges_versions_and_checksums(s3):
    here, there = bucket(s3), bucket(s3)
    s3.put_bucket_versioning(Bucket=here, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=here, Key="k", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=here, Key="k", Body=b"abc")
    upload = s3.create_multipart_upload(Bucket=there, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    target = {"Bucket": there, "Key": "k", "UploadId": upload}
    source = {"Bucket": here, "Key": "k", "VersionId": old}
    copied = s3.upload_part_copy(**target, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-5")
    assert copied["CopySourceVersionId"] == old
    part = copied["CopyPartResult"]
    assert part["ETag"] == '"%s"' % hashlib.md5(b"2345").hexdigest() and part["ChecksumSHA256"]
    listed = s3.list_parts(**target)["Parts"]
    assert [(it["PartNumber"], it["Size"], it["ETag"]) for it in listed] == [(1, 4, part["ETag"])]
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]}
    s3.complete_multipart_upload(**target, MultipartUpload=done)
    assert s3.get_object(Bucket=there, Key="k")["Body"].read() == b"2345"


def test_what_cannot_be_copied(s3):
    here, there = bucket(s3), bucket(s3)
    s3.put_object(Bucket=here, Key="k", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=there, Key="target")["UploadId"]
    copy = lambda key="k", number=1, **more: error_of(
        s3.upload_part_copy,
        **{"Bucket": there, "Key": "target", "UploadId": upload, "PartNumber": number, "CopySource": f"{here}/{key}", **more},
    )
    form = (
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
        "offsets of the first and last bytes to copy"
    )
    for text, message in (
        ("bytes=5-", form),
        ("0-5", form),
        ("bytes=0-10", "Range specified is not valid for source object of size: 10"),
    ):
        refused = copy(CopySourceRange=text)
        assert (refused["Code"], refused["Message"]) == ("InvalidArgument", message)
        assert (refused["ArgumentName"], refused["ArgumentValue"]) == ("x-amz-copy-source-range", text)
    refused = copy("missing")
    assert (refused["Code"], refused["Key"]) == ("NoSuchKey", "missing")
    refused = copy(UploadId="none")
    assert (refused["Code"], refused["UploadId"]) == ("NoSuchUpload", "none")
    refused = copy(number=10_001)
    assert refused["Message"] == "Part number must be an integer between 1 and 10000, inclusive"
    etag = s3.head_object(Bucket=here, Key="k")["ETag"]
    for more, condition in (
        ({"CopySourceIfMatch": '"x"'}, "x-amz-copy-source-If-Match"),
        ({"CopySourceIfNoneMatch": etag}, "x-amz-copy-source-If-None-Match"),
        ({"CopySourceIfModifiedSince": "2100-01-01"}, "x-amz-copy-source-If-Modified-Since"),
        ({"CopySourceIfUnmodifiedSince": "2001-01-01"}, "x-amz-copy-source-If-Unmodified-Since"),
    ):
        refused = copy(**more)
        assert (refused["Code"], refused["Condition"]) == ("PreconditionFailed", condition)


def test_a_copy_needs_permissions_on_both_sides(admin, s3):
    here, there = bucket(s3), bucket(s3)
    s3.put_object(Bucket=here, Key="k", Body=b"0123456789")
    read, write = allow("s3:GetObject", f"arn:aws:s3:::{here}/*"), allow("s3:PutObject", f"arn:aws:s3:::{there}/*")
    both = {**read, "Statement": read["Statement"] + write["Statement"]}
    upload = s3.create_multipart_upload(Bucket=there, Key="k")["UploadId"]
    target = {"Bucket": there, "Key": "k", "UploadId": upload, "PartNumber": 1, "CopySource": f"{here}/k"}
    for policy, action, resource in ((read, "s3:PutObject", f"{there}/k"), (write, "s3:GetObject", f"{here}/k")):
        client = admin.user(policy).client("s3", signature_version="s3v4")
        refused = error_of(client.upload_part_copy, **target)
        text = (
            f'is not authorized to perform: {action} on resource: "arn:aws:s3:::{resource}" because no identity-based '
            f"policy allows the {action} action"
        )
        assert refused["Code"] == "AccessDenied" and refused["Message"].endswith(text), refused
    admin.user(both).client("s3", signature_version="s3v4").upload_part_copy(**target)


def test_what_errors_say_beside_code_and_message(s3):
    here = bucket(s3)
    s3.put_object(Bucket=here, Key="k", Body=b"0123456789")
    refused = error_of(s3.copy_object, Bucket=here, Key="target", CopySource=f"{here}/source")
    assert (refused["Code"], refused["Key"]) == ("NoSuchKey", "source")
    refused = error_of(s3.copy_object, Bucket=here, Key="target", CopySource="no-such-bucket-2/k")
    assert (refused["Code"], refused["BucketName"]) == ("NoSuchBucket", "no-such-bucket-2")
    refused = error_of(s3.get_object, Bucket=here, Key="k", Range="bytes=100-200")
    assert (refused["Code"], refused["Message"]) == ("InvalidRange", "The requested range is not satisfiable")
    assert (refused["ActualObjectSize"], refused["RangeRequested"]) == ("10", "bytes=100-200")
    refused = error_of(s3.get_object, Bucket=here, Key="k", IfMatch='"x"')
    assert (refused["Code"], refused["Condition"]) == ("PreconditionFailed", "If-Match")
    refused = error_of(s3.put_object, Bucket=here, Key="k", Body=b"1", IfNoneMatch="*")
    assert (refused["Code"], refused["Condition"]) == ("PreconditionFailed", "If-None-Match")
    head = s3.head_object(Bucket=here, Key="k", Range="bytes=2-4")
    assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (head["ContentLength"], head["ContentRange"]) == (3, "bytes 2-4/10")
    assert s3.get_object(Bucket=here, Key="k", Range="bytes=4-2")["Body"].read() == b"0123456789"
    tagged = s3.put_bucket_tagging(Bucket=here, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_names_and_places_of_buckets(admin, s3):
    refused = error_of(s3.create_bucket, Bucket="Not.Valid")
    assert (refused["Code"], refused["Message"]) == ("InvalidBucketName", "The specified bucket is not valid.")
    assert refused["BucketName"] == "Not.Valid"
    place = lambda region: {"LocationConstraint": region}
    for region in ("mars-1", "us-east-1"):
        refused = error_of(s3.create_bucket, Bucket=unique("place"), CreateBucketConfiguration=place(region))
        assert (refused["Code"], refused["Message"], refused["LocationConstraint"]) == (
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            region,
        )
    abroad = admin.client("s3", "eu-west-1", signature_version="s3v4")
    refused = error_of(abroad.create_bucket, Bucket=unique("place"), CreateBucketConfiguration=place("us-east-1"))
    assert refused["Code"] == "IllegalLocationConstraintException"


def test_a_delete_marker_says_that_it_is_one(s3):
    here = bucket(s3)
    s3.put_bucket_versioning(Bucket=here, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=here, Key="k", Body=b"1")
    marker = s3.delete_object(Bucket=here, Key="k")["VersionId"]
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=here, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
    refused = error_of(s3.get_object, Bucket=here, Key="k", VersionId=marker)
    assert (refused["Code"], refused["ResourceType"]) == ("MethodNotAllowed", "DeleteMarker")
    refused = error_of(s3.copy_object, Bucket=here, Key="c", CopySource={"Bucket": here, "Key": "k", "VersionId": marker})
    assert refused["Message"] == (
        "The source of a copy request may not specifically refer to a delete marker by version id."
    )


def test_onto_itself(admin, s3):
    """Refused without a change; what the request names is one, and so is another encryption."""
    here = bucket(s3)
    s3.put_object(Bucket=here, Key="k", Body=b"x", WebsiteRedirectLocation="/a")
    copy = {"Bucket": here, "Key": "k", "CopySource": {"Bucket": here, "Key": "k"}}
    assert error_of(s3.copy_object, **copy)["Code"] == "InvalidRequest"
    s3.copy_object(**copy, WebsiteRedirectLocation="/a")
    assert s3.head_object(Bucket=here, Key="k")["WebsiteRedirectLocation"] == "/a"
    s3.copy_object(Bucket=here, Key="other", CopySource=copy["CopySource"])
    assert "WebsiteRedirectLocation" not in s3.head_object(Bucket=here, Key="other")
    key = admin.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.copy_object(**copy, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert s3.copy_object(**copy)["ServerSideEncryption"] == "AES256"
    assert error_of(s3.copy_object, **copy)["Code"] == "InvalidRequest"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=here, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.copy_object(**copy)
    assert s3.copy_object(**copy)["SSEKMSKeyId"] == key


def test_a_range_without_a_length_is_none(s3):
    here = bucket(s3)
    s3.put_object(Bucket=here, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=here, Key="k", Range="bytes=-")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["Body"].read() == b"0123456789"


def test_parts_under_a_key_open_it_again(admin):
    """The data key is made when the upload begins: who may only make data keys can begin, and not go on."""
    key = admin.client("kms").create_key()["KeyMetadata"]["Arn"]
    bucket = unique("sealed").lower()
    admin.client("s3", signature_version="s3v4").create_bucket(Bucket=bucket)
    user = admin.user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key},
    ]})
    poor = user.client("s3", signature_version="s3v4")
    under = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    poor.put_object(Bucket=bucket, Key="small", Body=b"x", **under)
    upload = poor.create_multipart_upload(Bucket=bucket, Key="large", **under)["UploadId"]
    place = {"Bucket": bucket, "Key": "large", "UploadId": upload}
    for call, more in (
        (poor.upload_part, {"PartNumber": 1, "Body": b"x"}),
        (poor.upload_part_copy, {"PartNumber": 1, "CopySource": f"{bucket}/small"}),
        (poor.complete_multipart_upload, {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}}),
    ):
        with refused("AccessDenied", contains=denied("kms:Decrypt", key)):
            call(**place, **more)
    with refused("NoSuchUpload"):
        poor.upload_part(**{**place, "UploadId": "none"}, PartNumber=1, Body=b"x")
