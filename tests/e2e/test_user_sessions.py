"""Temporary credentials of a user: what they cannot do, whatever the user may."""

import pytest

from harness.account import allow, unique
from harness.errors import refused

INVALID = "The security token included in the request is invalid"


@pytest.fixture
def owner(admin):
    return admin.user(allow("*"))


def session(account, answer):
    keys = answer["Credentials"]
    return account.as_keys(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def test_a_session_does_not_make_itself_permanent(owner):
    name = owner.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]
    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    sessions = [owner.sts.get_federation_token(Name="fed", Policy=everything), owner.sts.get_session_token()]
    for theirs in (session(owner, answer) for answer in sessions):
        theirs.client("secretsmanager").list_secrets()
        for call in (theirs.iam.list_users, lambda iam=theirs.iam: iam.create_access_key(UserName=name)):
            with refused("InvalidClientTokenId", contains=INVALID):
                call()
        with refused("AccessDenied", "Cannot call GetAccessKeyInfo with session credentials"):
            theirs.sts.get_access_key_info(AccessKeyId=owner.access_key)
        theirs.sts.get_caller_identity()


def test_roles_are_for_sessions_of_users_and_not_for_federated_ones(admin, owner, account_id):
    trusted = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
    role = admin.role(trusted={"Version": "2012-10-17", "Statement": [trusted]})
    admin.iam.update_role(RoleName=role.rsplit("/", 1)[1], MaxSessionDuration=7200)
    # A user's session is no role: nothing is chained, and the role's own limit holds.
    own = session(owner, owner.sts.get_session_token())
    own.sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=7200)
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    federated = session(owner, owner.sts.get_federation_token(Name="fed", Policy=policy))
    with refused("AccessDenied", "Cannot call AssumeRole with session credentials"):
        federated.sts.assume_role(RoleArn=role, RoleSessionName="me")


def test_managed_session_policies_are_the_accounts_own(admin, owner, account_id, other_account):
    theirs = other_account.iam.create_policy(
        PolicyName=unique("foreign"),
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    )["Policy"]["Arn"]
    with refused("ValidationError", f"Policy {theirs} does not exist or is not attachable."):
        owner.sts.get_federation_token(Name="fed", PolicyArns=[{"arn": theirs}])
    read = {"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    with refused("ValidationError", contains="less than or equal to 10"):
        owner.sts.get_federation_token(Name="fed", PolicyArns=[read] * 11)
