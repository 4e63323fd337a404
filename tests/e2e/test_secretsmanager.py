"""Secrets: versions, stages, deletion, listing, policies across accounts; AWS's texts for each mistake."""

import json
import uuid

import pytest

from harness import raw, sensitive
from harness.account import allow, unique
from harness.errors import refused

NOT_FOUND = "Secrets Manager can't find the specified secret."
DELETED = "You can't perform this operation on the secret because it was marked for deletion."


@pytest.fixture
def sm(admin):
    return admin.secretsmanager


def make(sm, value="v1", **more):
    return sm.create_secret(Name=unique("secret"), SecretString=value, **more)


def test_create_and_read(sm, account_id):
    name, value = unique("team/app"), sensitive.password()
    made = sm.create_secret(Name=name, SecretString=value, Description="d")
    prefix = f"arn:aws:secretsmanager:us-east-1:{account_id}:secret:{name}-"
    assert made["ARN"].startswith(prefix)
    assert len(made["ARN"]) == len(prefix) + 6
    for given in (name, made["ARN"], made["ARN"][:-7]):
        read = sm.get_secret_value(SecretId=given)
        assert read["SecretString"] == value
        assert read["Name"] == name
        assert read["VersionId"] == made["VersionId"]
        assert read["VersionStages"] == ["AWSCURRENT"]
        assert "SecretBinary" not in read


def test_binary(sm):
    made = sm.create_secret(Name=unique("secret"), SecretBinary=b"\x00\xff")
    read = sm.get_secret_value(SecretId=made["ARN"])
    assert read["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in read


def test_a_secret_without_value(sm):
    made = sm.create_secret(Name=unique("secret"))
    assert "VersionId" not in made
    text = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    with refused("ResourceNotFoundException", text):
        sm.get_secret_value(SecretId=made["ARN"])


def test_missing_things(sm):
    with refused("ResourceNotFoundException", NOT_FOUND):
        sm.get_secret_value(SecretId=unique("missing"))
    made, other = make(sm), str(uuid.uuid4())
    text = f"Secrets Manager can't find the specified secret value for VersionId: {other}"
    with refused("ResourceNotFoundException", text):
        sm.get_secret_value(SecretId=made["ARN"], VersionId=other)
    text = "Secrets Manager can't find the specified secret value for staging label: NOPE"
    with refused("ResourceNotFoundException", text):
        sm.get_secret_value(SecretId=made["ARN"], VersionStage="NOPE")


def test_a_name_that_is_taken(sm):
    made = make(sm)
    with refused("ResourceExistsException", f"The operation failed because the secret {made['Name']} already exists."):
        sm.create_secret(Name=made["Name"], SecretString="other")


def test_the_same_token_is_the_same_call(sm):
    name, token = unique("secret"), str(uuid.uuid4())
    first = sm.create_secret(Name=name, SecretString="v", ClientRequestToken=token)
    assert first["VersionId"] == token
    assert sm.create_secret(Name=name, SecretString="v", ClientRequestToken=token)["ARN"] == first["ARN"]
    put = str(uuid.uuid4())
    sm.put_secret_value(SecretId=name, SecretString="w", ClientRequestToken=put)
    sm.put_secret_value(SecretId=name, SecretString="w", ClientRequestToken=put)
    text = f"You can't use ClientRequestToken {put} because that value is already in use for a version of secret {first['ARN']}."
    with refused("ResourceExistsException", text):
        sm.put_secret_value(SecretId=name, SecretString="x", ClientRequestToken=put)
    with refused("ResourceExistsException", text.replace(put, token)):
        sm.create_secret(Name=name, SecretString="x", ClientRequestToken=token)


def test_stages_move(sm):
    made = make(sm, "one")
    second = sm.put_secret_value(SecretId=made["ARN"], SecretString="two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert sm.get_secret_value(SecretId=made["ARN"])["SecretString"] == "two"
    assert sm.get_secret_value(SecretId=made["ARN"], VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    third = sm.put_secret_value(SecretId=made["ARN"], SecretString="three", VersionStages=["AWSPENDING"])
    assert sm.get_secret_value(SecretId=made["ARN"])["SecretString"] == "two"
    sm.update_secret_version_stage(
        SecretId=made["ARN"],
        VersionStage="AWSCURRENT",
        MoveToVersionId=third["VersionId"],
        RemoveFromVersionId=second["VersionId"],
    )
    stages = sm.describe_secret(SecretId=made["ARN"])["VersionIdsToStages"]
    assert set(stages[third["VersionId"]]) == {"AWSCURRENT", "AWSPENDING"}
    assert stages[second["VersionId"]] == ["AWSPREVIOUS"]
    assert made["VersionId"] not in stages
    listed = sm.list_secret_version_ids(SecretId=made["ARN"])["Versions"]
    assert {v["VersionId"] for v in listed} == {second["VersionId"], third["VersionId"]}
    everything = sm.list_secret_version_ids(SecretId=made["ARN"], IncludeDeprecated=True)["Versions"]
    assert {v["VersionId"] for v in everything} >= {made["VersionId"]}


def test_stage_mistakes(sm):
    made = make(sm, "one")
    second = sm.put_secret_value(SecretId=made["ARN"], SecretString="two")
    with refused("InvalidParameterException"):
        sm.update_secret_version_stage(
            SecretId=made["ARN"], VersionStage="AWSCURRENT", MoveToVersionId=made["VersionId"]
        )
    with refused("InvalidParameterException"):
        sm.update_secret_version_stage(
            SecretId=made["ARN"], VersionStage="AWSCURRENT", RemoveFromVersionId=second["VersionId"]
        )
    text = "You provided a VersionStage that is not associated to the provided VersionId."
    with refused("InvalidRequestException", text):
        sm.get_secret_value(SecretId=made["ARN"], VersionId=made["VersionId"], VersionStage="AWSCURRENT")


def test_update_with_and_without_value(sm):
    made = make(sm)
    assert "VersionId" not in sm.update_secret(SecretId=made["ARN"], Description="new")
    assert sm.describe_secret(SecretId=made["ARN"])["Description"] == "new"
    assert sm.update_secret(SecretId=made["ARN"], SecretString="v2")["VersionId"] != made["VersionId"]
    assert sm.get_secret_value(SecretId=made["ARN"])["SecretString"] == "v2"


def test_describe_leaves_out_what_is_not_there(sm):
    described = sm.describe_secret(SecretId=make(sm)["ARN"])
    for member in ("KmsKeyId", "RotationEnabled", "Description", "DeletedDate", "LastRotatedDate", "OwningService"):
        assert member not in described
    assert list(described["VersionIdsToStages"].values()) == [["AWSCURRENT"]]


def test_delete_and_restore(sm):
    made = make(sm)
    deleted = sm.delete_secret(SecretId=made["ARN"], RecoveryWindowInDays=7)
    assert deleted["DeletionDate"]
    with refused("InvalidRequestException", DELETED):
        sm.get_secret_value(SecretId=made["ARN"])
    with refused("InvalidRequestException", DELETED):
        sm.put_secret_value(SecretId=made["ARN"], SecretString="x")
    text = "You can't create this secret because a secret with this name is already scheduled for deletion."
    with refused("InvalidRequestException", text):
        sm.create_secret(Name=made["Name"], SecretString="x")
    assert "DeletedDate" in sm.describe_secret(SecretId=made["ARN"])
    sm.restore_secret(SecretId=made["ARN"])
    assert sm.get_secret_value(SecretId=made["ARN"])["SecretString"] == "v1"


def test_delete_at_once(sm):
    made = make(sm)
    sm.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    with refused("ResourceNotFoundException", NOT_FOUND):
        sm.describe_secret(SecretId=made["ARN"])
    again = sm.create_secret(Name=made["Name"], SecretString="x")
    assert again["ARN"] != made["ARN"]
    sm.delete_secret(SecretId=unique("missing"), ForceDeleteWithoutRecovery=True)


def test_delete_mistakes(sm):
    made = make(sm)
    with refused(
        "InvalidParameterException", contains="RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
    ):
        sm.delete_secret(SecretId=made["ARN"], RecoveryWindowInDays=6)
    with refused(
        "InvalidParameterException",
        contains="You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    ):
        sm.delete_secret(SecretId=made["ARN"], RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    with refused("ResourceNotFoundException", NOT_FOUND):
        sm.delete_secret(SecretId=unique("missing"))


def test_put_without_value(sm):
    with refused("InvalidRequestException", contains="You must provide either SecretString or SecretBinary."):
        sm.put_secret_value(SecretId=make(sm)["ARN"])


@pytest.mark.parametrize("name", ["with space", "ü", "a\nb", "semi;colon"])
def test_a_bad_name(admin, name):
    body = {"Name": name, "SecretString": "x", "ClientRequestToken": str(uuid.uuid4())}
    answer = raw.call_json(admin, "secretsmanager", "CreateSecret", body)
    assert (answer.status, answer.code) == (400, "ValidationException")
    assert (
        answer.message
        == "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
    )


@pytest.mark.parametrize(
    "body", [{}, {"SecretId": ""}, {"SecretId": "x" * 2049}, {"SecretId": "a", "VersionId": "short"}]
)
def test_constraints(admin, body):
    answer = raw.call_json(admin, "secretsmanager", "GetSecretValue", body)
    assert answer.status == 400
    assert answer.code in ("ValidationException", "InvalidParameterException")
    if "SecretId" in body:
        assert "validation error detected" in answer.message


def test_a_value_that_is_too_large(admin):
    body = {"Name": unique("secret"), "SecretString": "x" * 65537, "ClientRequestToken": str(uuid.uuid4())}
    answer = raw.call_json(admin, "secretsmanager", "CreateSecret", body)
    assert (answer.status, answer.code) == (400, "ValidationException")
    assert "x" * 100 not in answer.message
    body["SecretString"] = "x" * 65536
    assert raw.call_json(admin, "secretsmanager", "CreateSecret", body).status == 200


def test_tags(sm):
    made = make(sm, Tags=[{"Key": "a", "Value": "1"}])
    sm.tag_resource(SecretId=made["ARN"], Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert {t["Key"]: t["Value"] for t in sm.describe_secret(SecretId=made["ARN"])["Tags"]} == {"a": "3", "b": "2"}
    sm.untag_resource(SecretId=made["ARN"], TagKeys=["a", "missing"])
    assert sm.describe_secret(SecretId=made["ARN"])["Tags"] == [{"Key": "b", "Value": "2"}]


def test_list_pages_filters_and_hides_the_deleted(sm):
    prefix = unique("listed")
    arns = [sm.create_secret(Name=f"{prefix}-{i}", SecretString="x")["ARN"] for i in range(5)]
    sm.delete_secret(SecretId=arns[0])
    name_filter = [{"Key": "name", "Values": [prefix]}]
    pages = list(sm.get_paginator("list_secrets").paginate(Filters=name_filter, PaginationConfig={"PageSize": 2}))
    assert [len(page["SecretList"]) for page in pages] == [2, 2]
    listed = [s["ARN"] for page in pages for s in page["SecretList"]]
    assert sorted(listed) == sorted(arns[1:])
    assert "SecretString" not in json.dumps(pages, default=str)
    everything = sm.list_secrets(Filters=name_filter, IncludePlannedDeletion=True)["SecretList"]
    assert len(everything) == 5


def test_filters_compare_words(sm):
    mark = unique("word").replace("-", "")
    for name, description in (("AppOne", "one two"), ("other", "one and two"), ("third", "two"), ("COMPANYthings", "")):
        sm.create_secret(Name=f"{mark}/{name}", SecretString="x", Description=description)

    def found(*filters):
        own = {"Key": "name", "Values": [mark]}
        wanted = [own, *({"Key": key, "Values": [value]} for key, value in filters)]
        return sorted(it["Name"].split("/")[1] for it in sm.list_secrets(Filters=wanted)["SecretList"])

    assert found(("description", "one two")) == ["AppOne", "other"]
    assert found(("description", "T")) == ["AppOne", "other", "third"]
    assert found(("description", "one"), ("description", "and")) == ["other"]
    assert found(("description", "wo")) == []
    assert found(("all", "app")) == ["AppOne"]
    assert found(("all", "Ythings")) == ["COMPANYthings"]
    assert found(("all", "company")) == found(("all", "+")) == []


def test_regions_are_apart(admin):
    name = unique("secret")
    admin.client("secretsmanager", "eu-central-1").create_secret(Name=name, SecretString="x")
    with refused("ResourceNotFoundException", NOT_FOUND):
        admin.secretsmanager.get_secret_value(SecretId=name)


# --- resource policies ---


def test_a_resource_policy_is_kept(sm):
    made = make(sm)
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId=made["ARN"])
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}],
    }
    sm.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=json.dumps(policy))
    assert json.loads(sm.get_resource_policy(SecretId=made["ARN"])["ResourcePolicy"]) == policy
    with refused("AccessDeniedException", contains="with an explicit deny in a resource-based policy"):
        sm.delete_secret(SecretId=made["ARN"])
    sm.delete_resource_policy(SecretId=made["ARN"])
    sm.delete_secret(SecretId=made["ARN"])


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version":"2012-10-17"}'])
def test_a_malformed_resource_policy(sm, policy):
    with refused("MalformedPolicyDocumentException"):
        sm.put_resource_policy(SecretId=make(sm)["ARN"], ResourcePolicy=policy)


def test_a_public_policy_can_be_blocked(sm):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        ],
    }
    with refused("PublicPolicyException"):
        sm.put_resource_policy(SecretId=make(sm)["ARN"], ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)


def test_in_one_account_either_policy_suffices(admin, sm):
    made, user = make(sm), admin.user()
    me = user.sts.get_caller_identity()["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": me}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        ],
    }
    sm.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=json.dumps(policy))
    assert user.secretsmanager.get_secret_value(SecretId=made["ARN"])["SecretString"] == "v1"


def test_another_account_sees_nothing(other_account, sm):
    made, other = make(sm), other_account
    with refused("ResourceNotFoundException", NOT_FOUND):
        other.secretsmanager.get_secret_value(SecretId=made["Name"])
    with refused(
        "AccessDeniedException",
        contains="because no resource-based policy allows the secretsmanager:GetSecretValue action",
    ):
        other.secretsmanager.get_secret_value(SecretId=made["ARN"])
    assert other.secretsmanager.list_secrets(Filters=[{"Key": "name", "Values": [made["Name"]]}])["SecretList"] == []


def test_the_default_key_does_not_cross_accounts(other_account, sm):
    made, other = make(sm), other_account
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{other.id}:root"},
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
            }
        ],
    }
    sm.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=json.dumps(policy))
    text = "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key."
    with refused("InvalidRequestException", text):
        other.secretsmanager.get_secret_value(SecretId=made["ARN"])


# --- more than one at a time ---


def test_batch(admin, sm):
    good, missing = make(sm)["ARN"], unique("missing")
    forbidden = make(sm)["ARN"]
    user = admin.user(
        {
            "Version": "2012-10-17",
            "Statement": [
                allow("secretsmanager:BatchGetSecretValue")["Statement"][0],
                allow("secretsmanager:GetSecretValue", [good, f"arn:aws:secretsmanager:*:*:secret:{missing}*"])[
                    "Statement"
                ][0],
            ],
        }
    )
    answer = user.secretsmanager.batch_get_secret_value(SecretIdList=[good, missing, forbidden])
    assert [s["ARN"] for s in answer["SecretValues"]] == [good]
    assert {e["SecretId"]: e["ErrorCode"] for e in answer["Errors"]} == {
        missing: "ResourceNotFoundException",
        forbidden: "AccessDeniedException",
    }


def test_random_password(sm):
    made = {sm.get_random_password(PasswordLength=20, ExcludePunctuation=True)["RandomPassword"] for _ in range(5)}
    assert len(made) == 5
    assert all(len(p) == 20 and p.isalnum() for p in made)
