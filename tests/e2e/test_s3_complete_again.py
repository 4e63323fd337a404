"""`CompleteMultipartUpload` asked again by a client that lost the answer."""

import pytest
from botocore.exceptions import ClientError

from harness.account import Account, unique


def begin(s3, bucket, key="a b/k", bodies=(b"x" * 5 * 1024 * 1024, b"end")):
    """An upload with its parts: what completes it."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    place = {"Bucket": bucket, "Key": key, "UploadId": upload}
    parts = []
    for number, body in enumerate(bodies, 1):
        put = s3.upload_part(**place, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": put["ETag"], "ChecksumSHA256": put["ChecksumSHA256"]})
    return place, parts


def complete(s3, place, parts, **more):
    answer = s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts}, **more)
    del answer["ResponseMetadata"]
    return answer


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_it_answers_the_same_after_a_kill_too(make_server):
    server = make_server()
    s3 = Account.from_env(server.env()).client("s3", signature_version="s3v4")
    bucket = unique("again")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    place, parts = begin(s3, bucket)
    first = complete(s3, place, parts)
    assert first["VersionId"] and first["ETag"].endswith('-2"') and first["ServerSideEncryption"] == "AES256"
    assert complete(s3, place, parts) == first
    # The first one found no object, and this is still the first one.
    assert complete(s3, place, parts, IfNoneMatch="*") == first
    server.kill()
    server.start()
    assert complete(s3, place, parts) == first
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1
    assert s3.get_object(Bucket=bucket, Key=place["Key"])["Body"].read()[-3:] == b"end"


def test_other_parts_and_an_aborted_upload(admin):
    s3 = admin.client("s3", signature_version="s3v4")
    bucket = unique("again")
    s3.create_bucket(Bucket=bucket)
    place, parts = begin(s3, bucket)
    complete(s3, place, parts)
    again = lambda parts: code(s3.complete_multipart_upload, **place, MultipartUpload={"Parts": parts})
    assert again(parts[:1]) == "InvalidPart"
    assert code(s3.abort_multipart_upload, **place) == "NoSuchUpload"
    assert code(s3.upload_part, **place, PartNumber=3, Body=b"x") == "NoSuchUpload"
    place, parts = begin(s3, bucket)
    s3.abort_multipart_upload(**place)
    assert again(parts) == "NoSuchUpload"
    # What was completed is nothing that keeps a bucket.
    for version in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=bucket)
