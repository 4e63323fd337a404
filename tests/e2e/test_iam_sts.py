"""Users, keys, roles, policies and sessions, and that what they say is enforced."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from harness import raw
from harness.account import ECS_TASKS, EXECUTION_POLICY, allow, deny, trust, unique
from harness.errors import denied, refused

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SECRETS = "secretsmanager:ListSecrets"


def root_of(account_id):
    return trust(AWS=f"arn:aws:iam::{account_id}:root")


# --- who am I ---


def test_caller_identity_of_a_user(admin, account_id):
    user = admin.user()
    answer = user.sts.get_caller_identity()
    assert answer["Account"] == account_id
    assert answer["Arn"].startswith(f"arn:aws:iam::{account_id}:user/")
    assert answer["UserId"].startswith("AIDA")


def test_caller_identity_of_a_role_session(admin, account_id):
    arn = admin.role(trusted=root_of(account_id))
    name = arn.rsplit("/", 1)[1]
    answer = admin.assume(arn, "me@example.com").sts.get_caller_identity()
    role_id = admin.iam.get_role(RoleName=name)["Role"]["RoleId"]
    assert answer["Arn"] == f"arn:aws:sts::{account_id}:assumed-role/{name}/me@example.com"
    assert answer["UserId"] == f"{role_id}:me@example.com"
    assert role_id.startswith("AROA")


def test_caller_identity_cannot_be_denied(admin):
    assert admin.user(deny("*")).sts.get_caller_identity()["Arn"]


def test_session_token_is_the_same_person(admin):
    user = admin.user(allow(SECRETS))
    got = user.sts.get_session_token(DurationSeconds=900)["Credentials"]
    assert got["AccessKeyId"].startswith("ASIA")
    session = admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    assert session.sts.get_caller_identity()["Arn"] == user.sts.get_caller_identity()["Arn"]
    session.secretsmanager.list_secrets()


def test_a_session_token_is_not_for_iam(admin):
    for answer in (admin.sts.get_session_token(), admin.sts.get_federation_token(Name="guest", Policy=json.dumps(allow("*")))):
        got = answer["Credentials"]
        session = admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        with refused("InvalidClientTokenId", "The security token included in the request is invalid.") as error:
            session.iam.list_users()
        assert error.status == 403
        session.secretsmanager.list_secrets()
    admin.assume(admin.role(allow("iam:ListUsers"), root_of(admin.id))).iam.list_users()


# --- assume role ---


def test_assume_role_answers_with_what_was_asked_for(admin, account_id):
    arn = admin.role(trusted=root_of(account_id))
    before = datetime.now(timezone.utc)
    answer = admin.sts.assume_role(RoleArn=arn, RoleSessionName="s1", DurationSeconds=1800)
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    remaining = answer["Credentials"]["Expiration"] - before
    assert timedelta(seconds=1700) < remaining < timedelta(seconds=1900)
    assert answer["AssumedRoleUser"]["Arn"].endswith("/s1")
    assert "PackedPolicySize" not in answer


def test_root_in_the_trust_policy_needs_the_identity_to_allow_it(admin, account_id):
    arn = admin.role(trusted=root_of(account_id))
    without, with_permission = admin.user(), admin.user(allow("sts:AssumeRole", arn))
    with refused("AccessDenied", contains=denied("sts:AssumeRole", None)) as error:
        without.assume(arn)
    assert error.status == 403
    assert f"on resource: {arn}" in error.message
    with_permission.assume(arn)


def test_a_user_named_in_the_trust_policy_needs_no_more(admin):
    user = admin.user()
    arn = admin.role(trusted=trust(AWS=user.sts.get_caller_identity()["Arn"]))
    user.assume(arn)


def test_a_missing_role_reads_as_a_refused_one(admin, account_id):
    arn = f"arn:aws:iam::{account_id}:role/{unique('missing')}"
    with refused("AccessDenied", contains=f"is not authorized to perform: sts:AssumeRole on resource: {arn}"):
        admin.assume(arn)


def test_a_role_for_ecs_is_not_for_people(admin):
    with refused("AccessDenied", contains="sts:AssumeRole"):
        admin.user(allow("sts:AssumeRole")).assume(admin.role())


def test_external_id(admin, account_id):
    document = root_of(account_id)
    document["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "agreed"}}
    arn = admin.role(trusted=document)
    with refused("AccessDenied"):
        admin.assume(arn)
    with refused("AccessDenied"):
        admin.assume(arn, ExternalId="guessed")
    admin.assume(arn, ExternalId="agreed")


def test_a_session_policy_only_takes_away(admin, account_id):
    arn = admin.role(allow(["secretsmanager:ListSecrets", "logs:DescribeLogGroups"]), root_of(account_id))
    session = admin.assume(arn, Policy=json.dumps(allow(["secretsmanager:ListSecrets", "iam:ListUsers"])))
    session.secretsmanager.list_secrets()
    with refused(
        "AccessDeniedException", contains="because no session policy allows the logs:DescribeLogGroups action"
    ):
        session.logs.describe_log_groups()
    with refused("AccessDenied"):
        session.iam.list_users()


def test_a_session_lasts_no_longer_than_the_role_says(admin, account_id):
    arn = admin.role(trusted=root_of(account_id))
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    with refused("ValidationError", text):
        admin.assume(arn, DurationSeconds=7200)


def test_role_chaining_lasts_an_hour(admin, account_id):
    name = unique("chained")
    admin.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(root_of(account_id)), MaxSessionDuration=43200
    )
    arn = f"arn:aws:iam::{account_id}:role/{name}"
    first = admin.assume(admin.role(allow("sts:AssumeRole"), root_of(account_id)))
    text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    with refused("ValidationError", text):
        first.assume(arn, DurationSeconds=7200)
    admin.assume(arn, DurationSeconds=7200)
    got = admin.sts.get_session_token()["Credentials"]
    own = admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    own.assume(arn, DurationSeconds=7200)


@pytest.mark.parametrize(
    "parameters",
    [
        {"RoleArn": "role", "RoleSessionName": "s1"},
        {"RoleArn": "arn:aws:iam::000000000000:role/a", "RoleSessionName": "a b"},
        {"RoleSessionName": "s1"},
        {"RoleArn": "arn:aws:iam::000000000000:role/a", "RoleSessionName": "s1", "DurationSeconds": "10"},
    ],
)
def test_assume_role_with_bad_parameters(admin, parameters):
    answer = raw.call_query(admin, "sts", "AssumeRole", parameters)
    assert (answer.status, answer.code) == (400, "ValidationError")


# --- users and keys ---


def test_a_user_from_birth_to_death(admin, account_id):
    name = unique("user")
    user = admin.iam.create_user(UserName=name, Path="/team/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{account_id}:user/team/{name}"
    assert name in [u["UserName"] for page in admin.iam.get_paginator("list_users").paginate() for u in page["Users"]]
    with refused("EntityAlreadyExists", f"User with name {name} already exists."):
        admin.iam.create_user(UserName=name)
    key = admin.iam.create_access_key(UserName=name)["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA")
    with refused("DeleteConflict"):
        admin.iam.delete_user(UserName=name)
    admin.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    admin.iam.delete_user(UserName=name)
    with refused("NoSuchEntity", f"The user with name {name} cannot be found.") as error:
        admin.iam.get_user(UserName=name)
    assert error.status == 404


def test_an_inactive_key_is_no_key(admin):
    user = admin.user(allow(SECRETS))
    name = user.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]
    user.secretsmanager.list_secrets()
    admin.iam.update_access_key(UserName=name, AccessKeyId=user.access_key, Status="Inactive")
    with refused("UnrecognizedClientException"):
        user.secretsmanager.list_secrets()
    admin.iam.update_access_key(UserName=name, AccessKeyId=user.access_key, Status="Active")
    user.secretsmanager.list_secrets()


def test_a_user_has_at_most_two_keys(admin):
    name = unique("user")
    admin.iam.create_user(UserName=name)
    admin.iam.create_access_key(UserName=name)
    admin.iam.create_access_key(UserName=name)
    with refused("LimitExceeded"):
        admin.iam.create_access_key(UserName=name)


# --- roles and policies ---


def test_a_role_as_terraform_reads_it(admin, account_id):
    name = unique("role")
    created = admin.iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(trust(ECS_TASKS)),
        Description="d",
        Tags=[{"Key": "k", "Value": "v"}],
    )["Role"]
    assert created["Arn"] == f"arn:aws:iam::{account_id}:role/{name}"
    assert created["Path"] == "/"
    read = admin.iam.get_role(RoleName=name)["Role"]
    assert read["MaxSessionDuration"] == 3600
    assert read["AssumeRolePolicyDocument"] == trust(ECS_TASKS)
    assert read["Description"] == "d"
    assert read["Tags"] == [{"Key": "k", "Value": "v"}]
    assert admin.iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert admin.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert admin.iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    admin.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(root_of(account_id)))
    assert admin.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == root_of(account_id)
    admin.iam.update_role(RoleName=name, MaxSessionDuration=7200, Description="e")
    assert admin.iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 7200


def test_role_errors(admin):
    name = unique("role")
    admin.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(ECS_TASKS)))
    for same in (name, name.upper()):
        with refused("EntityAlreadyExists", f"Role with name {same} already exists.") as error:
            admin.iam.create_role(RoleName=same, AssumeRolePolicyDocument=json.dumps(trust(ECS_TASKS)))
        assert error.status == 409
    with refused("NoSuchEntity", "The role with name no-such-role cannot be found."):
        admin.iam.get_role(RoleName="no-such-role")
    with refused("NoSuchEntity", "The role policy with name nothing cannot be found."):
        admin.iam.get_role_policy(RoleName=name, PolicyName="nothing")
    admin.iam.attach_role_policy(RoleName=name, PolicyArn=EXECUTION_POLICY)
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first."):
        admin.iam.delete_role(RoleName=name)
    admin.iam.detach_role_policy(RoleName=name, PolicyArn=EXECUTION_POLICY)
    admin.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(allow("*")))
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first."):
        admin.iam.delete_role(RoleName=name)
    admin.iam.delete_role_policy(RoleName=name, PolicyName="p")
    admin.iam.delete_role(RoleName=name)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "text",
        '{"Version":"2012-10-17"}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Principal":"*","Action":"sts:AssumeRole"}]}',
        '{"Version":"2020-01-01","Statement":[]}',
    ],
)
def test_a_malformed_trust_policy(admin, document):
    answer = raw.call_query(
        admin, "iam", "CreateRole", {"RoleName": unique("role"), "AssumeRolePolicyDocument": document}
    )
    assert answer.status == 400
    assert answer.code == ("ValidationError" if document == "" else "MalformedPolicyDocument")


def test_a_principal_that_does_not_exist(admin, account_id):
    missing = f"arn:aws:iam::{account_id}:user/{unique('missing')}"
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing}"'):
        admin.role(trusted=trust(AWS=missing))


def test_the_managed_policies_are_there(admin):
    policy = admin.iam.get_policy(PolicyArn=EXECUTION_POLICY)["Policy"]
    assert policy["PolicyName"] == "AmazonECSTaskExecutionRolePolicy"
    assert policy["Path"] == "/service-role/"
    document = admin.iam.get_policy_version(PolicyArn=EXECUTION_POLICY, VersionId=policy["DefaultVersionId"])[
        "PolicyVersion"
    ]["Document"]
    actions = document["Statement"][0]["Action"]
    assert set(actions) >= {"ecr:GetAuthorizationToken", "logs:CreateLogStream", "logs:PutLogEvents"}
    names = [
        p["PolicyName"]
        for page in admin.iam.get_paginator("list_policies").paginate(Scope="AWS")
        for p in page["Policies"]
    ]
    assert set(names) >= {
        "AmazonECSTaskExecutionRolePolicy",
        "AdministratorAccess",
        "SecretsManagerReadWrite",
        "CloudWatchLogsReadOnlyAccess",
    }


def test_a_customer_managed_policy(admin, account_id):
    name = unique("policy")
    created = admin.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(allow(SECRETS)))["Policy"]
    arn = f"arn:aws:iam::{account_id}:policy/{name}"
    assert created["Arn"] == arn
    assert (created["DefaultVersionId"], created["AttachmentCount"], created["IsAttachable"]) == ("v1", 0, True)
    user = admin.user()
    user_name = user.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]
    admin.iam.attach_user_policy(UserName=user_name, PolicyArn=arn)
    user.secretsmanager.list_secrets()
    admin.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(deny(SECRETS)), SetAsDefault=True)
    with refused("AccessDeniedException", contains="with an explicit deny in an identity-based policy"):
        user.secretsmanager.list_secrets()
    admin.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    user.secretsmanager.list_secrets()
    with refused("DeleteConflict"):
        admin.iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("DeleteConflict"):
        admin.iam.delete_policy(PolicyArn=arn)
    admin.iam.detach_user_policy(UserName=user_name, PolicyArn=arn)
    for _ in range(3):
        admin.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow("*")))
    with refused("LimitExceeded"):
        admin.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow("*")))


def test_a_policy_that_is_not_there(admin, account_id):
    missing = f"arn:aws:iam::{account_id}:policy/{unique('missing')}"
    with refused("NoSuchEntity", f"Policy {missing} was not found."):
        admin.iam.get_policy(PolicyArn=missing)
    role = admin.role().rsplit("/", 1)[1]
    with refused("NoSuchEntity", f"Policy {missing} does not exist or is not attachable."):
        admin.iam.attach_role_policy(RoleName=role, PolicyArn=missing)


# --- enforcement ---


def test_the_refusal_names_caller_action_and_resource(admin):
    user = admin.user()
    arn = admin.secret("v")
    me = user.sts.get_caller_identity()["Arn"]
    action = "secretsmanager:GetSecretValue"
    text = f"User: {me} is not authorized to perform: {action} on resource: {arn} because no identity-based policy allows the {action} action"
    with refused("AccessDeniedException", text) as error:
        user.secretsmanager.get_secret_value(SecretId=arn)
    assert error.status == 400


def test_the_refusal_of_a_query_service(admin):
    user = admin.user()
    with refused("AccessDenied", contains=denied("iam:ListUsers")) as error:
        user.iam.list_users()
    assert error.status == 403


def test_absence_is_not_told_to_those_who_may_not_ask(admin):
    with refused("AccessDeniedException"):
        admin.user().secretsmanager.get_secret_value(SecretId=unique("never-made"))


def test_a_deny_wins(admin):
    user = admin.user(
        {"Version": "2012-10-17", "Statement": [allow("*")["Statement"][0], deny("secretsmanager:*")["Statement"][0]]}
    )
    user.logs.describe_log_groups()
    with refused("AccessDeniedException", contains="with an explicit deny in an identity-based policy"):
        user.secretsmanager.list_secrets()


@pytest.mark.parametrize(
    "pattern, passes",
    [("{arn}", True), ("{bare}-??????", True), ("{bare}*", True), ("{bare}", False), ("{bare}-other?", False)],
)
def test_the_resource_is_the_full_arn_of_the_secret(admin, pattern, passes):
    arn = admin.secret("v")
    user = admin.user(allow("secretsmanager:GetSecretValue", pattern.format(arn=arn, bare=arn[:-7])))
    name = arn.split(":secret:")[1][:-7]
    if passes:
        assert user.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "v"
    else:
        with refused("AccessDeniedException"):
            user.secretsmanager.get_secret_value(SecretId=name)


def test_a_change_counts_from_the_next_call(admin):
    user = admin.user()
    name = user.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]
    with refused("AccessDeniedException"):
        user.secretsmanager.list_secrets()
    admin.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(allow(SECRETS)))
    user.secretsmanager.list_secrets()
    admin.iam.delete_user_policy(UserName=name, PolicyName="p")
    with refused("AccessDeniedException"):
        user.secretsmanager.list_secrets()
