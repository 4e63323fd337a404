"""Every kind of policy refuses in every service: boto3 and the AWS CLI see AWS's code, status and sentence."""

import json
import re
from dataclasses import dataclass
from typing import Callable

import pytest
from botocore.exceptions import ClientError

from harness import organization, raw
from harness.account import allow, deny, trust, unique
from harness.errors import refused

EVERYTHING = allow("*")
ELSEWHERE = allow("sqs:*")


@dataclass
class Case:
    """One call of a service."""

    service: str
    action: str
    operation: str
    call: Callable
    command: Callable
    resource: Callable = lambda it: "*"
    code: str = "AccessDeniedException"
    status: int = 400
    reason_left_out: bool = False
    quoted: bool = False
    before: str = ""
    sealed: bool = False

    def text(self, who, things, reason):
        """The sentence that AWS has for a refusal."""
        resource = self.resource(things)
        if self.quoted:
            resource = f'"{resource}"'
        if self.reason_left_out and reason.startswith("because"):
            reason = ""
        # Some services leave out what is about no resource.
        about = f" on resource: {resource}" if resource else ""
        text = f"{self.before}User: {arn_of(who)} is not authorized to perform: {self.action}{about} {reason}"
        return text.strip()

    def is_refused(self, who, things, reason):
        with pytest.raises(ClientError) as caught:
            self.call(who, things)
        answer = caught.value.response
        text, message = self.split(answer["Error"]["Message"])
        assert (answer["Error"]["Code"], text) == (self.code, self.text(who, things, reason))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == self.status
        return message

    def split(self, text):
        """The sentence, and the sealed message behind it."""
        if not self.sealed:
            return text, None
        text, message = text.split(". Encoded authorization failure message: ")
        assert re.fullmatch(r"[A-Za-z0-9_-]{200,10240}", message)
        return text, message

    def is_refused_in_the_cli(self, who, things, reason):
        done = who.aws(*self.command(things), check=False)
        text = self.text(who, things, reason)
        line = f"An error occurred ({self.code}) when calling the {self.operation} operation: {text}"
        assert (done.returncode, done.stdout) == (255, "")
        assert line in [self.split(it)[0] if it.startswith("An error") else it for it in done.stderr.splitlines()]


def ec2(**more):
    before = "You are not authorized to perform this operation. "
    return {"code": "UnauthorizedOperation", "status": 403, "before": before, **more}


def query(**more):
    return {"code": "AccessDenied", "status": 403, **more}


CASES = [
    Case(
        "sts",
        "sts:GetAccessKeyInfo",
        "GetAccessKeyInfo",
        lambda who, it: who.sts.get_access_key_info(AccessKeyId=who.access_key),
        lambda it: ("sts", "get-access-key-info", "--access-key-id", "AKIAIOSFODNN7EXAMPLE"),
        **query(),
    ),
    Case(
        "sts-role",
        "sts:AssumeRole",
        "AssumeRole",
        lambda who, it: who.assume(it["role"]),
        lambda it: ("sts", "assume-role", "--role-arn", it["role"], "--role-session-name", "tester"),
        lambda it: it["role"],
        **query(reason_left_out=True),
    ),
    Case(
        "iam",
        "iam:GetRole",
        "GetRole",
        lambda who, it: who.iam.get_role(RoleName=it["role"].rsplit("/", 1)[1]),
        lambda it: ("iam", "get-role", "--role-name", it["role"].rsplit("/", 1)[1]),
        lambda it: f"role {it['role'].rsplit('/', 1)[1]}",
        **query(),
    ),
    Case(
        "iam-user",
        "iam:GetUser",
        "GetUser",
        lambda who, it: who.iam.get_user(UserName=it["user"]),
        lambda it: ("iam", "get-user", "--user-name", it["user"]),
        lambda it: f"user {it['user']}",
        **query(),
    ),
    Case(
        "iam-policy",
        "iam:GetPolicy",
        "GetPolicy",
        lambda who, it: who.iam.get_policy(PolicyArn=it["policy"]),
        lambda it: ("iam", "get-policy", "--policy-arn", it["policy"]),
        lambda it: f"policy {it['policy']}",
        **query(),
    ),
    Case(
        "iam-users",
        "iam:ListUsers",
        "ListUsers",
        lambda who, it: who.iam.list_users(PathPrefix="/team/"),
        lambda it: ("iam", "list-users", "--path-prefix", "/team/"),
        lambda it: f"arn:aws:iam::{it['account']}:user/team/",
        **query(),
    ),
    Case(
        "iam-policies",
        "iam:ListPolicies",
        "ListPolicies",
        lambda who, it: who.iam.list_policies(),
        lambda it: ("iam", "list-policies"),
        lambda it: "policy path /",
        **query(),
    ),
    Case(
        "secretsmanager",
        "secretsmanager:GetSecretValue",
        "GetSecretValue",
        lambda who, it: who.secretsmanager.get_secret_value(SecretId=it["secret"]),
        lambda it: ("secretsmanager", "get-secret-value", "--secret-id", it["secret"]),
        lambda it: it["secret"],
    ),
    Case(
        "secretsmanager-name",
        "secretsmanager:DescribeSecret",
        "DescribeSecret",
        lambda who, it: who.secretsmanager.describe_secret(SecretId=name_of_secret(it)),
        lambda it: ("secretsmanager", "describe-secret", "--secret-id", name_of_secret(it)),
        lambda it: name_of_secret(it),
    ),
    Case(
        "secretsmanager-list",
        "secretsmanager:ListSecrets",
        "ListSecrets",
        lambda who, it: who.secretsmanager.list_secrets(),
        lambda it: ("secretsmanager", "list-secrets"),
        lambda it: None,
    ),
    Case(
        "kms",
        "kms:DescribeKey",
        "DescribeKey",
        lambda who, it: who.kms.describe_key(KeyId=it["key"]),
        lambda it: ("kms", "describe-key", "--key-id", it["key"]),
        lambda it: it["key"],
    ),
    Case(
        "ssm",
        "ssm:GetParameter",
        "GetParameter",
        lambda who, it: who.client("ssm").get_parameter(Name=it["parameter"]),
        lambda it: ("ssm", "get-parameter", "--name", it["parameter"]),
        lambda it: f"arn:aws:ssm:us-east-1:{it['account']}:parameter{it['parameter']}",
    ),
    Case(
        "logs",
        "logs:PutLogEvents",
        "PutLogEvents",
        lambda who, it: who.logs.put_log_events(
            logGroupName=it["group"], logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}]
        ),
        lambda it: (
            *("logs", "put-log-events", "--log-group-name", it["group"], "--log-stream-name", "s"),
            *("--log-events", "timestamp=1,message=m"),
        ),
        lambda it: f"arn:aws:logs:us-east-1:{it['account']}:log-group:{it['group']}:log-stream:s",
    ),
    Case(
        "ecs",
        "ecs:DescribeClusters",
        "DescribeClusters",
        lambda who, it: who.ecs.describe_clusters(clusters=[it["cluster"]]),
        lambda it: ("ecs", "describe-clusters", "--clusters", it["cluster"]),
        lambda it: it["cluster"],
    ),
    Case(
        "ecr",
        "ecr:ListImages",
        "ListImages",
        lambda who, it: who.client("ecr").list_images(
            repositoryName=it["repository"].split("/", 1)[1], registryId=it["account"]
        ),
        lambda it: ("ecr", "list-images", "--repository-name", it["repository"].split("/", 1)[1]),
        lambda it: it["repository"],
    ),
    Case(
        "ecr-token",
        "ecr:GetAuthorizationToken",
        "GetAuthorizationToken",
        lambda who, it: who.client("ecr").get_authorization_token(),
        lambda it: ("ecr", "get-authorization-token"),
    ),
    Case(
        "lightsail",
        "lightsail:GetContainerServices",
        "GetContainerServices",
        lambda who, it: who.client("lightsail").get_container_services(),
        lambda it: ("lightsail", "get-container-services"),
        lambda it: f"arn:aws:lightsail:us-east-1:{it['account']}:*",
    ),
    Case(
        "s3",
        "s3:ListBucket",
        "ListObjectsV2",
        lambda who, it: who.client("s3", signature_version="s3v4").list_objects_v2(Bucket=it["bucket"]),
        lambda it: ("s3api", "list-objects-v2", "--bucket", it["bucket"]),
        lambda it: f"arn:aws:s3:::{it['bucket']}",
        **query(quoted=True),
    ),
    Case(
        "s3-list",
        "s3:ListAllMyBuckets",
        "ListBuckets",
        lambda who, it: who.client("s3", signature_version="s3v4").list_buckets(),
        lambda it: ("s3", "ls"),
        lambda it: None,
        **query(),
    ),
    Case(
        "ec2",
        "ec2:ModifyVpcAttribute",
        "ModifyVpcAttribute",
        lambda who, it: who.client("ec2").modify_vpc_attribute(VpcId=it["vpc"], EnableDnsSupport={"Value": True}),
        lambda it: ("ec2", "modify-vpc-attribute", "--vpc-id", it["vpc"], "--enable-dns-support"),
        lambda it: f"arn:aws:ec2:us-east-1:{it['account']}:vpc/{it['vpc']}",
        **ec2(sealed=True),
    ),
    Case(
        "ec2-list",
        "ec2:DescribeSubnets",
        "DescribeSubnets",
        lambda who, it: who.client("ec2").describe_subnets(),
        lambda it: ("ec2", "describe-subnets"),
        lambda it: None,
        **ec2(),
    ),
]
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.service)


def name_of_secret(things):
    """Without the account, the Region and the suffix, which a refusal does not tell."""
    return things["secret"].split(":secret:")[1].rsplit("-", 1)[0]


def arn_of(who):
    return who.sts.get_caller_identity()["Arn"]


def things_of(account):
    """One thing of every kind, in the account."""
    group, parameter, bucket = account.log_group(), "/" + unique("parameter"), unique("bucket")
    account.logs.create_log_stream(logGroupName=group, logStreamName="s")
    account.client("ssm").put_parameter(Name=parameter, Value="v", Type="String")
    account.client("s3", signature_version="s3v4").create_bucket(Bucket=bucket)
    repository = account.client("ecr").create_repository(repositoryName=unique("repository"))["repository"]
    return {
        "account": account.id,
        "user": name_of(account.user()),
        "policy": managed(account, ELSEWHERE),
        "role": account.role(EVERYTHING, trust(AWS=f"arn:aws:iam::{account.id}:root")),
        "secret": account.secret("v"),
        "key": account.kms.create_key()["KeyMetadata"]["Arn"],
        "parameter": parameter,
        "group": group,
        "cluster": account.ecs.create_cluster(clusterName=unique("cluster"))["cluster"]["clusterArn"],
        "repository": repository["repositoryArn"],
        "bucket": bucket,
        "vpc": account.client("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"],
    }


@pytest.fixture(scope="module")
def owner(server):
    """An account that the organization may limit."""
    return organization.member(server)


@pytest.fixture(scope="module")
def things(owner):
    return things_of(owner)


def managed(owner, document):
    return owner.iam.create_policy(PolicyName=unique("policy"), PolicyDocument=json.dumps(document))["Policy"]["Arn"]


def name_of(who):
    return arn_of(who).rsplit("/", 1)[1]


# --- policies of the caller ---


@pytest.fixture(scope="module")
def nobody(owner):
    return owner.user()


@pytest.fixture(scope="module")
def anybody(owner):
    """Somebody who may everything."""
    return owner.user(EVERYTHING)


def silent(case):
    return f"because no identity-based policy allows the {case.action} action"


@EVERY
def test_no_identity_policy_allows(nobody, things, case):
    case.is_refused(nobody, things, silent(case))


@EVERY
def test_the_aws_cli_shows_the_same_sentence(nobody, things, case):
    case.is_refused_in_the_cli(nobody, things, silent(case))


@EVERY
def test_who_may_is_let_through(anybody, things, case):
    case.call(anybody, things)


@pytest.fixture(scope="module")
def denied_inline(owner):
    statements = [EVERYTHING["Statement"][0], deny("*")["Statement"][0]]
    return owner.user({"Version": "2012-10-17", "Statement": statements})


@EVERY
def test_an_explicit_deny_in_an_identity_policy(denied_inline, things, case):
    case.is_refused(denied_inline, things, "with an explicit deny in an identity-based policy")


@pytest.fixture(scope="module")
def denied_by_group(owner):
    user, group, policy = owner.user(EVERYTHING), unique("group"), managed(owner, deny("*"))
    owner.iam.create_group(GroupName=group)
    owner.iam.attach_group_policy(GroupName=group, PolicyArn=policy)
    owner.iam.add_user_to_group(GroupName=group, UserName=name_of(user))
    return user, policy


@EVERY
def test_an_explicit_deny_in_a_managed_policy_is_named(denied_by_group, things, case):
    user, policy = denied_by_group
    case.is_refused(user, things, f"with an explicit deny in an identity-based policy: {policy}")


def bounded(owner, document):
    user, policy = owner.user(EVERYTHING), managed(owner, document)
    owner.iam.put_user_permissions_boundary(UserName=name_of(user), PermissionsBoundary=policy)
    return user, policy


@pytest.fixture(scope="module")
def bounded_silently(owner):
    return bounded(owner, ELSEWHERE)[0]


@EVERY
def test_no_boundary_allows(bounded_silently, things, case):
    case.is_refused(bounded_silently, things, f"because no permissions boundary allows the {case.action} action")


@pytest.fixture(scope="module")
def bounded_expressly(owner):
    return bounded(owner, deny("*"))


@EVERY
def test_an_explicit_deny_in_a_boundary(bounded_expressly, things, case):
    user, policy = bounded_expressly
    case.is_refused(user, things, f"with an explicit deny in a permissions boundary: {policy}")


def session_of(owner, **more):
    return owner.assume(owner.role(EVERYTHING, trust(AWS=f"arn:aws:iam::{owner.id}:root")), "narrow", **more)


@pytest.fixture(scope="module")
def narrowed(owner):
    return session_of(owner, Policy=json.dumps(ELSEWHERE))


@EVERY
def test_no_session_policy_allows(narrowed, things, case):
    case.is_refused(narrowed, things, f"because no session policy allows the {case.action} action")


@pytest.fixture(scope="module")
def narrowed_expressly(owner):
    return session_of(owner, Policy=json.dumps(deny("*")))


@EVERY
def test_an_explicit_deny_in_a_session_policy(narrowed_expressly, things, case):
    case.is_refused(narrowed_expressly, things, "with an explicit deny in a session policy")


@pytest.fixture(scope="module")
def narrowed_by_managed(owner):
    policy = managed(owner, deny("*"))
    return session_of(owner, PolicyArns=[{"arn": policy}]), policy


@EVERY
def test_an_explicit_deny_in_a_managed_session_policy_is_named(narrowed_by_managed, things, case):
    session, policy = narrowed_by_managed
    case.is_refused(session, things, f"with an explicit deny in a session policy: {policy}")


# --- policies of the organization ---


@EVERY
def test_an_explicit_deny_in_a_service_control_policy(admin, anybody, things, case):
    control = deny(case.action)
    with organization.attached(admin, organization.SCP, things["account"], control) as policy:
        reason = f"with an explicit deny in a service control policy: {policy['arn']}"
        case.is_refused(anybody, things, reason)
        case.is_refused_in_the_cli(anybody, things, reason)
    case.call(anybody, things)


@EVERY
def test_no_service_control_policy_allows(admin, anybody, things, case):
    account = things["account"]
    with (
        organization.attached(admin, organization.SCP, account, ELSEWHERE),
        organization.without_full_access(admin, account),
    ):
        case.is_refused(anybody, things, f"because no service control policy allows the {case.action} action")
    case.call(anybody, things)


def denied_to_all(action):
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.service in ("sts-role", "secretsmanager", "kms", "logs", "ecr", "s3")],
    ids=lambda case: case.service,
)
def test_an_explicit_deny_in_a_resource_control_policy(admin, anybody, things, case):
    control = denied_to_all(case.action)
    with organization.attached(admin, organization.RCP, things["account"], control) as policy:
        case.is_refused(anybody, things, f"with an explicit deny in a resource control policy: {policy['arn']}")
    case.call(anybody, things)


@pytest.mark.parametrize("service", ["iam", "ssm", "ecs", "lightsail", "ec2"])
def test_resource_control_policies_do_not_reach_other_services(admin, anybody, things, service):
    case = next(case for case in CASES if case.service == service)
    with organization.attached(admin, organization.RCP, things["account"], denied_to_all(f"{service}:*")):
        case.call(anybody, things)


# --- policies of the resource ---


def statement(effect, action, principal, resource="*"):
    one = {"Effect": effect, "Principal": principal, "Action": action}
    return {"Version": "2012-10-17", "Statement": [one if resource is None else {**one, "Resource": resource}]}


def both(first, second):
    return {"Version": "2012-10-17", "Statement": first["Statement"] + second["Statement"]}


def guard_secret(account, things, document):
    account.secretsmanager.put_resource_policy(SecretId=things["secret"], ResourcePolicy=json.dumps(document))


def guard_key(account, things, document):
    root = statement("Allow", "kms:*", {"AWS": f"arn:aws:iam::{account.id}:root"})
    account.kms.put_key_policy(KeyId=things["key"], PolicyName="default", Policy=json.dumps(both(root, document)))


def guard_repository(account, things, document):
    name = things["repository"].split("/", 1)[1]
    without = {**document, "Statement": [{k: v for k, v in it.items() if k != "Resource"} for it in document["Statement"]]}
    account.client("ecr").set_repository_policy(repositoryName=name, policyText=json.dumps(without))


def guard_bucket(account, things, document):
    bucket = f"arn:aws:s3:::{things['bucket']}"
    on = {**document, "Statement": [{**it, "Resource": bucket} for it in document["Statement"]]}
    account.client("s3", signature_version="s3v4").put_bucket_policy(Bucket=things["bucket"], Policy=json.dumps(on))


def guard_role(account, things, document):
    root = statement("Allow", "sts:AssumeRole", {"AWS": f"arn:aws:iam::{account.id}:root"}, None)
    without = {k: v for k, v in document["Statement"][0].items() if k != "Resource"}
    name = things["role"].rsplit("/", 1)[1]
    policy = json.dumps(both(root, {"Statement": [without]}))
    account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy)


GUARDS = {
    "secretsmanager": guard_secret,
    "kms": guard_key,
    "ecr": guard_repository,
    "s3": guard_bucket,
    "sts-role": guard_role,
}
GUARDED = pytest.mark.parametrize(
    "case", [case for case in CASES if case.service in GUARDS], ids=lambda case: case.service
)


@GUARDED
def test_an_explicit_deny_in_a_resource_policy(owner, anybody, case):
    own = things_of(owner)
    GUARDS[case.service](owner, own, statement("Deny", case.action, {"AWS": arn_of(anybody)}))
    name = "the role trust policy" if case.service == "sts-role" else "a resource-based policy"
    case.is_refused(anybody, own, f"with an explicit deny in {name}")


@GUARDED
def test_across_accounts_both_sides_have_to_allow(owner, other_account, case):
    own = things_of(owner)
    if case.service == "secretsmanager":
        # A secret under the default key is for its own account alone.
        guard_key(owner, own, statement("Allow", "kms:Decrypt", {"AWS": other_account.id}))
        secret = owner.secretsmanager.create_secret(Name=unique("shared"), SecretString="v", KmsKeyId=own["key"])
        own["secret"] = secret["ARN"]
    stranger, penniless = other_account.user(EVERYTHING), other_account.user()
    resource_silent = f"because no resource-based policy allows the {case.action} action"

    def is_refused(who, reason):
        with refused(case.code, case.text(who, own, reason)) as error:
            case.call(who, own)
        assert error.status == case.status

    is_refused(stranger, resource_silent)
    is_refused(penniless, resource_silent)
    GUARDS[case.service](owner, own, statement("Allow", case.action, {"AWS": other_account.id}))
    case.call(stranger, own)
    # The account as a whole is let in, which a key's policy may delegate.
    is_refused(penniless, silent(case) if case.service == "kms" else resource_silent)
    GUARDS[case.service](owner, own, statement("Allow", case.action, {"AWS": arn_of(penniless)}))
    is_refused(penniless, silent(case))


def test_a_key_policy_that_does_not_delegate(owner, anybody):
    document = statement("Allow", "kms:*", {"AWS": arn_of(owner)})
    key = owner.kms.create_key(Policy=json.dumps(document))["KeyMetadata"]["Arn"]
    case = next(case for case in CASES if case.service == "kms")
    case.is_refused(anybody, {"key": key}, "because no resource-based policy allows the kms:DescribeKey action")


def test_a_trust_policy_that_does_not_name_the_caller(owner, anybody):
    case = next(case for case in CASES if case.service == "sts-role")
    case.is_refused(anybody, {"role": owner.role(trusted=trust("ecs-tasks.amazonaws.com"))}, "because")


# --- the sealed message of EC2 ---


def decode(who, message):
    return who.sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"]


EC2 = next(case for case in CASES if case.service == "ec2")


def test_the_message_of_a_refusal_decodes(owner, other_account, nobody, things):
    message = EC2.is_refused(nobody, things, silent(EC2))
    decoded = json.loads(decode(owner.user(allow("sts:DecodeAuthorizationMessage")), message))
    keys = {it["key"]: it["values"]["items"] for it in decoded["context"].pop("conditions")["items"]}
    assert decoded == {
        "allowed": False,
        "explicitDeny": False,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {
                "id": nobody.sts.get_caller_identity()["UserId"],
                "arn": arn_of(nobody),
                "name": name_of(nobody),
            },
            "action": EC2.action,
            "resource": EC2.resource(things),
        },
    }
    assert keys["ec2:VpcID"] == [{"value": things["vpc"]}]
    assert keys["aws:RequestedRegion"] == [{"value": "us-east-1"}]
    line = ("sts", "decode-authorization-message", "--encoded-message", message)
    assert json.loads(owner.aws(*line)["DecodedMessage"])["context"]["action"] == EC2.action
    with refused("InvalidAuthorizationMessageException", "Message is not valid") as error:
        decode(other_account, message)
    assert error.status == 400
    for broken in (message[:-1], "x" + message, message + "\n"):
        with refused("InvalidAuthorizationMessageException", "Message is not valid"):
            decode(owner, broken)
    action = "sts:DecodeAuthorizationMessage"
    text = f"User: {arn_of(nobody)} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action"
    with refused("AccessDenied", text):
        decode(nobody, message)


def test_the_message_of_an_explicit_deny_has_its_statement(owner, denied_inline, things):
    message = EC2.is_refused(denied_inline, things, "with an explicit deny in an identity-based policy")
    decoded = json.loads(decode(owner, message))
    assert decoded["explicitDeny"] is True
    (statement,) = decoded["matchedStatements"]["items"]
    assert (statement["effect"], statement["actions"]) == ("DENY", {"items": [{"value": "*"}]})


# --- on the wire ---


def test_the_body_of_a_refusal_in_json(nobody):
    answer = raw.call_json(nobody, "ecs", "ListClusters", {})
    text = f"User: {arn_of(nobody)} is not authorized to perform: ecs:ListClusters on resource: * because no identity-based policy allows the ecs:ListClusters action"
    assert (answer.status, answer.headers["content-type"]) == (400, "application/x-amz-json-1.1")
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert answer.json.pop("__type").split("#")[-1] == "AccessDeniedException"
    assert answer.message == text


def test_the_body_of_a_refusal_in_xml(nobody, things):
    answer = raw.call_query(nobody, "iam", "ListUsers")
    assert (answer.status, answer.headers["content-type"]) == (403, "text/xml")
    error = answer.xml.find("Error")
    text = f"User: {arn_of(nobody)} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{things['account']}:user/ because no identity-based policy allows the iam:ListUsers action"
    assert [(it.tag, it.text) for it in error] == [("Type", "Sender"), ("Code", "AccessDenied"), ("Message", text)]
    assert answer.xml.findtext("RequestId") == answer.headers["x-amzn-requestid"]
