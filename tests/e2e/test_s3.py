"""S3 through boto3 and the AWS CLI."""

import hashlib
import os
import urllib.request

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(admin):
    return admin.client("s3", signature_version="s3v4")


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


def test_objects(s3):
    s3.create_bucket(Bucket="objects-one")
    put = s3.put_object(Bucket="objects-one", Key="a/b.env", Body=b"A=1\nB=2\n", Metadata={"x": "y"}, Tagging="t=1")
    assert put["ETag"] == '"%s"' % hashlib.md5(b"A=1\nB=2\n").hexdigest()
    got = s3.get_object(Bucket="objects-one", Key="a/b.env", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"A=1\nB=2\n"
    assert got["Metadata"] == {"x": "y"} and got["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket="objects-one", Key="a/b.env", Range="bytes=2-4")["Body"].read() == b"1\nB"
    assert s3.get_object_tagging(Bucket="objects-one", Key="a/b.env")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(Bucket="objects-one", Key="c", CopySource="objects-one/a/b.env")
    listed = s3.list_objects_v2(Bucket="objects-one", Delimiter="/")
    assert [it["Key"] for it in listed["Contents"]] == ["c"]
    assert listed["CommonPrefixes"] == [{"Prefix": "a/"}]
    assert code(s3.get_object, Bucket="objects-one", Key="no") == ("NoSuchKey", 404)
    assert code(s3.get_object, Bucket="no-such-bucket-1", Key="no") == ("NoSuchBucket", 404)
    assert code(s3.get_object, Bucket="objects-one", Key="c", IfMatch='"x"') == ("PreconditionFailed", 412)
    assert code(s3.delete_bucket, Bucket="objects-one") == ("BucketNotEmpty", 409)
    assert s3.get_bucket_location(Bucket="objects-one")["LocationConstraint"] is None
    deleted = s3.delete_objects(Bucket="objects-one", Delete={"Objects": [{"Key": "c"}, {"Key": "a/b.env"}]})
    assert len(deleted["Deleted"]) == 2
    s3.delete_bucket(Bucket="objects-one")


def test_a_presigned_address(s3):
    s3.create_bucket(Bucket="presigned-one")
    s3.put_object(Bucket="presigned-one", Key="k", Body=b"open")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned-one", "Key": "k"})
    assert urllib.request.urlopen(url).read() == b"open"


def test_parts_become_one_object(s3, tmp_path):
    s3.create_bucket(Bucket="parts-one")
    body = os.urandom(20 * 1024 * 1024)
    path = tmp_path / "large"
    path.write_bytes(body)
    s3.upload_file(str(path), "parts-one", "large")
    head = s3.head_object(Bucket="parts-one", Key="large")
    assert head["ContentLength"] == len(body) and head["ETag"].endswith('-3"')
    back = tmp_path / "back"
    s3.download_file("parts-one", "large", str(back))
    assert back.read_bytes() == body


def test_versions(s3):
    s3.create_bucket(Bucket="versions-one")
    s3.put_bucket_versioning(Bucket="versions-one", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versions-one", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="versions-one", Key="k", Body=b"2")
    assert s3.delete_object(Bucket="versions-one", Key="k")["DeleteMarker"] is True
    assert code(s3.get_object, Bucket="versions-one", Key="k") == ("NoSuchKey", 404)
    assert s3.get_object(Bucket="versions-one", Key="k", VersionId=first)["Body"].read() == b"1"
    listed = s3.list_object_versions(Bucket="versions-one")
    assert len(listed["Versions"]) == 2 and len(listed["DeleteMarkers"]) == 1


def test_what_is_not_there_says_so(s3):
    s3.create_bucket(Bucket="absent-one")
    assert code(s3.get_bucket_policy, Bucket="absent-one") == ("NoSuchBucketPolicy", 404)
    assert code(s3.get_bucket_cors, Bucket="absent-one") == ("NoSuchCORSConfiguration", 404)
    assert code(s3.list_bucket_metrics_configurations, Bucket="absent-one")[1] == 501
