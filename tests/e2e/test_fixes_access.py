"""As `test_fixes.py`, for what lies in a registry of ECR or belongs to another account."""

import json

import pytest

from harness import ecr
from harness.account import allow, unique
from harness.fixes import LOGS, READ, Case, assert_mended, bare_role
from support import images

TOKEN = allow("ecr:GetAuthorizationToken")
PULL = allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])


def aws_name(repository, tag="v1"):
    host = f"{repository['registryId']}.dkr.ecr.us-east-1.amazonaws.com"
    return f"{host}/{repository['repositoryName']}:{tag}"


def pushed(account):
    repository = ecr.repository(account)
    ecr.Registry.of(account).push(ecr.several_layers(unique("task")), repository["repositoryUri"], "v1")
    return repository


def image_case(tasks, launch, image, *statements):
    main = tasks.container(image=image)
    main.pop("repositoryCredentials", None)
    main.pop("command", None)
    return Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, *statements))


def test_the_role_may_not_get_a_token(tasks, admin, launch):
    case = image_case(tasks, launch, aws_name(pushed(admin)), PULL)
    assert_mended(case, "PERMISSION", "ecr:GetAuthorizationToken", verified=True)


def test_the_role_may_not_pull(tasks, admin, launch):
    case = image_case(tasks, launch, aws_name(pushed(admin)), TOKEN)
    assert_mended(case, "PERMISSION", "ecr:BatchGetImage", verified=True)


def test_the_role_may_not_get_layers(tasks, admin, launch):
    case = image_case(tasks, launch, aws_name(pushed(admin)), TOKEN, allow("ecr:BatchGetImage"))
    assert_mended(case, "PERMISSION", "ecr:GetDownloadUrlForLayer", verified=True)


def test_the_repository_of_another_account_does_not_let_it_in(tasks, other_account, launch):
    case = image_case(tasks, launch, aws_name(pushed(other_account)), TOKEN, PULL)
    case.owner = other_account
    assert_mended(case, "PERMISSION", "ecr:BatchGetImage", verified=True)


def test_the_repositorys_policy_denies(tasks, admin, launch):
    repository = pushed(admin)
    case = image_case(tasks, launch, aws_name(repository), TOKEN, PULL)
    role = admin.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]["executionRoleArn"]
    statement = {"Effect": "Deny", "Principal": {"AWS": role}, "Action": "ecr:BatchGetImage"}
    admin.client("ecr").set_repository_policy(
        repositoryName=repository["repositoryName"],
        policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert_mended(case, "PERMISSION", "denies `ecr:BatchGetImage`")


def test_there_is_no_such_image(tasks, admin, launch):
    """The fix wants an image to be pushed, which the test does through the registry's own door."""
    repository = pushed(admin)
    case = image_case(tasks, launch, aws_name(repository, "v2"), TOKEN, PULL)
    (found,) = case.findings()
    assert found["cause"] == "REGISTRY" and "has no image `v2`" in found["headline"]
    assert found["fix"]["command"] == f"docker push {aws_name(repository, 'v2')}"
    task = case.start()
    assert case.tasks.trace(task["taskArn"])["finding"]["headline"] == found["headline"]
    ecr.Registry.of(admin).push(ecr.several_layers(unique("later")), repository["repositoryUri"], "v2")
    case.runs()


@pytest.mark.parametrize("in_index", [False, True])
def test_the_image_is_for_another_machine(tasks, admin, launch, in_index):
    """Nobody has pulled it yet: its config says so, or the index that has no other."""
    repository, registry = ecr.repository(admin), ecr.Registry.of(admin)
    wrong = ecr.several_layers(unique("wrong"), "s390x")
    wrong = images.index({"linux/s390x": wrong}) if in_index else wrong
    registry.push(wrong, repository["repositoryUri"], "v1")
    case = image_case(tasks, launch, aws_name(repository), TOKEN, PULL)
    (found,) = case.findings()
    assert (found["cause"], found["headline"]) == (
        "CONFIGURATION",
        f"`{aws_name(repository)}` was not built for the platform of the task",
    )
    after = case.tasks.trace(case.start()["taskArn"])["finding"]
    assert [after[name] for name in ("headline", "cause", "fix")] == [found[name] for name in ("headline", "cause", "fix")]
    registry.push(ecr.several_layers(unique("right")), repository["repositoryUri"], "v1")
    case.runs()


def test_there_is_no_such_repository(tasks, admin, account_id, launch):
    name = unique("none").lower()
    image = f"{account_id}.dkr.ecr.us-east-1.amazonaws.com/{name}:v1"
    case = image_case(tasks, launch, image, TOKEN, PULL)
    (found,) = case.findings()
    assert found["cause"] == "REGISTRY" and f"no repository `{name}`" in found["headline"]
    task = case.start()
    assert case.tasks.trace(task["taskArn"])["finding"]["headline"] == found["headline"]
    case.mend(found["fix"])
    (repository,) = admin.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    ecr.Registry.of(admin).push(ecr.several_layers(unique("later")), repository["repositoryUri"], "v1")
    case.runs()


# --- secrets of another account ---


def foreign_case(tasks, launch, other_account, **more):
    credential = {"username": tasks.registry.username, "password": tasks.registry.password}
    secret = other_account.secretsmanager.create_secret(
        Name=unique("foreign"), SecretString=json.dumps(credential), **more
    )["ARN"]
    role = bare_role(tasks.account, LOGS, READ, allow("kms:Decrypt"))
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": secret})
    case = Case(tasks, launch, main, executionRoleArn=role)
    case.owner = other_account
    return case, secret, role


def let_in(account, secret, role):
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    account.secretsmanager.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(policy))


def shared_key(account, principal):
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:Decrypt", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [root, use]}
    return account.kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]


def test_the_secret_of_another_account_lets_nobody_in(tasks, admin, other_account, launch):
    key = shared_key(other_account, f"arn:aws:iam::{admin.id}:root")
    case, _, _ = foreign_case(tasks, launch, other_account, KmsKeyId=key)
    assert_mended(case, "PERMISSION", "secretsmanager:GetSecretValue", verified=True)


def test_the_key_of_another_account_lets_nobody_in(tasks, other_account, launch):
    key = other_account.kms.create_key()["KeyMetadata"]["Arn"]
    case, secret, role = foreign_case(tasks, launch, other_account, KmsKeyId=key)
    let_in(other_account, secret, role)
    assert_mended(case, "PERMISSION", "kms:Decrypt", verified=True)


@pytest.mark.parametrize("known", [True, False])
def test_the_secret_of_another_account_is_under_its_default_key(tasks, admin, other_account, launch, known):
    case, secret, role = foreign_case(tasks, launch, other_account)
    let_in(other_account, secret, role)
    principal = role if known else f"arn:aws:iam::{admin.id}:root"
    case.words["KEY"] = shared_key(other_account, principal)
    assert_mended(case, "CONFIGURATION", "with a key that is not shared")


# --- buckets of another account ---


def test_the_bucket_of_another_account_lets_nobody_in(tasks, other_account, launch):
    """Two things are refused, and one policy is written: each account's commands are told apart."""
    bucket = unique("foreign").lower()
    theirs = other_account.client("s3")
    theirs.create_bucket(Bucket=bucket)
    theirs.put_object(Bucket=bucket, Key="app.env", Body=b"V=hello")
    files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/app.env"}]
    main = tasks.container(command='test "$V" = hello', environmentFiles=files)
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    case.owner = other_account
    locate, fetch = case.mend_all()
    assert f"# in the account {other_account.id}\naws s3api put-bucket-policy" in locate["fix"]["command"]
    assert "put-bucket-policy" not in fetch["fix"]["command"] and fetch["fix"]["verified"]
    case.runs()
