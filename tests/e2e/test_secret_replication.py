"""Replicas of secrets in other Regions, through boto3 and the AWS CLI: they follow, refuse, survive `kill -9` and stand alone."""

import json

import pytest

from harness import sensitive
from harness.account import Account, allow, unique
from harness.errors import denied, refused
from harness.waiting import until

ON_REPLICA = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
NOT_FOUND = "Secrets Manager can't find the specified secret."
AWAY = "eu-west-1"


@pytest.fixture
def here(admin):
    return admin.secretsmanager


@pytest.fixture
def away(admin):
    return admin.client("secretsmanager", AWAY)


def status(client, secret):
    return client.describe_secret(SecretId=secret).get("ReplicationStatus", [])


def settled(client, secret):
    """The statuses of all replicas, once none is in progress."""

    def ready():
        found = status(client, secret)
        return found and all(it["Status"] != "InProgress" for it in found) and found

    return until(f"the replicas of {secret}", ready, 20)


def replicated(client, value="v1", **more):
    name = unique("replicated")
    made = client.create_secret(Name=name, SecretString=value, AddReplicaRegions=[{"Region": AWAY}], **more)
    settled(client, name)
    return made


def test_a_replica_is_read_in_its_region_and_follows(here, away):
    value = sensitive.password()
    made = replicated(here, value, Tags=[{"Key": "k", "Value": "v"}], Description="d")
    assert made["ReplicationStatus"] == [
        {"Region": AWAY, "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"}
    ]
    name, arn = made["Name"], made["ARN"].replace("us-east-1", AWAY)
    assert status(here, name)[0]["Status"] == "InSync"
    for secret in (name, arn):
        read = away.get_secret_value(SecretId=secret)
        assert (read["ARN"], read["SecretString"], read["VersionId"]) == (arn, value, made["VersionId"])
    replica = away.describe_secret(SecretId=arn)
    assert replica["PrimaryRegion"] == "us-east-1"
    assert (replica["Tags"], replica["Description"]) == ([{"Key": "k", "Value": "v"}], "d")
    assert "ReplicationStatus" not in replica
    until("the day of the read", lambda: "LastAccessedDate" in status(here, name)[0], 10)
    listed = away.list_secrets(Filters=[{"Key": "primary-region", "Values": ["us-east-1"]}])["SecretList"]
    assert name in [it["Name"] for it in listed]

    second = sensitive.password()
    here.put_secret_value(SecretId=name, SecretString=second)
    here.untag_resource(SecretId=name, TagKeys=["k"])
    settled(here, name)
    assert away.get_secret_value(SecretId=name)["SecretString"] == second
    assert away.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == value
    assert "Tags" not in away.describe_secret(SecretId=name)


def test_the_policy_of_the_primary_guards_the_replica(admin, here, other_account):
    made = replicated(here)
    reader = other_account.user(allow("secretsmanager:GetSecretValue"))
    arn = made["ARN"].replace("us-east-1", AWAY)
    with refused("AccessDeniedException", contains="no resource-based policy allows"):
        reader.client("secretsmanager", AWAY).get_secret_value(SecretId=arn)
    policy = allow("secretsmanager:GetSecretValue")
    policy["Statement"][0]["Principal"] = {"AWS": reader.sts.get_caller_identity()["Arn"]}
    here.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=json.dumps(policy))
    settled(here, made["ARN"])
    # Allowed now: what is left is that the default key does not serve other accounts.
    with refused("InvalidRequestException", contains="if you encrypt the secret with the default KMS service key"):
        reader.client("secretsmanager", AWAY).get_secret_value(SecretId=arn)


def test_a_replica_has_its_own_key(admin, here, away):
    key = admin.client("kms", AWAY).create_key()["KeyMetadata"]["Arn"]
    name = unique("replicated")
    here.create_secret(Name=name, SecretString="v", AddReplicaRegions=[{"Region": AWAY, "KmsKeyId": key}])
    assert settled(here, name)[0]["KmsKeyId"] == key
    assert away.describe_secret(SecretId=name)["KmsKeyId"] == key
    reader = admin.user(allow("secretsmanager:GetSecretValue"))
    assert reader.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "v"
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.client("secretsmanager", AWAY).get_secret_value(SecretId=name)


def test_what_a_replica_refuses(here, away):
    name = replicated(here)["Name"]
    for call, arguments in [
        (away.put_secret_value, {"SecretString": "w"}),
        (away.update_secret, {"SecretString": "w"}),
        (away.update_secret, {"Description": "w"}),
        (away.tag_resource, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (away.untag_resource, {"TagKeys": ["k"]}),
        (away.put_resource_policy, {"ResourcePolicy": "{}"}),
        (away.delete_resource_policy, {}),
        (away.delete_secret, {}),
        (away.restore_secret, {}),
        (away.replicate_secret_to_regions, {"AddReplicaRegions": [{"Region": "eu-west-2"}]}),
        (away.remove_regions_from_replication, {"RemoveReplicaRegions": [AWAY]}),
    ]:
        with refused("InvalidParameterException", ON_REPLICA):
            call(SecretId=name, **arguments)


def test_deletion_and_removal(admin, here, away):
    made = replicated(here)
    text = f"You can't delete secret {made['ARN']} that still has replica regions [{AWAY}]."
    with refused("InvalidParameterException", text):
        here.delete_secret(SecretId=made["ARN"])
    left = admin.aws(
        "secretsmanager",
        "remove-regions-from-replication",
        "--secret-id",
        made["Name"],
        "--remove-replica-regions",
        AWAY,
    )
    assert left == {"ARN": made["ARN"]}
    with refused("ResourceNotFoundException", NOT_FOUND):
        away.get_secret_value(SecretId=made["Name"])
    here.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


def test_a_name_that_is_taken_and_force(admin, here, away):
    name = unique("replicated")
    here.create_secret(Name=name, SecretString="here")
    away.create_secret(Name=name, SecretString="away")
    to = ["--secret-id", name, "--add-replica-regions", f"Region={AWAY}"]
    admin.aws("secretsmanager", "replicate-secret-to-regions", *to)
    failed = settled(here, name)[0]
    text = f"Replication failed: Secret name {name} already exists in region {AWAY}."
    assert (failed["Status"], failed["StatusMessage"]) == ("Failed", text)
    assert away.get_secret_value(SecretId=name)["SecretString"] == "away"
    admin.aws("secretsmanager", "replicate-secret-to-regions", *to, "--force-overwrite-replica-secret")
    until("the replica", lambda: status(here, name)[0]["Status"] == "InSync", 20)
    assert away.get_secret_value(SecretId=name)["SecretString"] == "here"


def test_a_promoted_replica(admin, here, away):
    name = replicated(here)["Name"]
    promoted = admin.aws(
        "secretsmanager", "stop-replication-to-replica", "--secret-id", name, "--region", AWAY
    )
    assert promoted == {"ARN": away.describe_secret(SecretId=name)["ARN"]}
    assert "PrimaryRegion" not in away.describe_secret(SecretId=name)
    assert status(here, name) == []
    away.put_secret_value(SecretId=name, SecretString="w")
    here.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert away.get_secret_value(SecretId=name)["SecretString"] == "w"


def test_who_may_replicate(admin, here):
    made = here.create_secret(Name=unique("replicated"), SecretString="v")
    nobody = admin.user(allow("secretsmanager:CreateSecret")).secretsmanager
    with refused(
        "AccessDeniedException", contains=denied("secretsmanager:ReplicateSecretToRegions", made["ARN"])
    ):
        nobody.replicate_secret_to_regions(SecretId=made["ARN"], AddReplicaRegions=[{"Region": AWAY}])
    with refused("AccessDeniedException", contains=denied("secretsmanager:ReplicateSecretToRegions")):
        nobody.create_secret(
            Name=unique("replicated"), SecretString="v", AddReplicaRegions=[{"Region": AWAY}]
        )
    with refused("InvalidParameterException", "Invalid replica region."):
        here.replicate_secret_to_regions(SecretId=made["ARN"], AddReplicaRegions=[{"Region": "us-east-1"}])


def test_replication_goes_on_after_a_kill(make_server):
    """Whatever is queued when the server is killed is done by the next one."""
    server = make_server()
    account = Account.from_env(server.env())
    here, away = account.secretsmanager, account.client("secretsmanager", AWAY)
    names = [unique("replicated") for _ in range(20)]
    values = {name: sensitive.password() for name in names}
    for name in names:
        here.create_secret(Name=name, SecretString=values[name], AddReplicaRegions=[{"Region": AWAY}])
    server.kill()
    server.start()
    for name in names:
        assert settled(here, name)[0]["Status"] == "InSync"
        assert away.get_secret_value(SecretId=name)["SecretString"] == values[name]
