"""Condition keys as real calls fill them in: each row allows one action only under the key's value, and then only in its absence."""

import json
from dataclasses import dataclass
from typing import Any, Callable

import pytest
from botocore.exceptions import ClientError

from harness import raw
from harness.account import allow, trust, unique

ABSENT = None
TAGS = [{"Key": "team", "Value": "blue"}]
MINE = {"team": "blue"}
REFUSALS = ("AccessDenied", "AccessDeniedException")


@dataclass
class Row:
    """One key of one call: `value` is what it holds, or a function of the things it depends on."""

    key: str
    value: Any
    action: str
    call: Callable
    operator: str = "StringEquals"
    also: tuple = ()

    def condition(self, things):
        if self.value is ABSENT:
            return {"Null": {self.key: "true"}}
        value = self.value(things) if callable(self.value) else self.value
        return {self.operator: {self.key: value}}

    def policy(self, condition):
        statements = [{"Effect": "Allow", "Action": self.action, "Resource": "*", "Condition": condition}]
        if self.also:
            statements.append({"Effect": "Allow", "Action": list(self.also), "Resource": "*"})
        return {"Version": "2012-10-17", "Statement": statements}


def holds(row, who, things, set_policy):
    """The call passes under the condition, and is refused under its opposite."""
    set_policy(row.policy(row.condition(things)))
    row.call(who, things)
    set_policy(row.policy({"Null": {row.key: "false" if row.value is ABSENT else "true"}}))
    with pytest.raises(ClientError) as error:
        row.call(who, things)
    assert error.value.response["Error"]["Code"] in REFUSALS, error.value


def named(rows):
    return pytest.mark.parametrize("row", rows, ids=lambda row: f"{row.key}-{row.action}")


def put_user_policy(admin, who):
    name = who.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]
    return lambda document: admin.iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=json.dumps(document)
    )


def put_role_policy(admin, arn):
    return lambda document: admin.iam.put_role_policy(
        RoleName=arn.rsplit("/", 1)[1], PolicyName="p", PolicyDocument=json.dumps(document)
    )


def open_trust(account_id):
    document = trust(AWS=f"arn:aws:iam::{account_id}:root")
    document["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    return document


@pytest.fixture(scope="module")
def things(admin, account_id):
    """What calls are about. Each has the tag `team=blue`, where it can have one."""
    key = admin.kms.create_key(Tags=[{"TagKey": "team", "TagValue": "blue"}])["KeyMetadata"]["Arn"]
    alias = f"alias/{unique('alias')}"
    admin.kms.create_alias(AliasName=alias, TargetKeyId=key)
    role = admin.iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(open_trust(account_id)), Tags=TAGS
    )["Role"]["Arn"]
    group, bucket = unique("/group"), unique("bucket")
    admin.logs.create_log_group(logGroupName=group, tags=MINE)
    parameter = "/" + unique("parameter")
    admin.client("ssm").put_parameter(Name=parameter, Value="v", Type="SecureString", KeyId=key, Tags=TAGS)
    admin.client("s3", signature_version="s3v4").create_bucket(Bucket=bucket)
    admin.client("s3", signature_version="s3v4").put_object(Bucket=bucket, Key="from", Body=b"b")
    repository = admin.client("ecr").create_repository(repositoryName=unique("repository"), tags=TAGS)["repository"]
    cluster = admin.ecs.create_cluster(clusterName=unique("cluster"), tags=[{"key": "team", "value": "blue"}])
    boundary = admin.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=json.dumps(allow("*")))
    profile = unique("profile")
    admin.iam.create_instance_profile(InstanceProfileName=profile)
    bounded = unique("bounded")
    admin.iam.create_user(UserName=bounded, PermissionsBoundary=boundary["Policy"]["Arn"], Tags=TAGS)
    return {
        "account": account_id,
        "key": key,
        "alias": alias,
        "role": role,
        "role_name": role.rsplit("/", 1)[1],
        "group": group,
        "bucket": bucket,
        "parameter": parameter,
        "parameter_arn": f"arn:aws:ssm:us-east-1:{account_id}:parameter{parameter}",
        "repository": repository["repositoryName"],
        "cluster": cluster["cluster"]["clusterArn"],
        "boundary": boundary["Policy"]["Arn"],
        "profile": profile,
        "bounded": bounded,
        "secret": admin.secretsmanager.create_secret(
            Name=unique("secret"), SecretString="v", KmsKeyId=key, Tags=TAGS
        )["ARN"],
        "version": None,
    }


# --- keys that every call has, or has not ---

LIST = "secretsmanager:ListSecrets"


def list_secrets(who, it):
    return who.secretsmanager.list_secrets()


def arn_of(who):
    return who.sts.get_caller_identity()["Arn"]


def of_user(key, value, operator="StringEquals"):
    return Row(key, value, LIST, list_secrets, operator)


USERS = [
    of_user("aws:SourceIp", "127.0.0.0/8", "IpAddress"),
    of_user("aws:UserAgent", "Boto3/*", "StringLike"),
    of_user("aws:SecureTransport", "false", "Bool"),
    of_user("aws:CurrentTime", "2024-01-01T00:00:00Z", "DateGreaterThan"),
    of_user("aws:EpochTime", "1700000000", "NumericGreaterThan"),
    of_user("aws:RequestedRegion", "us-east-1"),
    of_user("aws:PrincipalArn", lambda it: it["me"], "ArnEquals"),
    of_user("aws:PrincipalAccount", lambda it: it["account"]),
    of_user("aws:PrincipalType", "User"),
    of_user("aws:PrincipalIsAWSService", "false", "Bool"),
    of_user("aws:PrincipalOrgID", "o-landfall"),
    of_user("aws:PrincipalOrgPaths", "o-landfall/r-root/", "ForAnyValue:StringEquals"),
    of_user("aws:PrincipalTag/team", "red"),
    of_user("aws:userid", "AIDA*", "StringLike"),
    of_user("aws:username", lambda it: it["me"].rsplit("/", 1)[1]),
    of_user("aws:ResourceAccount", lambda it: it["account"]),
    of_user("aws:ResourceOrgID", "o-landfall"),
    of_user("aws:ResourceOrgPaths", "o-landfall/r-root/", "ForAnyValue:StringEquals"),
    of_user("aws:ViaAWSService", "false", "Bool"),
    of_user("aws:MultiFactorAuthPresent", ABSENT),
    of_user("aws:MultiFactorAuthAge", ABSENT),
    of_user("aws:TokenIssueTime", ABSENT),
    of_user("aws:SourceIdentity", ABSENT),
    of_user("aws:PrincipalServiceName", ABSENT),
    of_user("aws:SourceVpc", ABSENT),
    of_user("aws:SourceVpce", ABSENT),
    of_user("aws:VpcSourceIp", ABSENT),
    of_user("aws:SourceArn", ABSENT),
    of_user("aws:SourceAccount", ABSENT),
    of_user("aws:Referer", ABSENT),
    of_user("aws:CalledVia", ABSENT),
    of_user("aws:CalledViaFirst", ABSENT),
    of_user("aws:CalledViaLast", ABSENT),
    of_user("aws:RequestTag/team", ABSENT),
    of_user("aws:TagKeys", ABSENT),
    of_user("aws:ResourceTag/team", ABSENT),
    of_user("kms:ViaService", ABSENT),
]


@pytest.fixture(scope="module")
def user(admin):
    who = admin.user()
    name = arn_of(who).rsplit("/", 1)[1]
    admin.iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    return who


@named(USERS)
def test_keys_of_a_user_with_long_term_credentials(admin, user, things, row):
    holds(row, user, {**things, "me": arn_of(user)}, put_user_policy(admin, user))


def test_the_referer_is_taken_from_the_request(admin, user):
    put_user_policy(admin, user)(allow(LIST, Condition={"StringEquals": {"aws:Referer": "https://example.com/"}}))
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.ListSecrets"}
    assert raw.post(user, "secretsmanager", "{}", {**headers, "Referer": "https://example.com/"}).status == 200
    assert raw.post(user, "secretsmanager", "{}", headers).code == "AccessDeniedException"


SESSIONS = [
    of_user("aws:TokenIssueTime", "2024-01-01T00:00:00Z", "DateGreaterThan"),
    of_user("aws:MultiFactorAuthPresent", "false", "Bool"),
    of_user("aws:MultiFactorAuthAge", ABSENT),
    of_user("aws:PrincipalType", "AssumedRole"),
    of_user("aws:PrincipalArn", lambda it: it["me"], "ArnEquals"),
    of_user("aws:userid", "AROA*:tester", "StringLike"),
    of_user("aws:username", ABSENT),
    of_user("aws:PrincipalTag/team", "blue"),
    of_user("aws:PrincipalTag/stage", "test"),
    of_user("aws:SourceIdentity", "alice"),
    of_user("aws:PrincipalOrgID", "o-landfall"),
    of_user("aws:SourceIp", "127.0.0.1", "IpAddress"),
]


@named(SESSIONS)
def test_keys_of_a_role_session(admin, things, account_id, row):
    arn = admin.role(trusted=open_trust(account_id))
    admin.iam.tag_role(RoleName=arn.rsplit("/", 1)[1], Tags=TAGS)
    session = admin.assume(arn, SourceIdentity="alice", Tags=[{"Key": "stage", "Value": "test"}])
    holds(row, session, {**things, "me": arn}, put_role_policy(admin, arn))


@named([of_user("aws:TokenIssueTime", "2024-01-01T00:00:00Z", "DateGreaterThan"),
        of_user("aws:MultiFactorAuthPresent", "false", "Bool"),
        of_user("aws:username", lambda it: it["me"].rsplit("/", 1)[1]),
        of_user("aws:PrincipalType", "User")])  # fmt: skip
def test_keys_of_a_user_with_a_session_token(admin, user, things, row):
    got = user.sts.get_session_token()["Credentials"]
    session = admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    holds(row, session, {**things, "me": arn_of(user)}, put_user_policy(admin, user))


# --- keys of the operations ---


def s3(who):
    return who.client("s3", signature_version="s3v4")


def create_secret(who, it):
    return who.secretsmanager.create_secret(Name=unique("new"), SecretString="v", Description="d", Tags=TAGS)


def get_secret(who, it):
    return who.secretsmanager.get_secret_value(SecretId=it["secret"], VersionStage="AWSCURRENT")


def describe_secret(who, it):
    return who.secretsmanager.describe_secret(SecretId=it["secret"])


def encrypt(who, it):
    return who.kms.encrypt(KeyId=it["alias"], Plaintext=b"p", EncryptionContext=MINE)


def get_parameter(who, it):
    return who.client("ssm").get_parameter(Name=it["parameter"], WithDecryption=True)


def assume(who, it):
    return who.assume(it["role"], ExternalId="agreed", SourceIdentity="alice", Tags=TAGS, TransitiveTagKeys=["team"])


def attach_to_bounded(who, it):
    return who.iam.attach_user_policy(UserName=it["bounded"], PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def create_grant(who, it):
    return who.kms.create_grant(
        KeyId=it["key"],
        GranteePrincipal=it["role"],
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": MINE},
    )


def of_secret(key, value, operator="StringEquals"):
    return Row(key, value, "secretsmanager:GetSecretValue", get_secret, operator, ("kms:Decrypt",))


def of_new_secret(key, value, operator="StringEquals"):
    return Row(key, value, "secretsmanager:CreateSecret", create_secret, operator, ("secretsmanager:TagResource",))


def through_secrets(key, value, operator="StringEquals"):
    return Row(key, value, "kms:Decrypt", get_secret, operator, ("secretsmanager:GetSecretValue",))


def through_parameters(key, value, operator="StringEquals"):
    return Row(key, value, "kms:Decrypt", get_parameter, operator, ("ssm:GetParameter",))


def of_encrypt(key, value, operator="StringEquals"):
    return Row(key, value, "kms:Encrypt", encrypt, operator)


def of_assume(key, value, operator="StringEquals"):
    return Row(key, value, "sts:AssumeRole", assume, operator, ("sts:TagSession", "sts:SetSourceIdentity"))


def of_grant(key, value, operator="StringEquals"):
    return Row(key, value, "kms:CreateGrant", create_grant, operator)


ANY = "ForAnyValue:StringEquals"
OPERATIONS = [
    of_new_secret("aws:RequestTag/team", "blue"),
    of_new_secret("aws:TagKeys", "team", ANY),
    of_new_secret("secretsmanager:Name", "new-*", "StringLike"),
    of_new_secret("secretsmanager:Description", "d"),
    of_new_secret("secretsmanager:KmsKeyId", ABSENT),
    Row(
        "secretsmanager:KmsKeyId",
        lambda it: it["key"],
        "secretsmanager:CreateSecret",
        lambda who, it: who.secretsmanager.create_secret(Name=unique("n"), SecretString="v", KmsKeyId=it["key"]),
        also=("kms:*",),
    ),
    of_secret("secretsmanager:SecretId", lambda it: it["secret"]),
    of_secret("secretsmanager:VersionStage", "AWSCURRENT"),
    of_secret("secretsmanager:VersionId", ABSENT),
    of_secret("secretsmanager:ResourceTag/team", "blue"),
    of_secret("secretsmanager:SecretPrimaryRegion", "us-east-1"),
    of_secret("aws:ResourceTag/team", "blue"),
    of_secret("aws:ResourceAccount", lambda it: it["account"]),
    Row(
        "secretsmanager:RecoveryWindowInDays",
        "7",
        "secretsmanager:DeleteSecret",
        lambda who, it: who.secretsmanager.delete_secret(SecretId=it["doomed"], RecoveryWindowInDays=7),
        "NumericEquals",
    ),
    Row(
        "secretsmanager:BlockPublicPolicy",
        "true",
        "secretsmanager:PutResourcePolicy",
        lambda who, it: who.secretsmanager.put_resource_policy(
            SecretId=it["secret"],
            BlockPublicPolicy=True,
            ResourcePolicy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": it["account"]},
                            "Action": "secretsmanager:GetSecretValue",
                            "Resource": "*",
                        }
                    ],
                }
            ),
        ),
        "Bool",
    ),
    through_secrets("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com"),
    through_secrets("kms:EncryptionContext:SecretARN", lambda it: it["secret"]),
    through_secrets("kms:EncryptionContextKeys", ["SecretARN"], ANY),
    through_secrets("kms:CallerAccount", lambda it: it["account"]),
    through_secrets("aws:ViaAWSService", "true", "Bool"),
    through_secrets("aws:CalledVia", "secretsmanager.amazonaws.com", ANY),
    through_secrets("aws:CalledViaFirst", "secretsmanager.amazonaws.com"),
    through_secrets("aws:CalledViaLast", "secretsmanager.amazonaws.com"),
    through_secrets("aws:SourceIp", ABSENT),
    through_parameters("kms:ViaService", "ssm.us-east-1.amazonaws.com"),
    through_parameters("kms:EncryptionContext:PARAMETER_ARN", lambda it: it["parameter_arn"]),
    through_parameters("aws:CalledVia", "ssm.amazonaws.com", ANY),
    of_encrypt("kms:EncryptionContext:team", "blue"),
    of_encrypt("kms:EncryptionContextKeys", "team", ANY),
    of_encrypt("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    of_encrypt("kms:RequestAlias", lambda it: it["alias"]),
    of_encrypt("kms:ResourceAliases", lambda it: it["alias"], ANY),
    of_encrypt("kms:KeySpec", "SYMMETRIC_DEFAULT"),
    of_encrypt("kms:KeyUsage", "ENCRYPT_DECRYPT"),
    of_encrypt("kms:KeyOrigin", "AWS_KMS"),
    of_encrypt("kms:ViaService", ABSENT),
    of_encrypt("aws:ResourceTag/team", "blue"),
    Row(
        "kms:EncryptionAlgorithm",
        "SYMMETRIC_DEFAULT",
        "kms:GenerateDataKey",
        lambda who, it: who.kms.generate_data_key(KeyId=it["key"], KeySpec="AES_256"),
    ),
    Row("kms:RequestAlias", ABSENT, "kms:DescribeKey", lambda who, it: who.kms.describe_key(KeyId=it["key"])),
    Row("kms:CallerAccount", lambda it: it["account"], "kms:ListKeys", lambda who, it: who.kms.list_keys()),
    of_grant("kms:GrantOperations", "Decrypt", ANY),
    of_grant("kms:GranteePrincipal", lambda it: it["role"]),
    of_grant("kms:GrantIsForAWSResource", "false", "Bool"),
    of_grant("kms:GrantConstraintType", "EncryptionContextSubset"),
    of_grant("kms:EncryptionContext:team", "blue"),
    of_assume("sts:ExternalId", "agreed"),
    of_assume("sts:RoleSessionName", "tester"),
    of_assume("sts:SourceIdentity", "alice"),
    of_assume("sts:TransitiveTagKeys", "team", ANY),
    of_assume("aws:RequestTag/team", "blue"),
    of_assume("aws:TagKeys", "team", ANY),
    of_assume("iam:ResourceTag/team", "blue"),
    Row("sts:ExternalId", ABSENT, "sts:AssumeRole", lambda who, it: who.assume(it["role"])),
    Row("iam:PolicyARN", "arn:aws:iam::aws:policy/ReadOnlyAccess", "iam:AttachUserPolicy", attach_to_bounded, "ArnEquals"),
    Row("iam:PermissionsBoundary", lambda it: it["boundary"], "iam:AttachUserPolicy", attach_to_bounded, "ArnEquals"),
    Row("iam:ResourceTag/team", "blue", "iam:AttachUserPolicy", attach_to_bounded),
    Row(
        "iam:PermissionsBoundary",
        lambda it: it["boundary"],
        "iam:CreateUser",
        lambda who, it: who.iam.create_user(UserName=unique("u"), PermissionsBoundary=it["boundary"]),
        "ArnEquals",
    ),
    Row(
        "iam:PermissionsBoundary",
        ABSENT,
        "iam:CreateRole",
        lambda who, it: who.iam.create_role(
            RoleName=unique("r"), AssumeRolePolicyDocument=json.dumps(trust("ecs-tasks.amazonaws.com"))
        ),
    ),
    Row(
        "iam:AWSServiceName",
        "ecr.amazonaws.com",
        "iam:CreateServiceLinkedRole",
        lambda who, it: who.iam.create_service_linked_role(AWSServiceName="ecr.amazonaws.com"),
    ),
    Row(
        "iam:PassedToService",
        "ec2.amazonaws.com",
        "iam:PassRole",
        lambda who, it: who.iam.add_role_to_instance_profile(
            InstanceProfileName=it["profile"], RoleName=it["role_name"]
        ),
        also=("iam:AddRoleToInstanceProfile",),
    ),
    Row(
        "iam:PassedToService",
        "ecs-tasks.amazonaws.com",
        "iam:PassRole",
        lambda who, it: who.ecs.register_task_definition(
            family=unique("family"),
            executionRoleArn=it["role"],
            containerDefinitions=[{"name": "a", "image": "a", "memory": 64}],
        ),
        also=("ecs:RegisterTaskDefinition",),
    ),
    Row("ecs:cluster", lambda it: it["cluster"], "ecs:ListTasks", lambda who, it: who.ecs.list_tasks(cluster=it["cluster"]), "ArnEquals"),
    Row("aws:ResourceTag/team", "blue", "ecs:DescribeClusters", lambda who, it: who.ecs.describe_clusters(clusters=[it["cluster"]])),
    Row(
        "ecs:CreateAction",
        "CreateCluster",
        "ecs:TagResource",
        lambda who, it: who.ecs.create_cluster(clusterName=unique("c"), tags=[{"key": "team", "value": "blue"}]),
        also=("ecs:CreateCluster",),
    ),
    Row(
        "aws:ResourceTag/team",
        "blue",
        "ecr:ListImages",
        lambda who, it: who.client("ecr").list_images(repositoryName=it["repository"]),
    ),
    Row(
        "ecr:ResourceTag/team",
        "blue",
        "ecr:ListImages",
        lambda who, it: who.client("ecr").list_images(repositoryName=it["repository"]),
    ),
    Row(
        "aws:ResourceTag/team",
        "blue",
        "logs:DescribeLogStreams",
        lambda who, it: who.logs.describe_log_streams(logGroupName=it["group"]),
    ),
    Row("ssm:resourceTag/team", "blue", "ssm:GetParameter", get_parameter, also=("kms:Decrypt",)),
    Row(
        "ssm:Overwrite",
        "true",
        "ssm:PutParameter",
        lambda who, it: who.client("ssm").put_parameter(Name="/" + unique("p"), Value="v", Type="String", Overwrite=True),
        "Bool",
    ),
    Row(
        "ssm:Recursive",
        "true",
        "ssm:GetParametersByPath",
        lambda who, it: who.client("ssm").get_parameters_by_path(Path="/path", Recursive=True),
        "Bool",
    ),
    Row("s3:prefix", "a/", "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"], Prefix="a/")),
    Row("s3:delimiter", "/", "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"], Delimiter="/")),
    Row("s3:ResourceAccount", lambda it: it["account"], "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"])),
    Row("s3:authType", "REST-HEADER", "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"])),
    Row("s3:signatureversion", "AWS4-HMAC-SHA256", "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"])),
    Row("s3:signatureAge", ABSENT, "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"])),
    Row(
        "s3:x-amz-acl",
        "private",
        "s3:PutObject",
        lambda who, it: s3(who).put_object(Bucket=it["bucket"], Key="k", Body=b"b", ACL="private"),
        also=("s3:PutObjectAcl",),
    ),
    Row(
        "s3:x-amz-storage-class",
        "STANDARD",
        "s3:PutObject",
        lambda who, it: s3(who).put_object(Bucket=it["bucket"], Key="k", Body=b"b", StorageClass="STANDARD"),
    ),
    Row(
        "s3:x-amz-copy-source",
        lambda it: f"{it['bucket']}/from",
        "s3:PutObject",
        lambda who, it: s3(who).copy_object(Bucket=it["bucket"], Key="to", CopySource=f"{it['bucket']}/from"),
        also=("s3:GetObject",),
    ),
    Row("kms:GrantIsForAWSResource", "false", "kms:ListGrants", lambda who, it: who.kms.list_grants(KeyId=it["key"]), "Bool"),
    Row(
        "secretsmanager:KmsKeyArn",
        lambda it: it["key"],
        "secretsmanager:CreateSecret",
        lambda who, it: who.secretsmanager.create_secret(Name=unique("under"), SecretString="v", KmsKeyId=it["key"]),
        also=("kms:GenerateDataKey", "kms:Decrypt"),
    ),
    Row(
        "secretsmanager:KmsKeyArn",
        ABSENT,
        "secretsmanager:CreateSecret",
        lambda who, it: who.secretsmanager.create_secret(Name=unique("under"), SecretString="v"),
    ),
    Row("s3:prefix", ABSENT, "s3:ListBucket", lambda who, it: s3(who).list_objects_v2(Bucket=it["bucket"])),
    Row(
        "aws:RequestTag/team",
        "blue",
        "lightsail:CreateContainerService",
        lambda who, it: who.client("lightsail").create_container_service(
            serviceName=unique("s"), power="nano", scale=1, tags=[{"key": "team", "value": "blue"}]
        ),
        also=("lightsail:TagResource",),
    ),
]


@named(OPERATIONS)
def test_keys_of_operations(admin, things, row):
    who = admin.user()
    doomed = admin.secret("v") if "DeleteSecret" in row.action else None
    holds(row, who, {**things, "doomed": doomed}, put_user_policy(admin, who))
