"""S3 beyond putting and getting: archives, attributes, ACLs, ownership, cross-origin and lifecycle rules, arguments that are none."""

import datetime
import hashlib
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from harness.account import allow, unique
from harness.errors import refused

MIB = 1024 * 1024


@pytest.fixture
def s3(admin):
    return admin.client("s3", signature_version="s3v4")


@pytest.fixture
def bucket(s3):
    name = unique("more")
    s3.create_bucket(Bucket=name)
    return name


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return {**response["Error"], "Status": response["ResponseMetadata"]["HTTPStatusCode"]}


def test_a_storage_class_that_is_none(s3, bucket):
    for call, more in ((s3.put_object, {"Body": b""}), (s3.create_multipart_upload, {})):
        refused = error_of(call, Bucket=bucket, Key="k", StorageClass="STANDARD2", **more)
        assert (refused["Code"], refused["Message"]) == (
            "InvalidStorageClass",
            "The storage class you specified is not valid",
        )
        assert refused["StorageClassRequested"] == "STANDARD2"
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    refused = error_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", StorageClass="standard")
    assert refused["Code"] == "InvalidStorageClass"


@pytest.mark.parametrize("archive", ["GLACIER", "DEEP_ARCHIVE"])
def test_what_is_archived_is_restored_before_it_is_read(s3, bucket, archive):
    place = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**place, Body=b"old", StorageClass=archive)
    refused = error_of(s3.get_object, **place)
    assert (refused["Code"], refused["Status"], refused["StorageClass"]) == ("InvalidObjectState", 403, archive)
    refused = error_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    assert refused["Message"] == "Operation is not valid for the source object's storage class"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="c")["UploadId"]
    part = {"Bucket": bucket, "Key": "c", "UploadId": upload, "PartNumber": 1, "CopySource": f"{bucket}/k"}
    assert error_of(s3.upload_part_copy, **part)["Code"] == "InvalidObjectState"
    assert "Restore" not in s3.head_object(**place)

    restored = s3.restore_object(**place, RestoreRequest={"Days": 2})
    assert restored["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.get_object(**place)["Body"].read() == b"old"
    head = s3.head_object(**place)
    assert head["StorageClass"] == archive
    assert head["Restore"].startswith('ongoing-request="false", expiry-date="') and "00:00:00 GMT" in head["Restore"]
    again = s3.restore_object(**place, RestoreRequest={"Days": 9})
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.head_object(**place)["Restore"] != head["Restore"]
    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    copied = s3.head_object(Bucket=bucket, Key="c")
    assert "Restore" not in copied and "StorageClass" not in copied
    # What is put anew is archived anew.
    s3.put_object(**place, Body=b"new", StorageClass=archive)
    assert error_of(s3.get_object, **place)["Code"] == "InvalidObjectState"


def test_what_cannot_be_restored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    s3.put_object(Bucket=bucket, Key="deep", Body=b"", StorageClass="DEEP_ARCHIVE")
    days = {"Days": 1}
    refused = error_of(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest=days)
    assert refused["Message"] == "Restore is not allowed for the object's current storage class"
    assert refused["StorageClass"] == "STANDARD"
    assert error_of(s3.restore_object, Bucket=bucket, Key="no", RestoreRequest=days)["Code"] == "NoSuchKey"
    assert error_of(s3.restore_object, Bucket=bucket, Key="deep", RestoreRequest={})["Code"] == "MalformedXML"
    quick = {**days, "GlacierJobParameters": {"Tier": "Expedited"}}
    assert error_of(s3.restore_object, Bucket=bucket, Key="deep", RestoreRequest=quick)["Code"] == "InvalidArgument"


def test_attributes_of_an_object(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"abc", ChecksumAlgorithm="SHA256")
    everything = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=everything)
    assert found["ETag"] == hashlib.md5(b"abc").hexdigest()
    assert found["Checksum"] == {"ChecksumSHA256": put["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"}
    assert (found["StorageClass"], found["ObjectSize"]) == ("STANDARD", 3)
    assert "ObjectParts" not in found and "VersionId" not in found and found["LastModified"]
    some = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert set(some) - {"ResponseMetadata"} == {"ObjectSize", "LastModified"}
    refused = error_of(s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["Size"])
    assert (refused["Code"], refused["Message"]) == ("InvalidArgument", "Invalid attribute name specified.")
    assert error_of(s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=[])["Code"] == "InvalidRequest"
    assert error_of(s3.get_object_attributes, Bucket=bucket, Key="no", ObjectAttributes=["ETag"])["Code"] == "NoSuchKey"


def test_attributes_of_parts(s3, bucket):
    place = {"Bucket": bucket, "Key": "k"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, ChecksumAlgorithm="CRC32")["UploadId"]}
    parts = []
    for number, body in enumerate((b"0" * 5 * MIB, b"1" * 5 * MIB, b"2"), 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]})
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    asked = {"ObjectAttributes": ["ETag", "Checksum", "ObjectParts"]}
    found = s3.get_object_attributes(**place, **asked, MaxParts=2)
    assert found["Checksum"] == {"ChecksumCRC32": done["ChecksumCRC32"].split("-")[0], "ChecksumType": "COMPOSITE"}
    assert found["ETag"] == done["ETag"].strip('"')
    listed = found["ObjectParts"]
    assert (listed["TotalPartsCount"], listed["IsTruncated"], listed["NextPartNumberMarker"]) == (3, True, 2)
    rest = s3.get_object_attributes(**place, **asked, PartNumberMarker=2)["ObjectParts"]
    assert (rest["IsTruncated"], rest["PartNumberMarker"]) == (False, 2)
    sums = [(it["PartNumber"], it["Size"], it["ChecksumCRC32"]) for it in listed["Parts"] + rest["Parts"]]
    sizes = (5 * MIB, 5 * MIB, 1)
    assert sums == [(it["PartNumber"], size, it["ChecksumCRC32"]) for it, size in zip(parts, sizes)]
    # Without checksums parts are only counted.
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object_attributes(**place, **asked)["ObjectParts"] == {"TotalPartsCount": 1}


def test_attributes_need_two_permissions(admin, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for actions, allowed in ((["s3:GetObject"], False), (["s3:GetObjectAttributes"], False), (None, True)):
        actions = actions or ["s3:GetObject", "s3:GetObjectAttributes"]
        session = admin.user(allow(actions, f"arn:aws:s3:::{bucket}/*"))
        theirs = session.client("s3", signature_version="s3v4")
        asked = {"Bucket": bucket, "Key": "k", "ObjectAttributes": ["ETag"]}
        if allowed:
            assert theirs.get_object_attributes(**asked)["ETag"]
        else:
            with refused("AccessDenied"):
                theirs.get_object_attributes(**asked)


def test_ownership_of_objects(s3, bucket):
    def controls():
        return s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]

    assert controls() == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    wanted = [{"ObjectOwnership": "BucketOwnerPreferred"}]
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": wanted})
    assert controls() == wanted
    bad = {"Rules": [{"ObjectOwnership": "Nobody"}]}
    assert error_of(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=bad)["Code"] == "MalformedXML"
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert error_of(s3.get_bucket_ownership_controls, Bucket=bucket)["Code"] == "OwnershipControlsNotFoundError"


def test_the_acl_that_there_is(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    of_bucket = s3.get_bucket_acl(Bucket=bucket)
    acl = {"Owner": of_bucket["Owner"], "Grants": of_bucket["Grants"]}
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    of_object = s3.get_object_acl(Bucket=bucket, Key="k")
    assert {"Owner": of_object["Owner"], "Grants": of_object["Grants"]} == acl
    # Without ACLs, only what says the same is taken.
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=acl)
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    calls = ((s3.put_bucket_acl, {}), (s3.put_object_acl, {"Key": "k"}))
    for call, more in calls:
        for canned in ("private", "public-read"):
            refused = error_of(call, Bucket=bucket, ACL=canned, **more)
            assert refused["Code"] == "AccessControlListNotSupported"
    # With them, `private` is what there is; what would let others in is not there.
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    for call, more in calls:
        call(Bucket=bucket, ACL="private", **more)
        assert error_of(call, Bucket=bucket, ACL="public-read", **more)["Code"] == "NotImplemented"
        refused = error_of(call, Bucket=bucket, GrantRead='uri="http://acs.amazonaws.com/groups/global/AllUsers"', **more)
        assert refused["Code"] == "NotImplemented"
    assert error_of(s3.put_object, Bucket=bucket, Key="k", ACL="public-read")["Code"] == "NotImplemented"
    both = {"ACL": "private", "GrantRead": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'}
    refused = error_of(s3.put_object, Bucket=bucket, Key="k", **both)
    assert refused["Message"] == "Specifying both Canned ACLs and Header Grants is not allowed"


def ask(server, path, method="OPTIONS", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{server.endpoint}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def test_browsers_are_answered_by_the_rules_of_the_bucket(server, s3, bucket):
    shop = "https://shop.example.com"
    status, _, text = ask(server, f"/{bucket}/k", Origin=shop, Access_Control_Request_Method="PUT")
    assert status == 403 and "CORS is not enabled for this bucket" in text
    assert error_of(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"
    rules = [
        {
            "ID": "shop",
            "AllowedOrigins": ["https://*.example.com"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["x-amz-*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules

    asked = {"Origin": shop, "Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "X-Amz-Date"}
    status, headers, text = ask(server, f"/{bucket}/k", **asked)
    assert (status, text) == (200, "")
    assert headers["Access-Control-Allow-Origin"] == shop and headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert headers["Access-Control-Allow-Headers"] == "x-amz-date" and headers["Access-Control-Max-Age"] == "600"
    assert headers["Access-Control-Expose-Headers"] == "ETag" and "Origin" in headers["Vary"]
    for change in (
        {"Origin": "https://example.org"},
        {"Access_Control_Request_Method": "DELETE"},
        {"Access_Control_Request_Headers": "x-other"},
    ):
        status, headers, text = ask(server, f"/{bucket}/k", **{**asked, **change})
        assert status == 403 and "AccessForbidden" in text and "Access-Control-Allow-Origin" not in headers, change
    assert ask(server, f"/{bucket}/k", Access_Control_Request_Method="PUT")[0] == 400

    # The request itself is answered with them, refused or not; others are not.
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    path = address[len(server.endpoint) :]
    status, headers, text = ask(server, path, "GET", Origin=shop)
    assert (status, text, headers["Access-Control-Allow-Origin"]) == (200, "x", shop)
    assert ask(server, path, "OPTIONS", **asked)[0] == 200
    status, headers, _ = ask(server, f"/{bucket}/k", "GET", Origin=shop)
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, shop)
    assert "Access-Control-Allow-Origin" not in ask(server, path, "GET", Origin="https://example.org")[1]
    assert ask(server, f"/{bucket}/k", "HEAD", Origin="https://example.org")[1]["Access-Control-Allow-Origin"] == "*"

    bad = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["OPTIONS"]}]}
    refused = error_of(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=bad)
    assert refused["Message"] == "Found unsupported HTTP method in CORS config. Unsupported method is OPTIONS"
    s3.delete_bucket_cors(Bucket=bucket)
    assert ask(server, f"/{bucket}/k", **asked)[0] == 403


def test_ids_that_no_version_can_have(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for call in (s3.get_object, s3.get_object_tagging, s3.delete_object):
        refused = error_of(call, Bucket=bucket, Key="k", VersionId="no")
        assert (refused["Code"], refused["Status"]) == ("InvalidArgument", 400)
        assert (refused["Message"], refused["ArgumentValue"]) == ("Invalid version id specified", "no")
    refused = error_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k?versionId=no")
    assert refused["Message"] == "Invalid version id specified"
    refused = error_of(s3.get_object, Bucket=bucket, Key="k", VersionId="0" * 32)
    assert (refused["Code"], refused["Status"]) == ("NoSuchVersion", 404)
    listed = {"Objects": [{"Key": "k", "VersionId": "no"}, {"Key": "other"}]}
    deleted = s3.delete_objects(Bucket=bucket, Delete=listed)
    assert [it["Code"] for it in deleted["Errors"]] == ["NoSuchVersion"] and len(deleted["Deleted"]) == 1


def test_lists_of_parts_and_uploads_say_what_there_is(s3, bucket):
    place = {"Bucket": bucket, "Key": "k"}
    asked = {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE", "StorageClass": "STANDARD_IA"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, **asked)["UploadId"]}
    empty = s3.list_parts(**upload)
    assert (empty["NextPartNumberMarker"], empty["IsTruncated"]) == (0, False)
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]
    assert all(it[name] == value for it in (empty, listed) for name, value in asked.items())
    s3.upload_part(**upload, PartNumber=7, Body=b"x", ChecksumAlgorithm="SHA256")
    assert s3.list_parts(**upload)["NextPartNumberMarker"] == 7
    for name, argument in (("MaxParts", "max-parts"), ("PartNumberMarker", "part-number-marker")):
        refused = error_of(s3.list_parts, **upload, **{name: 2147483648})
        text = f"Provided {argument} not an integer or within integer range"
        assert (refused["Code"], refused["Message"], refused["ArgumentName"]) == ("InvalidArgument", text, argument)
    refused = error_of(s3.list_objects_v2, Bucket=bucket, MaxKeys=2147483648)
    assert refused["Message"] == "Provided max-keys not an integer or within integer range"


def test_a_page_of_versions_that_ends_with_a_prefix_names_no_version(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a/1", "a/2", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    asked = {"Bucket": bucket, "Delimiter": "/", "MaxKeys": 1}
    first = s3.list_object_versions(**asked)
    assert first["CommonPrefixes"] == [{"Prefix": "a/"}] and first["IsTruncated"]
    assert first["NextKeyMarker"] == "a/" and "NextVersionIdMarker" not in first
    rest = s3.list_object_versions(**asked, KeyMarker="a/")
    assert [it["Key"] for it in rest["Versions"]] == ["b"] and "CommonPrefixes" not in rest


def test_tags_of_aws(s3, bucket):
    refused = error_of(s3.put_object, Bucket=bucket, Key="k", Tagging="aws:x=1")
    assert (refused["Code"], refused["Message"]) == ("InvalidTag", "Your TagKey cannot be prefixed with aws:")


def test_the_type_of_a_bucket(s3, bucket):
    headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "application/xml"


def test_a_copy_onto_itself_where_the_bucket_says_how_to_encrypt(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    onto = {"Bucket": bucket, "Key": "k", "CopySource": f"{bucket}/k"}
    assert error_of(s3.copy_object, **onto)["Code"] == "InvalidRequest"
    default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=default)
    assert s3.copy_object(**onto)["ServerSideEncryption"] == "AES256"
    s3.delete_bucket_encryption(Bucket=bucket)
    assert error_of(s3.copy_object, **onto)["Code"] == "InvalidRequest"


@pytest.mark.parametrize("body", [b"", b"two"])
def test_conditions_of_writes_compare_whatever_is_asked(s3, bucket, body):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["ETag"]
    put = {"Bucket": bucket, "Key": "k", "Body": body}
    for other in ("unknown etag", '"unknown', 'unknown"'):
        assert error_of(s3.put_object, **put, IfMatch=other)["Code"] == "PreconditionFailed"
    for same in (etag.strip('"'), etag[1:], etag[:-1]):
        assert s3.put_object(**{**put, "Body": b"one"}, IfMatch=same)["ETag"] == etag
    # The body is still looked at.
    refused = error_of(s3.put_object, **put, IfMatch=etag[1:], ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    assert refused["Code"] in ("BadDigest", "InvalidDigest")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"


RULES = [
    {
        "ID": "all",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}], "ObjectSizeGreaterThan": 10}},
        "Expiration": {"Days": 400},
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}],
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 40, "StorageClass": "ONEZONE_IA"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 60, "NewerNoncurrentVersions": 2},
    },
    {"ID": "old form", "Status": "Disabled", "Prefix": "tmp/", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    {
        "ID": "uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
]


def test_lifecycle_rules_are_kept_as_they_are(s3, bucket):
    absent = error_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert (absent["Code"], absent["Status"]) == ("NoSuchLifecycleConfiguration", 404)
    put = s3.put_bucket_lifecycle_configuration
    put(Bucket=bucket, LifecycleConfiguration={"Rules": RULES})
    kept = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert kept["Rules"] == RULES
    assert kept["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    for change, code in (
        ({"Expiration": {"Days": 30}}, "InvalidArgument"),
        ({"Prefix": "x"}, "MalformedXML"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
    ):
        wrong = {"Rules": [{**RULES[0], **change}]}
        assert error_of(put, Bucket=bucket, LifecycleConfiguration=wrong)["Code"] == code, change
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == RULES
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert error_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)["Code"] == "NoSuchLifecycleConfiguration"


def test_lifecycle_rules_are_applied(s3, bucket):
    """A rule with a day that is over is applied within a minute or two."""
    rule = {
        "ID": "over",
        "Status": "Enabled",
        "Filter": {"Prefix": "old/"},
        "Expiration": {"Date": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)},
    }
    s3.put_object(Bucket=bucket, Key="old/k", Body=b"")
    s3.put_object(Bucket=bucket, Key="new/k", Body=b"")
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.head_object(Bucket=bucket, Key="old/k")["Expiration"] == (
        'expiry-date="Thu, 01 Jan 2026 00:00:00 GMT", rule-id="over"'
    )
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="new/k")
    keys = lambda: [it["Key"] for it in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    end = time.monotonic() + 180
    while "old/k" in keys() and time.monotonic() < end:
        time.sleep(2)
    assert keys() == ["new/k"]
