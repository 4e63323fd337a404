"""Keys, ciphertexts, key policies; secrets under a customer's key, up to a task whose registry credential is in another account."""

import json
import re

import pytest

from harness.account import Account, allow, unique
from harness.errors import denied, refused
from harness.tasks import assert_never_ran, exit_code, failed_step

CIPHERTEXT = (
    "is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not "
    "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
)
FARGATE = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to get "
    "registry auth from asm: "
)


def key_policy(account, *statements):
    """A key policy that leaves the key to its account, and says more."""
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [own, *statements]})


def lets(principal, actions):
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Resource": "*"}


@pytest.fixture
def kms(admin):
    return admin.kms


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def test_a_key_and_its_names(kms, key, account_id):
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert re.fullmatch(rf"arn:aws:kms:us-east-1:{account_id}:key/[0-9a-f-]{{36}}", key)
    assert (metadata["KeyState"], metadata["KeyManager"], metadata["KeySpec"]) == ("Enabled", "CUSTOMER", "SYMMETRIC_DEFAULT")
    alias = f"alias/{unique('app')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    for name in (key, metadata["KeyId"], alias, f"arn:aws:kms:us-east-1:{account_id}:{alias}"):
        sealed = kms.encrypt(KeyId=name, Plaintext=b"v", EncryptionContext={"a": "b"})
        read = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
        assert (read["Plaintext"], read["KeyId"]) == (b"v", key)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])
    assert key in [it["KeyArn"] for page in kms.get_paginator("list_keys").paginate(Limit=1) for it in page["Keys"]]


def test_the_aliases_of_services_are_there_before_their_keys(make_server):
    """As Terraform's data source looks one up: by name in the list, and then the key that it stands for."""
    kms = Account.from_env(make_server().env()).kms

    def aliases():
        return {it["AliasName"]: it.get("TargetKeyId") for it in kms.list_aliases()["Aliases"]}

    names = [f"alias/aws/{service}" for service in ("ecr", "s3", "secretsmanager", "ssm")]
    assert aliases() == dict.fromkeys(names)
    made = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (made["KeyManager"], made["KeyState"]) == ("AWS", "Enabled")
    assert aliases() == {**dict.fromkeys(names), "alias/aws/s3": made["KeyId"]}
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"] == made


def test_aliases_that_are_refused(kms, key):
    for name, code, message in (
        ("alias/a:b", "ValidationException", "alias/a:b contains invalid characters for an alias"),
        ("alias/aws/mine", "NotAuthorizedException", ""),
    ):
        with refused(code, message):
            kms.create_alias(AliasName=name, TargetKeyId=key)
    alias = f"alias/{unique('app')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        kms.create_alias(AliasName=f"{alias}-2", TargetKeyId=alias)
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    message = f"{alias} cannot be moved from {key} to {signing}: they differ in key type or key usage."
    with refused("ValidationException", message):
        kms.update_alias(AliasName=alias, TargetKeyId=signing)


def test_data_keys_survive_rotation(kms, key):
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert [it["RotationType"] for it in kms.list_key_rotations(KeyId=key)["Rotations"]] == ["ON_DEMAND"]


def test_states(kms, key):
    kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled."):
        kms.encrypt(KeyId=key, Plaintext=b"v")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", f"{key} is pending deletion."):
        kms.encrypt(KeyId=key, Plaintext=b"v")
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert kms.encrypt(KeyId=key, Plaintext=b"v")["KeyId"] == key


def test_who_may(kms, admin, key, other_account):
    poor, reader = admin.user(allow("iam:GetUser")), admin.user(allow("kms:Decrypt", key))
    sealed = kms.encrypt(KeyId=key, Plaintext=b"v")["CiphertextBlob"]
    assert reader.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"v"
    with refused("AccessDeniedException", contains=denied("kms:Decrypt", key)):
        poor.kms.decrypt(CiphertextBlob=sealed)
    with refused("AccessDeniedException", contains=CIPHERTEXT):
        other_account.kms.decrypt(CiphertextBlob=sealed)


def test_grants(kms, admin, key):
    user = admin.user(allow("iam:GetUser"))
    sealed = kms.encrypt(KeyId=key, Plaintext=b"v")["CiphertextBlob"]
    grantee = user.sts.get_caller_identity()["Arn"]
    made = kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    assert user.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"v"
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    with refused("AccessDeniedException"):
        user.kms.decrypt(CiphertextBlob=sealed)


def test_a_secret_under_a_customer_key(admin, kms, key):
    sm = admin.secretsmanager
    secret = sm.create_secret(Name=unique("secret"), SecretString="v", KmsKeyId=key)["ARN"]
    assert sm.describe_secret(SecretId=secret)["KmsKeyId"] == key
    poor = admin.user(allow("secretsmanager:GetSecretValue"))
    reader = admin.user(allow(["secretsmanager:GetSecretValue", "kms:Decrypt"]))
    assert reader.secretsmanager.get_secret_value(SecretId=secret)["SecretString"] == "v"
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        poor.secretsmanager.get_secret_value(SecretId=secret)
    kms.disable_key(KeyId=key)
    with refused("DecryptionFailure"):
        sm.get_secret_value(SecretId=secret)


def test_the_default_key_is_for_its_service(admin, kms):
    admin.secret("v")
    arn = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=arn, Plaintext=b"v")


# --- a registry credential in another account ---


def foreign_credential(admin, other_account, registry, key_allows=True, secret_allows=True, decrypt=True, read=True):
    """A credential under a customer's key in the other account, and an execution role here; with what is allowed. Returns both."""
    role = admin.execution_role()
    statements = [lets(role, "kms:Decrypt")] if key_allows else []
    key = other_account.kms.create_key(Policy=key_policy(other_account.id, *statements))["KeyMetadata"]["Arn"]
    value = json.dumps({"username": registry.username, "password": registry.password})
    sm = other_account.secretsmanager
    secret = sm.create_secret(Name=unique("registry"), SecretString=value, KmsKeyId=key)["ARN"]
    if secret_allows:
        policy = {"Version": "2012-10-17", "Statement": [lets(role, "secretsmanager:GetSecretValue")]}
        sm.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(policy))
    own = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource, given in [("secretsmanager:GetSecretValue", secret, read), ("kms:Decrypt", key, decrypt)]
        if given
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": own})
    admin.iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="credential", PolicyDocument=document)
    return secret, role, key


def test_a_credential_of_another_account(tasks, admin, other_account):
    secret, role, _ = foreign_credential(admin, other_account, tasks.registry)
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": secret})
    assert exit_code(tasks.finish(main, executionRoleArn=role)) == 0


KMS = "AccessDeniedException: Access to KMS is not allowed"
MISSING = {
    "key policy": ({"key_allows": False}, "kms:Decrypt", KMS),
    "kms:Decrypt": ({"decrypt": False}, "kms:Decrypt", KMS),
    "secret policy": ({"secret_allows": False}, "secretsmanager:GetSecretValue", "no resource-based policy allows"),
    "identity policy": ({"read": False}, "secretsmanager:GetSecretValue", "no identity-based policy allows"),
}


@pytest.mark.parametrize("missing", MISSING)
def test_a_credential_of_another_account_without(tasks, admin, other_account, missing):
    without, action, text = MISSING[missing]
    secret, role, key = foreign_credential(admin, other_account, tasks.registry, **without)
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    arn = tasks.run(tasks.define(main, executionRoleArn=role))
    task, seen = tasks.watch(arn)
    assert_never_ran(task, seen)
    assert task["stoppedReason"].startswith(FARGATE), task["stoppedReason"]
    assert text in task["stoppedReason"]
    step = failed_step(tasks.trace(arn))
    assert step["action"] == action
    assert step["resource"] == (key if action.startswith("kms:") else secret)
    assert step["hint"]
