"""Principals are held by their unique ids: whoever is made again under an old name has nothing of the old one's grants."""

import json

import pytest

from harness.account import allow, unique
from harness.errors import refused


def policy(principal, action, **more):
    one = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, **more}
    return {"Version": "2012-10-17", "Statement": [one]}


def one(principals):
    """Some services show a list of one."""
    return principals[0] if isinstance(principals, list) and len(principals) == 1 else principals


def arn_of(who):
    return who.sts.get_caller_identity()["Arn"]


class User:
    """A user who can be made, deleted and made again under one name."""

    prefix = "AIDA"

    def __init__(self, admin):
        self.admin, self.name, self.arn = admin, unique("again"), None

    def make(self):
        """Makes it. Answers its unique id."""
        user = self.admin.iam.create_user(UserName=self.name)["User"]
        self.arn = user["Arn"]
        return user["UserId"]

    def act(self):
        key = self.admin.iam.create_access_key(UserName=self.name)["AccessKey"]
        return self.admin.as_keys(key["AccessKeyId"], key["SecretAccessKey"])

    def delete(self):
        for key in self.admin.iam.list_access_keys(UserName=self.name)["AccessKeyMetadata"]:
            self.admin.iam.delete_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"])
        self.admin.iam.delete_user(UserName=self.name)


class Role:
    """A role like that."""

    prefix = "AROA"

    def __init__(self, admin):
        self.admin, self.name, self.arn = admin, unique("again"), None

    def make(self):
        trusted = json.dumps(policy(arn_of(self.admin), "sts:AssumeRole"))
        role = self.admin.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=trusted)["Role"]
        self.arn = role["Arn"]
        return role["RoleId"]

    def act(self):
        return self.admin.assume(self.arn)

    def delete(self):
        self.admin.iam.delete_role(RoleName=self.name)


class Secret:
    action = "secretsmanager:GetSecretValue"

    def __init__(self, admin):
        self.admin, self.arn = admin, admin.secret("v")

    def let_in(self, arn):
        document = json.dumps(policy(arn, self.action, Resource="*"))
        self.admin.secretsmanager.put_resource_policy(SecretId=self.arn, ResourcePolicy=document)

    def shown(self):
        document = json.loads(self.admin.secretsmanager.get_resource_policy(SecretId=self.arn)["ResourcePolicy"])
        return one(document["Statement"][0]["Principal"]["AWS"])

    def use(self, who):
        who.secretsmanager.get_secret_value(SecretId=self.arn)

    def refusal(self, who):
        text = f"User: {arn_of(who)} is not authorized to perform: {self.action} on resource: {self.arn}"
        return "AccessDeniedException", f"{text} because no identity-based policy allows the {self.action} action"


class Repository:
    action = "ecr:ListImages"

    def __init__(self, admin):
        self.admin, self.ecr, self.name = admin, admin.client("ecr"), unique("repository")
        self.arn = self.ecr.create_repository(repositoryName=self.name)["repository"]["repositoryArn"]

    def let_in(self, arn):
        self.ecr.set_repository_policy(repositoryName=self.name, policyText=json.dumps(policy(arn, self.action)))

    def shown(self):
        document = json.loads(self.ecr.get_repository_policy(repositoryName=self.name)["policyText"])
        return one(document["Statement"][0]["Principal"]["AWS"])

    def use(self, who):
        who.client("ecr").list_images(repositoryName=self.name)

    refusal = Secret.refusal


class Key:
    action = "kms:DescribeKey"

    def __init__(self, admin):
        self.admin, self.arn = admin, admin.kms.create_key()["KeyMetadata"]["Arn"]

    def let_in(self, arn):
        document = policy(f"arn:aws:iam::{self.admin.id}:root", "kms:*", Resource="*")
        document["Statement"].insert(0, policy(arn, self.action, Resource="*")["Statement"][0])
        self.admin.kms.put_key_policy(KeyId=self.arn, PolicyName="default", Policy=json.dumps(document))

    def shown(self):
        document = json.loads(self.admin.kms.get_key_policy(KeyId=self.arn, PolicyName="default")["Policy"])
        return one(document["Statement"][0]["Principal"]["AWS"])

    def use(self, who):
        who.kms.describe_key(KeyId=self.arn)

    refusal = Secret.refusal


class Bucket:
    action = "s3:ListBucket"

    def __init__(self, admin):
        self.admin, self.s3, self.name = admin, admin.client("s3", signature_version="s3v4"), unique("bucket")
        self.s3.create_bucket(Bucket=self.name)
        self.arn = f"arn:aws:s3:::{self.name}"

    def let_in(self, arn):
        document = json.dumps(policy(arn, self.action, Resource=self.arn))
        self.s3.put_bucket_policy(Bucket=self.name, Policy=document)

    def shown(self):
        document = json.loads(self.s3.get_bucket_policy(Bucket=self.name)["Policy"])
        return one(document["Statement"][0]["Principal"]["AWS"])

    def use(self, who):
        who.client("s3", signature_version="s3v4").list_objects_v2(Bucket=self.name)

    def refusal(self, who):
        text = f'User: {arn_of(who)} is not authorized to perform: {self.action} on resource: "{self.arn}"'
        return "AccessDenied", f"{text} because no identity-based policy allows the {self.action} action"


class Trusting:
    """A role whose trust policy names the principal."""

    action = "sts:AssumeRole"

    def __init__(self, admin):
        self.admin, self.arn = admin, admin.role(allow("*"))
        self.name = self.arn.rsplit("/", 1)[1]

    def let_in(self, arn):
        document = json.dumps(policy(arn, self.action))
        self.admin.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=document)

    def shown(self):
        role = self.admin.iam.get_role(RoleName=self.name)["Role"]
        return role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]

    def use(self, who):
        who.assume(self.arn)

    def refusal(self, who):
        return "AccessDenied", f"User: {arn_of(who)} is not authorized to perform: {self.action} on resource: {self.arn}"


@pytest.mark.parametrize("thing", [Secret, Repository, Key, Bucket, Trusting], ids=lambda it: it.__name__)
@pytest.mark.parametrize("somebody", [User, Role], ids=lambda it: it.__name__)
def test_who_is_made_again_has_lost_what_a_policy_gave(admin, somebody, thing):
    somebody, thing = somebody(admin), thing(admin)
    first = somebody.make()
    assert first.startswith(somebody.prefix)
    thing.let_in(somebody.arn)
    assert thing.shown() == somebody.arn
    old = somebody.act()
    thing.use(old)
    somebody.delete()
    assert thing.shown() == first, "the id stands where the ARN was"
    second = somebody.make()
    assert second != first
    assert thing.shown() == first, "the new one is not the old one"
    new = somebody.act()
    code, text = thing.refusal(new)
    with refused(code, text):
        thing.use(new)
    code = "InvalidAccessKeyId" if isinstance(thing, Bucket) else None
    with pytest.raises(Exception) as dead:
        thing.use(old)
    codes = {"UnrecognizedClientException", "InvalidClientTokenId", code}
    assert dead.value.response["Error"]["Code"] in codes, dead.value
    thing.let_in(somebody.arn)
    assert thing.shown() == somebody.arn
    thing.use(new)
    somebody.delete()


@pytest.mark.parametrize("thing", [Secret, Repository, Key, Bucket, Trusting], ids=lambda it: it.__name__)
def test_who_gets_another_name_keeps_what_a_policy_gave(admin, thing):
    somebody, thing = User(admin), thing(admin)
    somebody.make()
    thing.let_in(somebody.arn)
    acting = somebody.act()
    old, somebody.name = somebody.name, unique("renamed")
    admin.iam.update_user(UserName=old, NewUserName=somebody.name, NewPath="/team/")
    somebody.arn = arn_of(acting)
    assert somebody.arn.endswith(f":user/team/{somebody.name}")
    assert thing.shown() == somebody.arn
    thing.use(acting)
    somebody.delete()


def test_a_session_of_a_user_outlives_its_name(admin):
    somebody = User(admin)
    somebody.make()
    admin.iam.put_user_policy(UserName=somebody.name, PolicyName="p", PolicyDocument=json.dumps(allow("secretsmanager:*")))
    keys = somebody.act().sts.get_session_token()["Credentials"]
    session = admin.as_keys(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    old, somebody.name = somebody.name, unique("renamed")
    admin.iam.update_user(UserName=old, NewUserName=somebody.name)
    assert arn_of(session).endswith(f":user/{somebody.name}")
    session.secretsmanager.list_secrets()
    admin.iam.delete_user_policy(UserName=somebody.name, PolicyName="p")
    somebody.delete()


def test_a_policy_cannot_be_put_that_names_nobody(admin):
    somebody, secret = User(admin), Secret(admin)
    somebody.make()
    somebody.delete()
    with refused("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal."):
        secret.let_in(somebody.arn)


REFUSALS = {
    Secret: ("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal."),
    Repository: (
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
    ),
    Key: ("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."),
    Bucket: ("MalformedPolicy", "Invalid principal in policy"),
    Trusting: ("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"{id}"'),
}


@pytest.mark.parametrize("thing", REFUSALS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("somebody", [User, Role], ids=lambda it: it.__name__)
def test_the_id_of_somebody_who_is_gone_cannot_be_written_again(admin, somebody, thing):
    code, text = REFUSALS[thing]
    somebody, thing = somebody(admin), thing(admin)
    gone = somebody.make()
    thing.let_in(gone)
    assert thing.shown() == somebody.arn, "an id of somebody who is there is shown as the ARN"
    thing.use(somebody.act())
    somebody.delete()
    assert thing.shown() == gone
    for nobody in (gone, somebody.prefix + "JQABLZS4A3QDU576Q"):
        with refused(code, text.format(id=nobody)):
            thing.let_in(nobody)
    assert thing.shown() == gone, "what is stored stays readable"


def test_a_grant_of_kms_dies_with_its_grantee(admin):
    somebody = Role(admin)
    somebody.make()
    key = admin.kms.create_key()["KeyMetadata"]["Arn"]
    admin.kms.create_grant(KeyId=key, GranteePrincipal=somebody.arn, Operations=["DescribeKey"])
    somebody.act().kms.describe_key(KeyId=key)
    somebody.delete()
    somebody.make()
    new = somebody.act()
    action = "kms:DescribeKey"
    text = f"User: {arn_of(new)} is not authorized to perform: {action} on resource: {key} because no identity-based policy allows the {action} action"
    with refused("AccessDeniedException", text):
        new.kms.describe_key(KeyId=key)
    somebody.delete()
