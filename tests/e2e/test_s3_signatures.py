"""S3's signatures of version 2: what boto3 and the AWS CLI presign with unless they are told otherwise."""

import http.client
import json
import time
import urllib.parse
import xml.etree.ElementTree

import pytest

from harness.account import allow, trust, unique


@pytest.fixture
def s3(admin):
    return admin.client("s3")


@pytest.fixture
def bucket(s3):
    name = unique("signed")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/k ä+.txt", Body=b"open")
    return name



class Answer:
    def __init__(self, method, url, body=None, headers=None):
        place = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(place.netloc, timeout=60)
        connection.request(method, f"{place.path}?{place.query}", body, headers or {})
        answer = connection.getresponse()
        self.status, self.headers, self.content = answer.status, answer.headers, answer.read()
        connection.close()


def get(url, **headers):
    return Answer("GET", url, headers=headers)


def put(url, body, headers):
    return Answer("PUT", url, body, headers)


def refusal(answer):
    root = xml.etree.ElementTree.fromstring(answer.content)
    return answer.status, {child.tag: child.text for child in root}


def test_a_default_presigned_address(s3, bucket):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/k ä+.txt"})
    assert "AWSAccessKeyId=" in url and "X-Amz-" not in url
    assert get(url).content == b"open"
    assert get(url, Range="bytes=1-2").content == b"pe"
    shown = s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket, "Key": "a/k ä+.txt", "ResponseContentDisposition": 'attachment; filename="x y.txt"'},
    )
    assert get(shown).headers["content-disposition"] == 'attachment; filename="x y.txt"'


def test_the_command_line_presigns(admin, bucket):
    done = admin.aws("s3", "presign", f"s3://{bucket}/a/k ä+.txt", "--expires-in", "60", check=False)
    assert done.returncode == 0, done.stderr
    assert get(done.stdout.strip()).content == b"open"


def test_a_presigned_write_keeps_its_headers(s3, bucket):
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "new", "ContentType": "text/plain", "Metadata": {"a": "b"}}
    )
    answer = put(url, b"written", {"Content-Type": "text/plain", "x-amz-meta-a": "b"})
    assert answer.status == 200, answer.content
    got = s3.get_object(Bucket=bucket, Key="new")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"written", "text/plain", {"a": "b"})
    assert put(url, b"other", {"Content-Type": "text/html"}).status == 403
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"written"


def test_signed_requests_of_version_2(admin, bucket):
    old = admin.client("s3", signature_version="s3")
    old.put_object(Bucket=bucket, Key="old", Body=b"2")
    assert old.get_object(Bucket=bucket, Key="old")["Body"].read() == b"2"
    assert [it["Key"] for it in old.list_objects_v2(Bucket=bucket, Prefix="o")["Contents"]] == ["old"]


def test_what_is_refused(admin, s3, bucket):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, error = refusal(get(url.replace("/k?", "/other?")))
    assert (status, error["Code"]) == (403, "SignatureDoesNotMatch")
    assert error["Message"] == (
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )
    assert error["AWSAccessKeyId"] == admin.access_key and error["StringToSign"].endswith(f"/{bucket}/other")
    past = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=-5)
    status, error = refusal(get(past))
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", "Request has expired")
    assert error["Expires"] and error["ServerTime"]
    unknown = url.replace(admin.access_key, "AKIAAAAAAAAAAAAAAAAA")
    status, error = refusal(get(unknown))
    assert (status, error["Code"]) == (403, "InvalidAccessKeyId")
    assert error["Message"] == "The AWS Access Key Id you provided does not exist in our records."
    status, error = refusal(get(url.split("&Expires")[0].split("&Signature")[0]))
    assert (status, error["Message"]) == (
        403,
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    )
    new = admin.client("s3", signature_version="s3v4")
    past = new.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    time.sleep(2.1)
    status, error = refusal(get(past))
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", "Request has expired")


def test_newer_regions_know_version_4_only(admin):
    name = unique("frankfurt")
    there = admin.client("s3", "eu-central-1")
    there.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    old = admin.client("s3", "eu-central-1", signature_version="s3")
    url = old.generate_presigned_url("list_objects", Params={"Bucket": name})
    status, error = refusal(get(url))
    assert (status, error["Code"]) == (400, "InvalidRequest")
    text = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    assert error["Message"] == text


def test_policies_decide_and_see_how_it_was_signed(admin, bucket):
    condition = {"StringEquals": {"s3:signatureversion": "AWS", "s3:authType": "REST-QUERY-STRING"}}
    user = admin.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Condition=condition))
    key = {"Bucket": bucket, "Key": "a/k ä+.txt"}
    assert get(user.client("s3").generate_presigned_url("get_object", Params=key)).content == b"open"
    new = user.client("s3", signature_version="s3v4")
    status, error = refusal(get(new.generate_presigned_url("get_object", Params=key)))
    assert (status, error["Code"]) == (403, "AccessDenied")
    nobody = admin.user().client("s3").generate_presigned_url("get_object", Params=key)
    status, error = refusal(get(nobody))
    assert (status, error["Code"]) == (403, "AccessDenied")
    text = f'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/a/k ä+.txt"'
    assert text in error["Message"]


def test_session_credentials(admin, bucket):
    who = admin.sts.get_caller_identity()["Arn"]
    role = unique("reader")
    made = admin.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust(AWS=who)))["Role"]
    policy = json.dumps(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    admin.iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=policy)
    session = admin.sts.assume_role(RoleArn=made["Arn"], RoleSessionName="session")["Credentials"]
    url = (
        type(admin)(
            admin.endpoint,
            session["AccessKeyId"],
            session["SecretAccessKey"],
            session_token=session["SessionToken"],
        )
        .client("s3")
        .generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/k ä+.txt"})
    )
    assert "x-amz-security-token=" in url
    assert get(url).content == b"open"
    status, error = refusal(get(url.replace("Expires=", "Expires=1")))
    assert (status, error["Code"]) == (403, "SignatureDoesNotMatch")
    assert session["SessionToken"] not in str(error)
    without = "&".join(it for it in url.split("&") if not it.startswith("x-amz-security-token"))
    status, error = refusal(get(without))
    assert (status, error["Code"]) == (403, "InvalidAccessKeyId")
