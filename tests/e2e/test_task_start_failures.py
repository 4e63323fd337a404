"""Everything that can go wrong before a task's containers start: AWS's words, the right stop code, never RUNNING, and a start
trace that names the step and what to change."""

import json
import re

import pytest

from harness import sensitive
from harness.account import ECS_TASKS, EXECUTION_POLICY, allow, deny, trust, unique
from harness.errors import refused
from harness.server import free_port
from harness.tasks import assert_never_ran, container, exit_code, failed_step

# Fargate's beginnings, as AWS writes them.
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
REGISTRY_AUTH = (
    re.escape(SECRETS + "unable to get registry auth from asm: service call has been retried ")
    + r"\d+"
    + re.escape(" time(s): asm fetching ")
)
MANIFEST = (
    re.escape("CannotPullContainerError: pull image manifest has been retried ")
    + r"\d+"
    + re.escape(" time(s): failed to resolve ref ")
)
LAYERS = r"CannotPullContainerError: .*"
LOGGER = r"ResourceInitializationError: failed to validate logger args: create stream has been retried \d+ times?: failed to create Cloudwatch log "


def launch(tasks, main, network="awsvpc", timeout=90, **settings):
    """Runs a task that must not start. Returns it and the failed step of its trace."""
    arn = tasks.run(tasks.define(main, network=network, **settings), network)
    task, seen = tasks.watch(arn, timeout)
    assert_never_ran(task, seen)
    step = failed_step(tasks.trace(arn))
    assert step is not None, "the start trace names no failed step"
    return task, step


def matches(task, pattern):
    assert re.match(pattern, task["stoppedReason"], re.IGNORECASE | re.DOTALL), task["stoppedReason"]


def explained(step, action):
    """The failed step is the right one, and says what to change."""
    assert step["action"] == action
    assert step["outcome"]["detail"]
    assert step["hint"]


# --- the registry ---

REGISTRY = {
    "unauthorized": MANIFEST + r"{ref}: .*401 Unauthorized",
    "unauthorized-without-challenge": MANIFEST + r"{ref}: .*401 Unauthorized",
    "denied": MANIFEST + r"{ref}: .*403 Forbidden",
    "not-found": MANIFEST + r"{ref}: .*not found",
    "rate-limit": MANIFEST + r"{ref}: .*(429 Too Many Requests|toomanyrequests)",
    "server-error": MANIFEST + r"{ref}: .*500 Internal Server Error",
    "html": MANIFEST + r"{ref}: .*",
    "endless-manifest": MANIFEST + r"{ref}: .*",
    "lying-manifest-digest": r"CannotPullContainerError: .*(digest|sha256)",
    "looping-index": r"CannotPullContainerError: .*",
    "wrong-platform": r"CannotPullContainerError: .*image Manifest does not contain descriptor matching platform 'linux/(amd64|arm64)'",
    "wrong-platform-config": r"CannotPullContainerError: .*platform",
    "lying-layer": LAYERS + r"(digest|sha256)",
    "truncated-layer": LAYERS,
}


@pytest.mark.parametrize("mode", REGISTRY)
def test_a_registry_that_misbehaves(tasks, hostile, mode):
    registry = hostile(mode)
    main, role = tasks.hostile_container(registry)
    task, step = launch(tasks, main, executionRoleArn=role, timeout=120)
    matches(task, REGISTRY[mode].format(ref=re.escape(registry.reference)))
    assert container(task)["reason"] == task["stoppedReason"]
    assert step["container"] == "main"
    assert registry.host in step["resource"] or step["resource"].startswith("sha256:")
    assert step["hint"]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("mode", ["hang", "hang-layer"])
def test_a_registry_that_says_nothing(tasks, hostile, mode):
    main, role = tasks.hostile_container(hostile(mode))
    task, step = launch(tasks, main, executionRoleArn=role, timeout=380)
    matches(task, r"CannotPullContainerError: .*(time(d )?.?out|deadline)")
    assert step["hint"]


def test_a_registry_that_is_not_there(tasks, admin):
    main = tasks.container(image=f"127.0.0.1:{free_port()}/team/app:1")
    task, step = launch(tasks, main)
    matches(task, MANIFEST + r".*(connection refused|connect)")
    assert step["hint"]


@pytest.fixture(params=["registry", "bearer_registry"])
def real_registry(request):
    return request.getfixturevalue(request.param)


def test_a_wrong_password(tasks, admin, real_registry):
    secret = admin.secret({"username": real_registry.username, "password": sensitive.password()})
    main = tasks.container(image=real_registry.image(), repositoryCredentials={"credentialsParameter": secret})
    task, step = launch(tasks, main, executionRoleArn=admin.execution_role(secret))
    matches(task, MANIFEST + re.escape(real_registry.image()) + r": .*401 Unauthorized")
    assert "password" in step["hint"] or secret in step["hint"]


def test_no_credential_for_a_private_image(tasks, real_registry):
    task, step = launch(tasks, tasks.container(image=real_registry.image(), repositoryCredentials=None))
    matches(
        task, r"CannotPullContainerError: .*(401 Unauthorized|authorization failed|pull access denied|no basic auth)"
    )
    assert "repositoryCredentials" in step["hint"]


def test_an_image_that_is_not_there(tasks, real_registry, admin):
    secret = admin.registry_secret(real_registry)
    reference = f"{real_registry.host}/team/app:{unique('missing')}"
    main = tasks.container(image=reference, repositoryCredentials={"credentialsParameter": secret})
    task, _ = launch(tasks, main, executionRoleArn=admin.execution_role(secret))
    matches(task, MANIFEST + re.escape(reference) + r": .*not found$")


@pytest.mark.parametrize("image", ["UPPER/case:1", "a@sha256:short", ":", "x" * 300])
def test_an_image_name_that_is_none(tasks, image):
    """Registering such a name is not refused by AWS, unless a character cannot be in any name; pulling it is."""
    task, _ = launch(tasks, tasks.container(image=image, repositoryCredentials=None))
    matches(task, r"CannotPull(Container|ImageManifest)Error: .*")


# --- the secret ---

PARTS = {
    "username missing": ({"user": "alice", "password": "p"}, "username: AuthorizationData is malformed, empty field"),
    "username empty": ({"username": "", "password": "p"}, "username: AuthorizationData is malformed, empty field"),
    "password missing": ({"username": "alice"}, "password: AuthorizationData is malformed, empty field"),
    "password empty": ({"username": "alice", "password": ""}, "password: AuthorizationData is malformed, empty field"),
    "not JSON": ("alice:password", "authorization data: unable to unmarshal secret value, invalid schema"),
    "quotes of a Windows shell": (
        '\'{"username":"alice"}\'',
        "authorization data: unable to unmarshal secret value, invalid schema",
    ),
    "a list": ('["alice", "password"]', "authorization data: unable to unmarshal secret value, invalid schema"),
    "a number for a string": (
        {"username": "alice", "password": 12345},
        "authorization data: unable to unmarshal secret value, invalid schema",
    ),
    "binary": (b'{"username":"alice","password":"p"}', "authorization data: empty secrets value"),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_secret_with_the_wrong_content(tasks, admin, case):
    value, text = PARTS[case]
    secret = admin.secret(value)
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, step = launch(tasks, main, executionRoleArn=admin.execution_role(secret))
    matches(task, REGISTRY_AUTH + re.escape(text))
    assert "reason" not in container(task)
    assert step["resource"] == secret
    assert step["hint"]


@pytest.mark.parametrize("case", PARTS)
def test_a_secret_with_the_wrong_content_on_ec2(tasks, admin, case):
    value, text = PARTS[case]
    secret = admin.secret(value)
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, _ = launch(tasks, main, "bridge", executionRoleArn=admin.execution_role(secret))
    assert task["stoppedReason"] == f"Asm fetching {text}"
    assert "reason" not in container(task)


def test_a_secret_that_is_not_there(tasks, admin, account_id):
    missing = f"arn:aws:secretsmanager:us-east-1:{account_id}:secret:{unique('missing')}-AbCdEf"
    main = tasks.container(repositoryCredentials={"credentialsParameter": missing})
    task, step = launch(tasks, main, executionRoleArn=admin.execution_role(missing))
    matches(
        task,
        REGISTRY_AUTH
        + re.escape(f"secret from the service for {missing}: ")
        + r".*ResourceNotFoundException: Secrets Manager can't find the specified secret\.",
    )
    explained(step, "secretsmanager:GetSecretValue")


def test_a_secret_that_was_deleted(tasks, admin):
    secret = admin.registry_secret(tasks.registry)
    admin.secretsmanager.delete_secret(SecretId=secret)
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, step = launch(tasks, main, executionRoleArn=admin.execution_role(secret))
    matches(
        task,
        REGISTRY_AUTH
        + re.escape(f"secret from the service for {secret}: ")
        + r".*InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion\.",
    )
    explained(step, "secretsmanager:GetSecretValue")


def test_a_secret_without_a_value(tasks, admin):
    secret = admin.secretsmanager.create_secret(Name=unique("empty"))["ARN"]
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, _ = launch(tasks, main, executionRoleArn=admin.execution_role(secret))
    matches(
        task,
        REGISTRY_AUTH
        + r"secret from the service for .*ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )


def test_a_secret_of_another_account(tasks, admin, other_account):
    """Both policies allow it, but the default key does not cross accounts."""
    secret = other_account.registry_secret(tasks.registry)
    role = admin.execution_role(secret)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        ],
    }
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, step = launch(tasks, main, executionRoleArn=role)
    assert "AccessDeniedException" in task["stoppedReason"]
    assert "because no resource-based policy allows the secretsmanager:GetSecretValue action" in task["stoppedReason"]
    other_account.secretsmanager.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(policy))
    task, step = launch(tasks, main, executionRoleArn=role)
    assert (
        "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key."
        in task["stoppedReason"]
    )
    assert "key" in step["hint"]


def test_two_containers_and_one_bad_secret(tasks, admin):
    """A failed credential ends the whole task, although the container is not essential."""
    secret = admin.secret({"user": "x"})
    good = tasks.container(command="sleep 60")
    bad = tasks.container(
        name="side", command="true", essential=False, repositoryCredentials={"credentialsParameter": secret}
    )
    arn = tasks.run(tasks.define(good, bad, executionRoleArn=admin.execution_role(secret, tasks.secret)))
    task, seen = tasks.watch(arn)
    assert_never_ran(task, seen)
    matches(task, REGISTRY_AUTH + "username")


# --- the execution role ---


@pytest.fixture
def good_secret(tasks):
    return tasks.secret


def test_a_role_without_permission_for_the_secret(tasks, admin, account_id, good_secret):
    role = admin.execution_role()
    task, step = launch(tasks, tasks.container(), executionRoleArn=role)
    name = role.rsplit("/", 1)[1]
    action = "secretsmanager:GetSecretValue"
    user = re.escape(f"arn:aws:sts::{account_id}:assumed-role/{name}/") + r"[\w+=,.@-]+"
    tail = re.escape(
        f" is not authorized to perform: {action} on resource: {good_secret} because no identity-based policy allows the {action} action"
    )
    matches(
        task,
        REGISTRY_AUTH
        + re.escape(f"secret from the service for {good_secret}: ")
        + r".*AccessDeniedException: User: "
        + user
        + tail,
    )
    explained(step, action)
    assert step["resource"] == good_secret
    assert f":assumed-role/{name}/" in step["principal"]
    assert good_secret in step["hint"] and action in step["hint"]


def test_the_same_on_ec2(tasks, admin, account_id, good_secret):
    role = admin.execution_role()
    task, _ = launch(tasks, tasks.container(), "bridge", executionRoleArn=role)
    matches(
        task,
        re.escape(f"Asm fetching secret from the service for {good_secret}: ")
        + r".*AccessDeniedException: User: arn:aws:sts::",
    )


def test_a_role_with_a_deny(tasks, admin, good_secret):
    role = admin.execution_role(good_secret)
    admin.iam.put_role_policy(
        RoleName=role.rsplit("/", 1)[1], PolicyName="no", PolicyDocument=json.dumps(deny("secretsmanager:*"))
    )
    task, step = launch(tasks, tasks.container(), executionRoleArn=role)
    assert "with an explicit deny in an identity-based policy" in task["stoppedReason"]
    assert step["decision"] or step["notes"]


def test_a_secret_that_denies_the_role(tasks, admin):
    secret = admin.registry_secret(tasks.registry)
    role = admin.execution_role(secret)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Principal": {"AWS": role}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        ],
    }
    admin.secretsmanager.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(policy))
    task, _ = launch(
        tasks, tasks.container(repositoryCredentials={"credentialsParameter": secret}), executionRoleArn=role
    )
    assert "with an explicit deny in a resource-based policy" in task["stoppedReason"]


def test_a_policy_without_the_six_characters(tasks, admin, good_secret):
    """The documented example, copied literally, never matches."""
    task, step = launch(tasks, tasks.container(), executionRoleArn=admin.execution_role(good_secret[:-7]))
    assert "AccessDeniedException" in task["stoppedReason"]
    assert good_secret in step["hint"] or "-??????" in step["hint"]


def unusable(arn):
    return (
        f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the role being passed has "
        "the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
    )


def test_a_role_that_is_not_there(tasks, account_id):
    missing = f"arn:aws:iam::{account_id}:role/{unique('missing')}"
    definition = tasks.define(tasks.container(), executionRoleArn=missing)
    with refused("ClientException", unusable(missing)):
        tasks.run_raw(definition)


@pytest.mark.parametrize("service", ["ecs.amazonaws.com", "ec2.amazonaws.com", "lightsail.amazonaws.com"])
def test_a_role_that_trusts_another_service(tasks, admin, service, good_secret):
    role = admin.execution_role(good_secret, trusted=trust(service))
    definition = tasks.define(tasks.container(), executionRoleArn=role)
    with refused("ClientException", unusable(role)):
        tasks.run_raw(definition)


def test_a_role_that_trusts_ecs_elsewhere(tasks, admin, account_id, good_secret):
    def trusted(account):
        document = trust(ECS_TASKS)
        document["Statement"][0]["Condition"] = {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{account}:*"},
        }
        return document

    elsewhere = admin.execution_role(good_secret, trusted=trusted("999999999999"))
    with refused("ClientException", unusable(elsewhere)):
        tasks.run_raw(tasks.define(tasks.container(), executionRoleArn=elsewhere))
    here = admin.execution_role(good_secret, trusted=trusted(account_id))
    assert exit_code(tasks.finish(tasks.container(command="true"), executionRoleArn=here)) == 0


def test_an_administrator_is_no_execution_role(tasks, admin, good_secret):
    """AdministratorAccess does not help where the trust is missing."""
    role = admin.execution_role(
        trusted=trust("lambda.amazonaws.com"), managed=("arn:aws:iam::aws:policy/AdministratorAccess",)
    )
    with refused("ClientException", unusable(role)):
        tasks.run_raw(tasks.define(tasks.container(), executionRoleArn=role))


# --- the log group ---


def test_no_log_group(tasks):
    main = tasks.container(logConfiguration=tasks.awslogs(group=unique("/no/group")))
    task, step = launch(tasks, main)
    matches(task, LOGGER + re.escape("stream: ResourceNotFoundException: The specified log group does not exist."))
    explained(step, "logs:CreateLogStream")
    assert "awslogs-create-group" in step["hint"]


def test_a_log_group_to_be_created_without_permission(tasks):
    """AmazonECSTaskExecutionRolePolicy does not hold logs:CreateLogGroup."""
    main = tasks.container(
        logConfiguration=tasks.awslogs(group=unique("/no/group"), **{"awslogs-create-group": "true"})
    )
    task, step = launch(tasks, main)
    matches(
        task,
        LOGGER + r"(group|stream): .*AccessDeniedException: User: .*is not authorized to perform: logs:CreateLogGroup",
    )
    explained(step, "logs:CreateLogGroup")


def test_a_log_group_that_is_created(tasks, admin, good_secret):
    group = unique("/made/by/task")
    role = admin.execution_role(good_secret, extra=allow("logs:CreateLogGroup")["Statement"])
    main = tasks.container(
        command="echo made", logConfiguration=tasks.awslogs(group=group, **{"awslogs-create-group": "true"})
    )
    task = tasks.finish(main, executionRoleArn=role)
    assert exit_code(task) == 0
    assert tasks.lines(task, group=group) == ["made"]


def test_a_role_without_permission_for_logs(tasks, admin, good_secret):
    task, step = launch(tasks, tasks.container(), executionRoleArn=admin.execution_role(good_secret, managed=()))
    matches(
        task, LOGGER + r"stream: .*AccessDeniedException: User: .*is not authorized to perform: logs:CreateLogStream"
    )
    explained(step, "logs:CreateLogStream")
    assert "AmazonECSTaskExecutionRolePolicy" in step["hint"] or "logs:CreateLogStream" in step["hint"]


def test_a_region_that_is_none(tasks):
    main = tasks.container(logConfiguration=tasks.awslogs(**{"awslogs-region": "http://127.0.0.1"}))
    task, _ = launch(tasks, main)
    matches(task, r"ResourceInitializationError: ")


# --- on EC2 the cause is with the container ---


def test_a_wrong_password_on_ec2(tasks, admin, registry):
    secret = admin.secret({"username": registry.username, "password": sensitive.password()})
    main = tasks.container(repositoryCredentials={"credentialsParameter": secret})
    task, _ = launch(tasks, main, "bridge", executionRoleArn=admin.execution_role(secret))
    assert task["stoppedReason"] == "Task failed to start"
    assert re.match(
        r"CannotPull(ImageManifest|Container)Error: Error response from daemon: .*unauthorized",
        container(task)["reason"],
    )


def test_a_missing_image_on_ec2(tasks, registry):
    main = tasks.container(image=f"{registry.host}/team/app:{unique('missing')}")
    task, _ = launch(tasks, main, "bridge")
    assert task["stoppedReason"] == "Task failed to start"
    assert (
        container(task)["reason"]
        == "CannotPullImageManifestError: Error response from daemon: manifest unknown: manifest unknown"
    )


def test_a_role_that_lost_its_trust_after_registration(tasks, admin, good_secret):
    role = admin.execution_role(good_secret, managed=(EXECUTION_POLICY,))
    definition = tasks.define(tasks.container(command="true"), executionRoleArn=role)
    assert exit_code(tasks.wait_stopped(tasks.run(definition))) == 0
    admin.iam.update_assume_role_policy(
        RoleName=role.rsplit("/", 1)[1], PolicyDocument=json.dumps(trust("ec2.amazonaws.com"))
    )
    with refused("ClientException", unusable(role)):
        tasks.run_raw(definition)
