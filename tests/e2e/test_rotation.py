"""Rotation of secrets with a local program as the rotation function: boto3, the AWS CLI, `landfall rotation`, restarts."""

import json
import re
import sys
import textwrap
import time

import pytest

from harness import clock, ecr, sensitive
from harness.account import Account, allow, trust, unique
from harness.errors import denied, refused
from harness.waiting import until
from support import images, python_image
from support.hostile_registry import HostileRegistry

CANNOT_INVOKE = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    "principal secretsmanager.amazonaws.com."
)
NEEDED = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:GetRandomPassword",
]

WRITE_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]

# As AWS's templates are written: the handler trusts nothing but the service.
FUNCTION = textwrap.dedent(
    '''
    import json, os, sys
    import boto3

    def create(client, arn, token):
        client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        try:
            client.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except client.exceptions.ResourceNotFoundException:
            password = client.get_random_password(PasswordLength=40)["RandomPassword"]
            client.put_secret_value(
                SecretId=arn, ClientRequestToken=token, SecretString=password, VersionStages=["AWSPENDING"]
            )

    def finish(client, arn, token):
        stages = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        if current != token:
            client.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )

    def handler(event, context):
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
        client = boto3.client("secretsmanager", endpoint_url=os.environ["SECRETS_MANAGER_ENDPOINT"])
        described = client.describe_secret(SecretId=arn)
        assert described["RotationEnabled"]
        labels = described["VersionIdsToStages"][token]
        with open(os.environ["JOURNAL"], "a") as journal:
            print(step, token, boto3.client("sts").get_caller_identity()["Arn"], file=journal)
        print("taking", step)
        print("told on standard error", file=sys.stderr)
        if "AWSCURRENT" in labels:
            return
        assert "AWSPENDING" in labels
        broken = os.environ["JOURNAL"] + ".broken"
        if os.path.exists(broken) and open(broken).read().strip() == step:
            raise RuntimeError("broken on purpose")
        if step == "createSecret":
            create(client, arn, token)
        elif step == "finishSecret":
            finish(client, arn, token)

    handler(json.load(sys.stdin), None)
    '''
)


# What Lambda's base images begin with outside of Lambda: the emulator, which takes events over HTTP.
EMULATOR = textwrap.dedent(
    '''
    import http.server, json, os, sys

    source = open("/rotate.py").read().replace("handler(json.load(sys.stdin), None)", "")
    exec(source)

    class Invocations(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.path == "/2015-03-31/functions/function/invocations"
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                answer = handler(event, None)
            except Exception as error:
                answer = {"errorMessage": str(error), "errorType": type(error).__name__}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.HTTPServer(("0.0.0.0", 8080), Invocations).serve_forever()
    '''
)


class Rotation:
    """A rotation function on a server, and what it was asked for."""

    def __init__(self, server, account, directory, policy=None):
        self.server, self.account, self.sm = server, account, account.secretsmanager
        self.name = unique("rotate")
        self.script, self.journal = directory / "rotate.py", directory / "journal"
        self.script.write_text(FUNCTION)
        self.role = account.role(policy or allow(NEEDED), trust("lambda.amazonaws.com"))
        self.clock = {}
        self.arn = self.add()

    def add(self, variables=None):
        """Registers the function, in place of the one before."""
        variables = {"JOURNAL": self.journal, **(variables or {})}
        arguments = [text for name, value in variables.items() for text in ("--env", f"{name}={value}")]
        return self.landfall("add", self.name, "--role", self.role, *arguments, *self.command()).stdout.strip()

    def command(self):
        return ["--command", sys.executable, str(self.script)]

    def landfall(self, *arguments, check=True):
        return self.server.command("rotation", *arguments, check=check, environment=self.clock)

    def steps(self, token=None):
        if not self.journal.exists():
            return []
        lines = [line.split() for line in self.journal.read_text().splitlines()]
        return [line[0] for line in lines if token in (None, line[1])]

    def state(self, secret):
        found = json.loads(self.landfall("ls", "--json").stdout)["rotations"]
        return next(it for it in found if it["secret"] == secret)

    def break_at(self, step):
        self.journal.with_suffix(".broken").write_text(step)

    def mend(self):
        self.journal.with_suffix(".broken").unlink()

    def secret(self):
        value = sensitive.password()
        return self.sm.create_secret(Name=unique("rotated"), SecretString=value)["ARN"], value

    def rotated(self, secret, version):
        def current():
            return self.sm.get_secret_value(SecretId=secret)["VersionId"] == version

        until(f"the rotation of {secret}", current, 60)

    def ended(self, secret):
        until("the end of the rotation", lambda: self.state(secret)["state"] == "on", 20)


@pytest.fixture
def rotation(server, admin, tmp_path):
    return Rotation(server, admin, tmp_path)


def test_who_can_invoke_a_function(rotation, account_id):
    done = rotation.server.command("iam", "who-can", "lambda:InvokeFunction", rotation.arn, "--json", check=True)
    found = {it["arn"]: it.get("provided") for it in json.loads(done.stdout)}
    assert found["secretsmanager.amazonaws.com"] == f"where `aws:SourceAccount` is `{account_id}`"


def test_a_secret_is_rotated(rotation, admin, account_id):
    assert rotation.arn == f"arn:aws:lambda:us-east-1:{account_id}:function:{rotation.name}"
    secret, value = rotation.secret()
    version = rotation.sm.rotate_secret(
        SecretId=secret, RotationLambdaARN=rotation.arn, RotationRules={"AutomaticallyAfterDays": 30}
    )["VersionId"]
    rotation.rotated(secret, version)
    rotation.ended(secret)
    assert rotation.steps(version) == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert rotation.sm.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")["SecretString"] == value
    assert len(rotation.sm.get_secret_value(SecretId=secret)["SecretString"]) == 40
    described = rotation.sm.describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is True
    assert described["RotationLambdaARN"] == rotation.arn
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert described["NextRotationDate"] > described["LastRotatedDate"]
    # As its role, as Lambda's functions are.
    role = rotation.role.rsplit("/")[-1]
    caller = rotation.journal.read_text().split()[2]
    assert caller.startswith(f"arn:aws:sts::{account_id}:assumed-role/{role}/{rotation.name}-")
    listed = rotation.sm.list_secrets(Filters=[{"Key": "name", "Values": [described["Name"]]}])["SecretList"][0]
    assert listed["RotationEnabled"] is True
    # A role that may not write logs has none.
    groups = admin.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{rotation.name}")
    assert groups["logGroups"] == []
    audit = (rotation.server.data_dir / "audit.log").read_text().splitlines()
    about = [line for line in audit if secret in line and "Rotation" in line]
    assert ["RotationStarted" in about[0], "RotationSucceeded" in about[1]] == [True, True], about


def test_through_the_aws_cli(rotation, admin):
    secret, _ = rotation.secret()
    answer = admin.aws(
        "secretsmanager",
        "rotate-secret",
        "--secret-id",
        secret,
        "--rotation-lambda-arn",
        rotation.arn,
        "--rotation-rules",
        '{"ScheduleExpression": "cron(0 8 1 * ? *)", "Duration": "2h"}',
    )
    rotation.rotated(secret, answer["VersionId"])
    cancelled = admin.aws("secretsmanager", "cancel-rotate-secret", "--secret-id", secret)
    assert cancelled["ARN"] == secret
    described = admin.aws("secretsmanager", "describe-secret", "--secret-id", secret)
    assert described["RotationEnabled"] is False
    assert described["RotationRules"] == {"ScheduleExpression": "cron(0 8 1 * ? *)", "Duration": "2h"}
    assert "NextRotationDate" not in described
    assert rotation.state(secret)["state"] == "off"


def test_a_step_that_fails(rotation):
    secret, value = rotation.secret()
    rotation.break_at("testSecret")
    version = rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)["VersionId"]
    state = until("a failure", lambda: (found := rotation.state(secret))["failures"] and found, 30)
    assert state["state"] == "retrying"
    assert state["failure"] == f"testSecret: `{sys.executable}` ended with exit status: 1"
    assert rotation.sm.get_secret_value(SecretId=secret)["SecretString"] == value
    described = rotation.sm.describe_secret(SecretId=secret)
    assert described["VersionIdsToStages"][version] == ["AWSPENDING"]
    assert "LastRotatedDate" not in described
    text = "A previous rotation isn't complete. That rotation will be reattempted."
    with refused("InvalidRequestException", text):
        rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)
    rotation.mend()
    rotation.rotated(secret, version)
    assert "broken on purpose" not in rotation.server.log()


def printed(account, function):
    """The streams of a function's log, and its lines."""
    logs, group = account.client("logs"), f"/aws/lambda/{function}"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [event["message"] for page in pages for event in page["events"]]
    return [it["logStreamName"] for it in streams], lines


def test_what_a_function_prints(server, admin, tmp_path):
    rotation = Rotation(server, admin, tmp_path, allow([*NEEDED, *WRITE_LOGS]))
    secret, _ = rotation.secret()
    rotation.break_at("testSecret")
    version = rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)["VersionId"]
    until("a failure", lambda: rotation.state(secret)["failures"], 30)
    rotation.mend()
    rotation.rotated(secret, version)
    rotation.ended(secret)
    streams, lines = printed(admin, rotation.name)
    assert len(streams) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams[0])
    steps = ["createSecret", "setSecret", "testSecret"]
    assert [line for line in lines if line.startswith("taking ")] == [
        f"taking {step}" for step in [*steps, *steps, "finishSecret"]
    ]
    assert lines.count("told on standard error") == 7
    starts = [line for line in lines if re.fullmatch(r"START RequestId: [0-9a-f-]{36} Version: \$LATEST", line)]
    request = starts[2].split()[2]
    assert f"RequestId: {request} Error: `{sys.executable}` ended with exit status: 1" in lines
    assert "RuntimeError: broken on purpose" in lines
    assert f"END RequestId: {request}" in lines
    assert any(re.fullmatch(rf"REPORT RequestId: {request}\tDuration: [0-9.]+ ms", line) for line in lines)


def test_schedules_fire_in_a_running_server(make_server, tmp_path):
    """The server is restarted with a clock that is five hours ahead; it rotates on its own what became due."""
    server = make_server()
    rotation = Rotation(server, Account.from_env(server.env()), tmp_path)
    schedules = ["rate(4 hours)", "cron(0 0/4 * * ? *)"]
    before = {}
    for schedule in schedules:
        secret, _ = rotation.secret()
        version = rotation.sm.rotate_secret(
            SecretId=secret, RotationLambdaARN=rotation.arn, RotationRules={"ScheduleExpression": schedule}
        )["VersionId"]
        rotation.rotated(secret, version)
        rotation.ended(secret)
        before[secret] = rotation.sm.describe_secret(SecretId=secret)
    # What the function signs follows the server's clock.
    rotation.add(clock.ahead(5 * 3600))
    assert server.stop() == 0
    server.environment = rotation.clock = clock.ahead(5 * 3600)
    server.start()
    for secret, described in before.items():
        first = described["LastRotatedDate"].isoformat()[:19]

        def again():
            state = rotation.state(secret)
            assert not state["failure"], state
            return state["state"] == "on" and state["lastRotated"][:19] > first

        until(f"the scheduled rotation of {secret}", again, 60, 0.3)
    assert server.stop() == 0
    server.environment = rotation.clock = {}
    server.start()
    for secret, described in before.items():
        old = next(id for id, labels in described["VersionIdsToStages"].items() if "AWSCURRENT" in labels)
        now = rotation.sm.describe_secret(SecretId=secret)
        assert now["VersionIdsToStages"][old] == ["AWSPREVIOUS"]
        assert now["NextRotationDate"] > described["NextRotationDate"]
        assert now["LastRotatedDate"] > described["LastRotatedDate"]


def test_only_a_test(rotation):
    secret, value = rotation.secret()
    answer = rotation.sm.rotate_secret(
        SecretId=secret,
        RotationLambdaARN=rotation.arn,
        RotationRules={"ScheduleExpression": "rate(10 days)"},
        RotateImmediately=False,
    )
    assert "VersionId" not in answer
    until("the test", lambda: rotation.steps() and rotation.state(secret)["state"] == "on", 30)
    assert rotation.steps() == ["testSecret"]
    described = rotation.sm.describe_secret(SecretId=secret)
    assert list(described["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    assert rotation.sm.get_secret_value(SecretId=secret)["SecretString"] == value


def test_what_is_refused(rotation, server, admin, other_account, tmp_path):
    secret, _ = rotation.secret()
    with refused("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."):
        rotation.sm.rotate_secret(SecretId=secret)
    with refused("AccessDeniedException", CANNOT_INVOKE):
        rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn + "x")
    with refused("InvalidParameterException"):
        rotation.sm.rotate_secret(
            SecretId=secret, RotationLambdaARN=rotation.arn, RotationRules={"ScheduleExpression": "rate(1 hour)"}
        )
    rotator = admin.user(allow("secretsmanager:RotateSecret")).secretsmanager
    with refused("AccessDeniedException", contains=denied("lambda:InvokeFunction", rotation.arn)):
        rotator.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)
    # A policy that lets another service in.
    policy = allow("lambda:InvokeFunction")
    policy["Statement"][0]["Principal"] = {"Service": "events.amazonaws.com"}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    arguments = ["add", unique("rotate"), "--role", rotation.role, "--policy", str(tmp_path / "policy.json")]
    arn = rotation.landfall(*arguments, *rotation.command()).stdout.strip()
    with refused("AccessDeniedException", CANNOT_INVOKE):
        rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=arn)
    # Programs of the machine are for the first account.
    role = other_account.role(allow(NEEDED), trust("lambda.amazonaws.com"))
    done = server.command(
        "rotation", "add", "theirs", "--role", role, *rotation.command(), environment=other_account.env()
    )
    assert done.returncode != 0
    text = "commands of this machine can be registered by account"
    assert text in done.stderr, done.stderr
    # What is removed is gone.
    rotation.landfall("rm", rotation.name)
    with refused("AccessDeniedException", CANNOT_INVOKE):
        rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)
    assert rotation.landfall("rm", rotation.name, check=False).returncode != 0


def test_a_function_without_permissions(server, admin, tmp_path):
    """The role's policies count: what it may not do fails the step."""
    poor = Rotation(server, admin, tmp_path, allow("secretsmanager:DescribeSecret"))
    secret, value = poor.secret()
    poor.sm.rotate_secret(SecretId=secret, RotationLambdaARN=poor.arn)
    until("a failure", lambda: poor.state(secret)["failures"], 30)
    assert poor.state(secret)["failure"].startswith("createSecret: ")
    assert poor.sm.get_secret_value(SecretId=secret)["SecretString"] == value
    poor.sm.cancel_rotate_secret(SecretId=secret)


def test_a_rotation_goes_on_after_a_kill(make_server, tmp_path):
    server = make_server()
    rotation = Rotation(server, Account.from_env(server.env()), tmp_path)
    secret, _ = rotation.secret()
    version = rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)["VersionId"]
    server.kill()
    time.sleep(0.2)
    server.start()
    rotation.rotated(secret, version)


def test_replicas_get_the_rotated_value(rotation, admin):
    away = admin.client("secretsmanager", "eu-west-1")
    secret, _ = rotation.secret()
    rotation.sm.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=[{"Region": "eu-west-1"}])
    version = rotation.sm.rotate_secret(SecretId=secret, RotationLambdaARN=rotation.arn)["VersionId"]
    rotation.rotated(secret, version)
    name = rotation.sm.describe_secret(SecretId=secret)["Name"]

    def followed():
        return away.get_secret_value(SecretId=name)["VersionId"] == version

    until("the replica", followed, 20)
    text = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    with refused("InvalidParameterException", text):
        away.rotate_secret(SecretId=name, RotationLambdaARN=rotation.arn)
    with refused("InvalidParameterException", text):
        away.cancel_rotate_secret(SecretId=name)


def python_function(kind):
    """An image with the function: made for Lambda, or one that reads its event from a variable."""
    run = FUNCTION.replace("json.load(sys.stdin)", 'json.loads(os.environ["ROTATION_EVENT"])')
    files = {
        "lambda": {"rotate.py": FUNCTION, "lambda-entrypoint.py": EMULATOR},
        "variable": {"rotate.py": run},
    }[kind]
    program = "/lambda-entrypoint.py" if kind == "lambda" else "/rotate.py"
    return images.build(
        python_image.layers(files),
        entrypoint=[python_image.python(), program],
        env=[*python_image.environment(), "JOURNAL=/tmp/journal"],
    )


@pytest.mark.parametrize("kind", ["lambda", "variable"])
def test_an_image_as_the_function(server, admin, kind):
    secret = admin.secretsmanager.create_secret(Name=unique("rotated"), SecretString=sensitive.password())["ARN"]
    role = admin.role(allow(NEEDED), trust("lambda.amazonaws.com"))
    with HostileRegistry(image=python_function(kind)) as registry:
        image = f"{registry.host}/rotate:latest"
        added = server.command("rotation", "add", unique("image"), "--role", role, "--image", image, check=True)
        version = admin.secretsmanager.rotate_secret(SecretId=secret, RotationLambdaARN=added.stdout.strip())[
            "VersionId"
        ]

        def ended():
            found = json.loads(server.command("rotation", "ls", "--json", check=True).stdout)["rotations"]
            state = next(it for it in found if it["secret"] == secret)
            assert not state["failure"], state
            return state["state"] == "on"

        until("the rotation", ended, 120, 0.5)
    assert admin.secretsmanager.get_secret_value(SecretId=secret)["VersionId"] == version


@pytest.mark.parametrize(
    "command, failure",
    [
        ('[ -n "$AWS_SESSION_TOKEN" ] && echo "$ROTATION_EVENT" | grep -q testSecret', None),
        ("exit 3", "testSecret: the container ended with exit code 3"),
        ("sleep 60", "testSecret: Task timed out after 2.00 seconds"),
    ],
)
def test_how_a_container_ends(server, admin, command, failure):
    secret = admin.secretsmanager.create_secret(Name=unique("rotated"), SecretString="v")["ARN"]
    role = admin.role(allow(NEEDED), trust("lambda.amazonaws.com"))
    with HostileRegistry(image=images.build(cmd=["/bin/sh", "-c", command])) as registry:
        arguments = ["--role", role, "--timeout", "2", "--image", f"{registry.host}/rotate:latest"]
        added = server.command("rotation", "add", unique("image"), *arguments, check=True)
        admin.secretsmanager.rotate_secret(
            SecretId=secret, RotationLambdaARN=added.stdout.strip(), RotateImmediately=False
        )

        def ended():
            found = json.loads(server.command("rotation", "ls", "--json", check=True).stdout)["rotations"]
            state = next(it for it in found if it["secret"] == secret)
            return state["state"] != "rotating" and state

        assert until("the test", ended, 60, 0.5)["failure"] == failure


def try_out(server, admin, role, *arguments):
    """Tests a new function with a secret; its name, and how that ended."""
    secret = admin.secretsmanager.create_secret(Name=unique("rotated"), SecretString="v")["ARN"]
    name = unique("image")
    arn = server.command("rotation", "add", name, "--role", role, *arguments, check=True).stdout.strip()
    admin.secretsmanager.rotate_secret(SecretId=secret, RotationLambdaARN=arn, RotateImmediately=False)

    def ended():
        found = json.loads(server.command("rotation", "ls", "--json", check=True).stdout)["rotations"]
        state = next(it for it in found if it["secret"] == secret)
        return state["state"] != "rotating" and state

    return name, until("the test", ended, 60, 0.3)["failure"]


def test_an_image_of_ecr_is_pulled_with_the_role(server, admin, account_id):
    uri = ecr.repository(admin)["repositoryUri"]
    command = 'echo "asked for $ROTATION_EVENT"; echo told >&2'
    ecr.Registry.of(admin).push(images.build(cmd=["/bin/sh", "-c", command]), uri)
    image = ["--image", f"{uri}:latest"]
    # A role that may not pull.
    poor = admin.role(allow(NEEDED), trust("lambda.amazonaws.com"))
    _, failure = try_out(server, admin, poor, *image)
    assert failure.startswith(f"testSecret: User: arn:aws:sts::{account_id}:assumed-role/{poor.rsplit('/')[-1]}/")
    assert failure.endswith(denied("ecr:GetAuthorizationToken", "*"))
    # One that may, and that writes logs.
    role = admin.role(allow([*NEEDED, *ecr.PULL, *WRITE_LOGS]), trust("lambda.amazonaws.com"))
    name, failure = try_out(server, admin, role, *image)
    assert failure is None
    _, lines = printed(admin, name)
    asked = next(line for line in lines if line.startswith("asked for "))
    assert json.loads(asked.removeprefix("asked for "))["Step"] == "testSecret"
    assert "told" in lines


def test_an_image_with_a_credential(server, admin):
    password = sensitive.password()
    value = json.dumps({"username": "puller", "password": password})
    credential = admin.secretsmanager.create_secret(Name=unique("registry"), SecretString=value)["ARN"]
    role = admin.role(allow(NEEDED), trust("lambda.amazonaws.com"))
    image = images.build(cmd=["/bin/true"])
    with HostileRegistry(username="puller", password=password, image=image) as registry:
        arguments = ["--image", f"{registry.host}/rotate:latest"]
        _, failure = try_out(server, admin, role, *arguments)
        assert failure is not None and failure.startswith("testSecret: ")
        _, failure = try_out(server, admin, role, *arguments, "--credential", credential)
        assert failure is None
        poor = admin.role(allow("logs:PutLogEvents"), trust("lambda.amazonaws.com"))
        _, failure = try_out(server, admin, poor, *arguments, "--credential", credential)
        assert failure.endswith(denied("secretsmanager:GetSecretValue", credential))
    done = server.command("rotation", "add", "x", "--role", role, "--credential", credential, "--command", "/bin/true")
    assert done.returncode == 1
    assert "a credential is for an image, and the function has none" in done.stderr
