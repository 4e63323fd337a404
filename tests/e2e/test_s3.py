"""S3 through boto3 and the AWS CLI."""

import hashlib
import json
import os
import urllib.request

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from harness import organization
from harness.account import allow, unique
from harness.errors import refused
from harness.tasks import assert_never_ran, failed_step


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


def test_the_command_line_copies_and_lists(admin, tmp_path):
    bucket = unique("cli")
    here, back = tmp_path / "one.env", tmp_path / "back.env"
    here.write_text("A=1\n")
    plain = lambda *words: admin.aws(*words, check=False)
    for words in (("s3", "mb", f"s3://{bucket}"), ("s3", "cp", here, f"s3://{bucket}/a/one.env")):
        done = plain(*words)
        assert done.returncode == 0, done.stderr
    listed = plain("s3", "ls", f"s3://{bucket}/a/")
    assert listed.returncode == 0 and listed.stdout.split()[2:] == ["4", "one.env"], listed
    done = plain("s3", "cp", f"s3://{bucket}/a/one.env", back)
    assert done.returncode == 0 and back.read_text() == "A=1\n", done.stderr
    done = plain("s3", "rb", f"s3://{bucket}", "--force")
    assert done.returncode == 0, done.stderr


def test_a_bucket_says_where_it_is(admin):
    bucket = unique("place")
    there = admin.client("s3", "eu-west-1")
    there.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    head = there.head_bucket(Bucket=bucket)["ResponseMetadata"]
    assert head["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"
    assert there.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"
    with pytest.raises(ClientError) as caught:
        admin.user().client("s3", "eu-west-1").head_bucket(Bucket=bucket)
    refused = caught.value.response["ResponseMetadata"]
    assert refused["HTTPStatusCode"] == 403 and refused["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_are_kept_and_compared(s3, algorithm):
    bucket = unique("sums")
    s3.create_bucket(Bucket=bucket)
    if algorithm in ("CRC32", "SHA1", "SHA256"):
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"A=1", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == b"A=1" and got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    wrong = {"CRC32": "AAAAAA==", "CRC32C": "AAAAAA==", "SHA1": "A" * 27 + "=", "SHA256": "A" * 43 + "="}
    value = wrong.get(algorithm, "AAAAAAAAAAA=")
    refused = code(s3.put_object, Bucket=bucket, Key="w", Body=b"A=1", **{f"Checksum{algorithm}": value})
    assert refused == ("BadDigest", 400)
    assert code(s3.put_object, Bucket=bucket, Key="w", Body=b"A=1", ContentMD5="A" * 22 + "==") == ("BadDigest", 400)
    assert code(s3.get_object, Bucket=bucket, Key="w") == ("NoSuchKey", 404)


def test_a_bucket_policy_lets_in_and_out(s3, admin):
    bucket = unique("policy")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    guest = admin.user()
    arn = guest.sts.get_caller_identity()["Arn"]
    theirs = guest.client("s3")
    assert code(theirs.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)
    policy = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    policy["Statement"][0]["Principal"] = {"AWS": arn}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert code(theirs.get_object, Bucket=bucket, Key="missing") == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=bucket)
    assert code(theirs.get_object, Bucket=bucket, Key="k") == ("AccessDenied", 403)


# --- environment files ---

FAILED = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: "


@pytest.fixture
def files(s3):
    """A bucket with two environment files."""
    bucket = unique("files")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="app/one.env", Body=b"# of the app\nCOLOUR=blue\nSHAPE=round\nSIZE=1\n")
    s3.put_object(Bucket=bucket, Key="app/two.env", Body=b"COLOUR=red\nTASTE=a = 'b'\n")
    return bucket


def listed(bucket):
    return [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/app/{name}.env"} for name in ("one", "two")]


def statement(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_a_task_has_the_variables_of_its_files(tasks, admin, files, network):
    bucket = f"arn:aws:s3:::{files}"
    extra = [statement("s3:GetObject", f"{bucket}/*"), statement("s3:GetBucketLocation", bucket)]
    main = tasks.container(
        command='echo "$COLOUR|$SHAPE|$SIZE|$TASTE"',
        environmentFiles=listed(files),
        environment=[{"name": "SIZE", "value": "9"}],
    )
    role = admin.execution_role(tasks.secret, extra=extra)
    task = tasks.finish(main, network=network, executionRoleArn=role)
    assert tasks.lines(task) == ["blue|round|9|a = 'b'"], tasks.story(task)


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_each_container_has_its_own_order_of_files(tasks, admin, files, network):
    """The first file that a container lists counts, whatever the others list first."""
    bucket = f"arn:aws:s3:::{files}"
    extra = [statement("s3:GetObject", f"{bucket}/*"), statement("s3:GetBucketLocation", bucket)]
    show = 'echo "$COLOUR|$SHAPE|$TASTE"'
    definition = tasks.define(
        tasks.container(command=show, name="first", environmentFiles=listed(files)),
        tasks.container(command=show, name="last", environmentFiles=listed(files)[::-1], essential=False),
        network=network,
        executionRoleArn=admin.execution_role(tasks.secret, extra=extra),
    )
    task = tasks.wait_stopped(tasks.run(definition, network))
    lines = [tasks.lines(task, container=name) for name in ("first", "last")]
    assert lines == [["blue|round|a = 'b'"], ["red|round|a = 'b'"]], tasks.story(task)


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
@pytest.mark.parametrize("lacking", ["s3:GetObject", "s3:GetBucketLocation"])
def test_a_role_that_may_not_read_its_files(tasks, admin, files, lacking, network):
    bucket = f"arn:aws:s3:::{files}"
    every = {"s3:GetObject": f"{bucket}/*", "s3:GetBucketLocation": bucket}
    extra = [statement(action, resource) for action, resource in every.items() if action != lacking]
    role = admin.execution_role(tasks.secret, extra=extra)
    definition = tasks.define(
        tasks.container(command="true", environmentFiles=listed(files)), network=network, executionRoleArn=role
    )
    arn = tasks.run(definition, network)
    task, seen = tasks.watch(arn)
    assert_never_ran(task, seen)
    agent = {
        "s3:GetObject": f"Unable to download env file with key app/one.env from bucket {files}, error: ",
        "s3:GetBucketLocation": f"Unable to initialize s3 client for bucket {files}, error: ",
    }
    reason = task["stoppedReason"]
    assert reason.startswith(FAILED + "AccessDenied: " if network == "awsvpc" else agent[lacking]), reason
    assert f"is not authorized to perform: {lacking} on resource: " in reason
    step = failed_step(tasks.trace(arn))
    assert step["action"] == lacking and "aws iam put-role-policy" in step["hint"], step


def test_a_key_that_looks_like_a_path_of_the_registry(server, s3):
    s3.create_bucket(Bucket="virtual-one")
    s3.put_object(Bucket="virtual-one", Key="v2/library/manifests/latest", Body=b"not a manifest")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "virtual-one", "Key": "v2/library/manifests/latest"})
    assert urllib.request.urlopen(url).read() == b"not a manifest"
    s3.delete_public_access_block(Bucket="virtual-one")
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::virtual-one/*",
        },
    }
    s3.put_bucket_policy(Bucket="virtual-one", Policy=json.dumps(policy))
    by_host = urllib.request.Request(
        server.endpoint + "/v2/library/manifests/latest", headers={"Host": "virtual-one.s3.us-east-1.amazonaws.com"}
    )
    assert urllib.request.urlopen(by_host).read() == b"not a manifest"


def test_an_acl_needs_a_permission_of_its_own(admin, s3):
    """Whoever sends an ACL needs `s3:PutObjectAcl` beside `s3:PutObject`, though there is only one that a bucket takes."""
    bucket = unique("acl")
    s3.create_bucket(Bucket=bucket)
    client = lambda *actions: admin.user(allow(list(actions))).client("s3", signature_version="s3v4")
    plain, full = client("s3:PutObject"), client("s3:PutObject", "s3:PutObjectAcl")
    plain.put_object(Bucket=bucket, Key="k", Body=b"b")
    with pytest.raises(ClientError) as caught:
        plain.put_object(Bucket=bucket, Key="k", Body=b"b", ACL="bucket-owner-full-control")
    error = caught.value.response["Error"]
    text = f'is not authorized to perform: s3:PutObjectAcl on resource: "arn:aws:s3:::{bucket}/k" because no identity-based policy allows the s3:PutObjectAcl action'
    assert error["Code"] == "AccessDenied" and error["Message"].endswith(text), error
    full.put_object(Bucket=bucket, Key="k", Body=b"b", ACL="bucket-owner-full-control")
    with pytest.raises(ClientError) as caught:
        full.put_object(Bucket=bucket, Key="k", Body=b"b", GrantRead='uri="http://acs.amazonaws.com/groups/global/AllUsers"')
    assert caught.value.response["Error"]["Code"] == "AccessControlListNotSupported"


MALFORMED = "MalformedPolicy"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"Resource": "{bucket}"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": ["s3:GetObject", "s3:ListBucket"]}, "Action does not apply to any resource(s) in statement"),
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::another-bucket/*"}, "Policy has invalid resource"),
        ({"Action": "s3:Nope"}, "Policy has invalid action"),
        ({"Action": "ec2:*"}, "Policy has invalid action"),
        ({"Action": "GetObject"}, "Policy has invalid action"),
        ({"Condition": {"StringEquals": {"s3:x-acl": "private"}}}, "Policy has an invalid condition key"),
        (
            {"Condition": {"StringEquals": {"s3:prefix": "a"}}},
            "Conditions do not apply to combination of actions and resources in statement",
        ),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:user/nobody-there"}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": "AIDAJQABLZS4A3QDU576Q"}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": "AROAJQABLZS4A3QDU576Q"}}, "Invalid principal in policy"),
        ({"Condition": {"StringIs": {"aws:PrincipalAccount": "1"}}}, "Invalid Condition type : StringIs"),
        ({"Principal": {}}, "Missing required field Principal cannot be empty!"),
    ],
)
def test_bucket_policies_that_s3_refuses(s3, change, message):
    bucket = unique("refused").lower()
    s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "111122223333"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    put = lambda statement: s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    put(statement)
    text = json.dumps(change).replace("{bucket}", f"arn:aws:s3:::{bucket}")
    with refused(MALFORMED, message) as error:
        put({**statement, **json.loads(text)})
    assert error.status == 400


@pytest.mark.parametrize(
    "document, message",
    [
        ("policy.json", "Policies must be valid JSON and the first byte must be '{'"),
        ('\n{"Version":"2012-10-17"}', "Policies must be valid JSON and the first byte must be '{'"),
        ("{", "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        ('{"Version":"2020-01-01","Statement":[]}', "The policy must contain a valid version string"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"allow"}]}', "Invalid effect: allow"),
        ('{"Version":"2012-10-17","Statement":{"Principal":"*"}}', "Missing required field Effect"),
    ],
)
def test_bucket_policies_that_are_none(s3, document, message):
    bucket = unique("malformed").lower()
    s3.create_bucket(Bucket=bucket)
    with refused(MALFORMED, message):
        s3.put_bucket_policy(Bucket=bucket, Policy=document)


def test_a_bucket_policy_is_the_owners_alone(server, admin, s3):
    """Whatever the policy says: another account that would be allowed reads that the method is not allowed."""
    bucket = unique("owners").lower()
    s3.create_bucket(Bucket=bucket)
    other = organization.member(server)
    other, account = other.client("s3", signature_version="s3v4"), other.id
    calls = [
        lambda: other.get_bucket_policy(Bucket=bucket),
        lambda: other.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document)),
        lambda: other.delete_bucket_policy(Bucket=bucket),
    ]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    for call in calls:
        with refused("AccessDenied", contains="because no resource-based policy allows") as error:
            call()
        assert error.status == 403
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    other.list_objects_v2(Bucket=bucket)
    for call in calls:
        with refused("MethodNotAllowed", "The specified method is not allowed against this resource.") as error:
            call()
        assert error.status == 405


def test_nobody_without_credentials_uses_a_key(server, admin, s3):
    """A public bucket does not open what is under a key of KMS, be it AWS's or the customer's, to read or to write."""
    bucket = unique("sealed").lower()
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    everything = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everything]}))
    s3.put_object(Bucket=bucket, Key="plain", Body=b"v")
    s3.put_object(Bucket=bucket, Key="sealed", Body=b"v", ServerSideEncryption="aws:kms")
    unsigned = admin.client("s3", signature_version=UNSIGNED)
    assert unsigned.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"v"
    text = (
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
    )
    with refused("InvalidArgument", text) as error:
        unsigned.get_object(Bucket=bucket, Key="sealed")
    assert error.status == 400
    with refused("InvalidArgument", text):
        unsigned.put_object(Bucket=bucket, Key="more", Body=b"v", ServerSideEncryption="aws:kms")
    # Whom the bucket does not let in learns nothing of keys.
    s3.delete_bucket_policy(Bucket=bucket)
    for key in ["plain", "sealed", "absent"]:
        assert code(unsigned.get_object, Bucket=bucket, Key=key) == ("AccessDenied", 403)


def test_a_canonical_user_is_an_account(server, admin, s3):
    """The id that lists of buckets show as their owner names the account in a bucket policy."""
    other = organization.member(server)
    owner = other.client("s3", signature_version="s3v4").list_buckets()["Owner"]["ID"]
    bucket = unique("canonical").lower()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    put = lambda id: s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": {"CanonicalUser": id}}]}),
    )
    user = other.user(allow("s3:*")).client("s3", signature_version="s3v4")
    with refused("AccessDenied"):
        user.get_object(Bucket=bucket, Key="k")
    put(owner)
    user.get_object(Bucket=bucket, Key="k")
    shown = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert shown["Statement"][0]["Principal"] == {"CanonicalUser": owner}
    with refused(MALFORMED, "Invalid principal in policy"):
        put(owner[::-1])


def test_a_new_bucket_with_ownership_asks_for_it(admin):
    """`s3:PutBucketOwnershipControls` with an ownership setting, `s3:PutBucketAcl` with an ACL that grants something."""
    client = lambda *actions: admin.user(allow(list(actions))).client("s3", signature_version="s3v4")
    plain, owner = client("s3:CreateBucket"), client("s3:CreateBucket", "s3:PutBucketOwnershipControls")
    plain.create_bucket(Bucket=unique("plain").lower(), ACL="private")
    name = unique("owned").lower()
    because = "because no identity-based policy allows the"
    with refused("AccessDenied", contains=f"s3:PutBucketOwnershipControls on resource: \"arn:aws:s3:::{name}\" {because}"):
        plain.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced")
    owner.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced")
    name = unique("open").lower()
    with refused("AccessDenied", contains=f"s3:PutBucketAcl on resource: \"arn:aws:s3:::{name}\" {because}"):
        plain.create_bucket(Bucket=name, ACL="public-read")
    with refused("InvalidBucketAclWithObjectOwnership"):
        client("s3:CreateBucket", "s3:PutBucketAcl").create_bucket(Bucket=name, ACL="public-read")


def test_a_copy_reads_the_source_and_its_tags(admin, s3):
    bucket = unique("copied").lower()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", Tagging="team=red")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"a")
    needed = ["s3:PutObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"]
    for missing in [*needed, None]:
        user = admin.user(allow([it for it in needed if it != missing])).client("s3", signature_version="s3v4")
        copy = lambda **more: user.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a", **more)
        if missing is None:
            copy()
            continue
        of = "b" if missing.startswith("s3:Put") else "a"
        with refused("AccessDenied", contains=f'{missing} on resource: "arn:aws:s3:::{bucket}/{of}" because'):
            copy()
        if missing == "s3:GetObjectTagging":
            copy(TaggingDirective="REPLACE", Tagging="team=blue")
        if missing in ("s3:GetObjectTagging", "s3:PutObjectTagging"):
            user.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/plain")


def test_a_part_that_is_not_there_is_never_taken_for_the_whole(s3):
    bucket = unique("parts")
    s3.create_bucket(Bucket=bucket)
    not_implemented = ("NotImplemented", 501)
    assert code(s3.delete_bucket_metadata_configuration, Bucket=bucket) == not_implemented
    assert code(s3.get_bucket_abac, Bucket=bucket) == not_implemented
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    kms = {"SSEKMS": {"KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/" + "1" * 36}}
    assert code(s3.update_object_encryption, Bucket=bucket, Key="k", ObjectEncryption=kms) == not_implemented
    assert code(s3.rename_object, Bucket=bucket, Key="moved", RenameSource=f"/{bucket}/k") == not_implemented
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    assert [it["Key"] for it in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_etags_need_no_quotation_marks(s3):
    bucket = unique("bare-etags")
    s3.create_bucket(Bucket=bucket)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"a")["ETag"].strip('"')
    at = {"Bucket": bucket, "Key": "k"}
    source = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k"}
    assert s3.get_object(**at, IfMatch=etag)["Body"].read() == b"a"
    assert code(s3.get_object, **at, IfMatch="0" * 32) == ("PreconditionFailed", 412)
    assert code(s3.get_object, **at, IfNoneMatch=etag) == ("304", 304)
    assert s3.head_object(**at, IfNoneMatch="0" * 32)["ContentLength"] == 1
    s3.copy_object(**source, CopySourceIfMatch=etag)
    assert code(s3.copy_object, **source, CopySourceIfNoneMatch=etag) == ("PreconditionFailed", 412)
    s3.put_object(**at, Body=b"b", IfMatch=etag)
    assert s3.get_object(**at)["Body"].read() == b"b"
    assert code(s3.put_object, **at, Body=b"c", IfMatch=etag) == ("PreconditionFailed", 412)


def test_how_many_keys_are_listed(s3):
    bucket = unique("max-keys")
    s3.create_bucket(Bucket=bucket)
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for call in (s3.list_objects, s3.list_objects_v2):
        for asked, said, keys, more in [(0, 0, [], False), (1, 1, ["a"], True), (2, 2, ["a", "b"], False), (5000, 1000, ["a", "b"], False)]:
            listed = call(Bucket=bucket, MaxKeys=asked)
            found = [it["Key"] for it in listed.get("Contents", [])]
            assert (listed["MaxKeys"], found, listed["IsTruncated"]) == (said, keys, more)
            assert call == s3.list_objects or listed["KeyCount"] == len(keys)
            assert ("NextContinuationToken" in listed) == (more and call == s3.list_objects_v2)
        with refused("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647"):
            call(Bucket=bucket, MaxKeys=-1)


def test_a_refused_body_does_not_cost_the_next_request(s3):
    bucket = unique("refused")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    for size in (1, 100_000, 2_000_000) * 10:
        refused_put = code(s3.put_object, Bucket=bucket, Key="k", Body=b"x" * size, IfNoneMatch="*")
        assert refused_put == ("PreconditionFailed", 412)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
        part = dict(Bucket=unique("none"), Key="k", UploadId="u", PartNumber=1, Body=b"x" * size)
        assert code(s3.upload_part, **part) == ("NoSuchBucket", 404)


def test_an_empty_object_does_not_cost_the_next_request(s3):
    """botocore waits for `100 Continue` though there is nothing to send, and takes the answer for that of its next request."""
    name = unique("empty")
    s3.create_bucket(Bucket=name)
    for number in range(4):
        s3.put_object(Bucket=name, Key=f"empty-{number}", Body=b"")
        s3.put_object(Bucket=name, Key=f"full-{number}", Body=b"a")
    listed = s3.list_objects_v2(Bucket=name)["Contents"]
    assert [it["Size"] for it in listed] == [0] * 4 + [1] * 4


def test_a_public_access_block_says_something(s3):
    bucket = unique("block")
    s3.create_bucket(Bucket=bucket)
    put = {"Bucket": bucket, "PublicAccessBlockConfiguration": {}}
    assert code(s3.put_public_access_block, **put) == ("InvalidRequest", 400)


def test_an_etag_with_one_quotation_mark_or_a_space(s3):
    bucket = unique("etag")
    s3.create_bucket(Bucket=bucket)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    assert code(s3.get_object, Bucket=bucket, Key="k", IfMatch="no etag") == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag[1:])["Body"].read() == b"1"


def test_parts_are_not_listed_by_negative_numbers(s3):
    bucket = unique("parts")
    s3.create_bucket(Bucket=bucket)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert code(s3.list_parts, **place, MaxParts=-1) == ("InvalidArgument", 400)
    assert code(s3.list_parts, **place, PartNumberMarker=-1) == ("InvalidArgument", 400)
    assert s3.list_parts(**place, MaxParts=5)["MaxParts"] == 5
