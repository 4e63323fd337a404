"""Groups, boundaries, instance profiles, service-linked roles, simulation, federation, policies over accounts."""

import json

import pytest

from harness.account import allow, deny, trust, unique
from harness.errors import refused

SECRETS = "secretsmanager:ListSecrets"


def name_of(user):
    return user.sts.get_caller_identity()["Arn"].rsplit("/", 1)[1]


def root_of(account_id):
    return trust(AWS=f"arn:aws:iam::{account_id}:root")


# --- groups ---


def test_a_group_gives_its_policies_to_its_members(admin, account_id):
    user, group = admin.user(), unique("group")
    made = admin.iam.create_group(GroupName=group, Path="/team/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{account_id}:group/team/{group}"
    assert made["GroupId"].startswith("AGPA")
    admin.iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=json.dumps(allow(SECRETS)))
    assert admin.iam.get_group_policy(GroupName=group, PolicyName="p")["PolicyDocument"] == allow(SECRETS)
    with refused("AccessDeniedException"):
        user.secretsmanager.list_secrets()
    admin.iam.add_user_to_group(GroupName=group, UserName=name_of(user))
    user.secretsmanager.list_secrets()
    assert [it["UserName"] for it in admin.iam.get_group(GroupName=group)["Users"]] == [name_of(user)]
    listed = admin.iam.list_groups_for_user(UserName=name_of(user))["Groups"]
    assert [it["GroupName"] for it in listed] == [group]
    with refused("DeleteConflict", "Cannot delete entity, must remove users from group first.") as error:
        admin.iam.delete_group(GroupName=group)
    assert error.status == 409
    admin.iam.remove_user_from_group(GroupName=group, UserName=name_of(user))
    with refused("AccessDeniedException"):
        user.secretsmanager.list_secrets()
    admin.iam.delete_group_policy(GroupName=group, PolicyName="p")
    admin.iam.delete_group(GroupName=group)


# --- boundaries ---


def test_a_boundary_can_be_set_later(admin):
    user = admin.user(allow([SECRETS, "logs:DescribeLogGroups"]))
    document = json.dumps(allow(SECRETS))
    boundary = admin.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=document)["Policy"]["Arn"]
    admin.iam.put_user_permissions_boundary(UserName=name_of(user), PermissionsBoundary=boundary)
    user.secretsmanager.list_secrets()
    text = "because no permissions boundary allows the logs:DescribeLogGroups action"
    with refused("AccessDeniedException", contains=text):
        user.logs.describe_log_groups()
    admin.iam.delete_user_permissions_boundary(UserName=name_of(user))
    user.logs.describe_log_groups()


# --- instance profiles and service-linked roles ---


def test_an_instance_profile_holds_a_role(admin):
    role, profile = admin.role().rsplit("/", 1)[1], unique("profile")
    admin.iam.create_instance_profile(InstanceProfileName=profile)
    admin.iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=profile)
    admin.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    shown = admin.iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    assert [it["RoleName"] for it in shown["Roles"]] == [role]
    listed = admin.iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]
    assert [it["InstanceProfileName"] for it in listed] == [profile]
    text = "Cannot delete entity, must remove roles from instance profile first."
    with refused("DeleteConflict", text):
        admin.iam.delete_instance_profile(InstanceProfileName=profile)
    admin.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    admin.iam.delete_instance_profile(InstanceProfileName=profile)
    with refused("NoSuchEntity", f"Instance Profile {profile} cannot be found."):
        admin.iam.get_instance_profile(InstanceProfileName=profile)


def test_a_service_linked_role(admin):
    made = admin.iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForECRReplication"
    with refused("UnmodifiableEntity"):
        admin.iam.delete_role(RoleName=made["RoleName"])
    task = admin.iam.delete_service_linked_role(RoleName=made["RoleName"])["DeletionTaskId"]
    assert admin.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


# --- simulation ---


def test_simulation_decides_as_the_service_does(admin):
    user = admin.user(allow(SECRETS))
    arn = user.sts.get_caller_identity()["Arn"]
    results = admin.iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[SECRETS, "logs:DescribeLogGroups"]
    )["EvaluationResults"]
    decisions = {it["EvalActionName"]: it["EvalDecision"] for it in results}
    assert decisions == {SECRETS: "allowed", "logs:DescribeLogGroups": "implicitDeny"}
    matched = results[0]["MatchedStatements"]
    assert matched[0]["SourcePolicyId"] == f"user_{name_of(user)}_inline"
    assert matched[0]["StartPosition"]["Line"] == 1


def test_simulation_of_policies_that_nobody_has(admin):
    document = allow("s3:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    simulate = {"PolicyInputList": [json.dumps(document)], "ActionNames": ["s3:GetObject"]}
    result = admin.iam.simulate_custom_policy(**simulate)["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:SourceVpc"])
    entry = {"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"}
    result = admin.iam.simulate_custom_policy(**simulate, ContextEntries=[entry])["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    keys = admin.iam.get_context_keys_for_custom_policy(PolicyInputList=[json.dumps(document)])
    assert keys["ContextKeyNames"] == ["aws:SourceVpc"]


def test_simulation_of_several_resources_is_one_result(admin):
    buckets = ["arn:aws:s3:::one", "arn:aws:s3:::two"]
    answer = admin.iam.simulate_custom_policy(
        PolicyInputList=[json.dumps(allow("s3:ListBucket", buckets[0]))], ActionNames=["s3:ListBucket"], ResourceArns=buckets
    )
    (result,) = answer["EvaluationResults"]
    assert (result["EvalDecision"], result["EvalDecisionDetails"]) == ("implicitDeny", {})
    specific = {it["EvalResourceName"]: it["EvalResourceDecision"] for it in result["ResourceSpecificResults"]}
    assert specific == {buckets[0]: "allowed", buckets[1]: "implicitDeny"}


def test_simulation_of_a_key_goes_by_the_policy_that_is_given(admin):
    user = admin.user(allow("kms:*"))
    key = admin.kms.create_key()["KeyMetadata"]["Arn"]
    ask = {"PolicySourceArn": user.sts.get_caller_identity()["Arn"], "ActionNames": ["kms:Encrypt"], "ResourceArns": [key]}
    decide = lambda **more: admin.iam.simulate_principal_policy(**ask, **more)["EvaluationResults"][0]["EvalDecision"]
    policy = admin.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    silent = policy.replace("kms:*", "kms:DescribeKey")
    assert [decide(), decide(ResourcePolicy=silent), decide(ResourcePolicy=policy)] == ["allowed", "implicitDeny", "allowed"]
    user.kms.encrypt(KeyId=key, Plaintext=b"x")


# --- the account ---


def test_everything_at_once_in_pages(admin):
    user = admin.user(allow(SECRETS))
    pages = admin.iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3})
    users = [it for page in pages for it in page["UserDetailList"]]
    found = next(it for it in users if it["UserName"] == name_of(user))
    assert found["UserPolicyList"] == [{"PolicyName": "inline", "PolicyDocument": allow(SECRETS)}]
    assert admin.iam.get_account_summary()["SummaryMap"]["Users"] >= len(users)


def test_account_alias(admin):
    alias = unique("alias")
    admin.iam.create_account_alias(AccountAlias=alias)
    assert admin.iam.list_account_aliases()["AccountAliases"] == [alias]
    admin.iam.delete_account_alias(AccountAlias=alias)
    assert admin.iam.list_account_aliases()["AccountAliases"] == []


# --- sessions ---


def test_a_federated_session_may_what_user_and_policy_allow(admin, account_id):
    user = admin.user(allow([SECRETS, "sts:GetFederationToken"]))

    def federate(**more):
        answer = user.sts.get_federation_token(Name="guest", **more)
        got = answer["Credentials"]
        return answer, admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])

    answer, without = federate()
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{account_id}:federated-user/guest"
    assert without.sts.get_caller_identity()["Arn"] == answer["FederatedUser"]["Arn"]
    with refused("AccessDeniedException"):
        without.secretsmanager.list_secrets()
    tags = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    with refused("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."):
        federate(Tags=tags)
    _, session = federate(Policy=json.dumps(allow("*")))
    session.secretsmanager.list_secrets()
    with refused("AccessDeniedException"):
        session.logs.describe_log_groups()


def test_transitive_tags_follow_into_the_next_role(admin, account_id):
    document = root_of(account_id)
    document["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    first = admin.role(allow("sts:*"), document)
    second = admin.role(allow(SECRETS, Condition=condition), document)
    tags = [{"Key": "team", "Value": "blue"}]
    with_tag = admin.assume(first, Tags=tags, TransitiveTagKeys=["team"])
    with_tag.assume(second).secretsmanager.list_secrets()
    with refused("AccessDeniedException"):
        admin.assume(first, Tags=tags).assume(second).secretsmanager.list_secrets()
    with refused("InvalidParameterValue", contains="conflicts with a transitive tag key"):
        with_tag.assume(second, Tags=[{"Key": "team", "Value": "red"}])


def test_access_key_info(admin, account_id):
    assert admin.sts.get_access_key_info(AccessKeyId=admin.access_key)["Account"] == account_id


@pytest.mark.parametrize("document", [deny(SECRETS), allow(SECRETS)])
def test_aws_cli_simulates(admin, document):
    answer = admin.aws(
        "iam", "simulate-custom-policy", "--policy-input-list", json.dumps(document), "--action-names", SECRETS
    )
    effect = document["Statement"][0]["Effect"]
    decision = {"Allow": "allowed", "Deny": "explicitDeny"}[effect]
    assert answer["EvaluationResults"][0]["EvalDecision"] == decision


@pytest.mark.parametrize("call", ["get_session_token", "assume_role"])
def test_a_second_factor_that_nobody_has_is_refused(admin, account_id, call):
    text = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
    device = {"SerialNumber": f"arn:aws:iam::{account_id}:mfa/phone", "TokenCode": "123456"}
    role = {"RoleArn": admin.role(trusted=root_of(account_id)), "RoleSessionName": "tester"}
    with refused("AccessDenied", text) as error:
        getattr(admin.sts, call)(**device, **(role if call == "assume_role" else {}))
    assert error.status == 403
