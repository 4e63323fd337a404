"""The same causes on FARGATE, EC2 and EXTERNAL: each is produced for real, and the reason compared. Fargate has words of its own;
on the other two the container agent speaks, and some of its reasons are the container's."""

import json
import re

import pytest

from harness import sensitive
from harness.account import deny, unique
from harness.server import free_port
from harness.tasks import assert_never_ran, container, failed_step

RESOURCES = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
ONCE = "service call has been retried 1 time(s): "
REGISTRY = RESOURCES + "unable to get registry auth from asm: " + ONCE
SECRET = RESOURCES + "unable to retrieve secret from asm: " + ONCE
PARAMETER = RESOURCES + "unable to retrieve secrets from ssm: " + ONCE
LOGS = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create "
    "Cloudwatch log stream: "
)
DAEMON = (
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch "
    "log stream: operation error CloudWatch Logs: CreateLogStream, <answered>"
)
FILES = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: "
ASM = "operation error Secrets Manager: GetSecretValue, <answered>"
STATUS = " status code: 400, request id: <id>"

LAUNCHES = {
    "FARGATE": ("awsvpc", {}),
    "EC2": ("bridge", {"requiresCompatibilities": ["EC2"]}),
    "EXTERNAL": ("bridge", {"requiresCompatibilities": ["EXTERNAL"]}),
}


def hidden(text, names):
    """The text without what is another in each run."""
    text = re.sub(r"https response error StatusCode: \d+, RequestID: [\w-]+, (HostID: [\w-]*, )?", "<answered>", text)
    text = re.sub(r"request id: [\w-]+", "request id: <id>", text)
    text = re.sub(r"User: arn:aws:sts::\d+:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+", "<user>", text)
    for name, value in names.items():
        text = text.replace(value, f"<{name}>")
    return text


def denied(action, resource):
    return (
        f"AccessDeniedException: <user> is not authorized to perform: {action} on resource: {resource} because no "
        f"identity-based policy allows the {action} action"
    )


class Stage:
    """What a cause needs: containers, the settings of a task definition, and what to hide in the reason."""

    def __init__(self, tasks, admin, account_id, hostile):
        self.tasks, self.admin, self.account_id, self.hostile = tasks, admin, account_id, hostile
        self.names, self.settings = {}, {}

    def role(self, *secrets, extra=()):
        self.settings["executionRoleArn"] = self.admin.execution_role(*secrets, extra=extra)
        return self.settings["executionRoleArn"]

    def refuse(self, role, action):
        document = json.dumps(deny(action))
        self.admin.iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="no", PolicyDocument=document)

    def credential(self, secret):
        self.names["secret"] = secret
        return self.tasks.container(repositoryCredentials={"credentialsParameter": secret})

    def with_secret(self, value_from):
        return self.tasks.container(secrets=[{"name": "VALUE", "valueFrom": value_from}])


def content(value):
    def cause(stage):
        secret = stage.admin.secret(value)
        stage.role(secret)
        return stage.credential(secret)

    return cause


def marked_for_deletion(stage):
    secret = stage.admin.registry_secret(stage.tasks.registry)
    stage.role(secret)
    stage.admin.secretsmanager.delete_secret(SecretId=secret)
    return stage.credential(secret)


def missing_credential(stage):
    secret = f"arn:aws:secretsmanager:us-east-1:{stage.account_id}:secret:{unique('missing')}-AbCdEf"
    stage.role(secret)
    return stage.credential(secret)


def denied_credential(stage):
    stage.role()
    return stage.credential(stage.admin.registry_secret(stage.tasks.registry))


def denied_key(stage):
    key = stage.admin.client("kms").create_key()["KeyMetadata"]["Arn"]
    value = json.dumps({"username": "u", "password": sensitive.password()})
    made = stage.admin.secretsmanager.create_secret(Name=unique("keyed"), SecretString=value, KmsKeyId=key)
    stage.role(made["ARN"])
    return stage.credential(made["ARN"])


def wrong_password(stage):
    registry = stage.tasks.registry
    secret = stage.admin.secret({"username": registry.username, "password": sensitive.password()})
    stage.role(secret)
    stage.names["image"] = registry.image()
    return stage.credential(secret)


def missing_image(stage):
    reference = f"{stage.tasks.registry.host}/team/app:{unique('missing')}"
    stage.names["image"] = reference
    return stage.tasks.container(image=reference)


def missing_key_of_json(stage):
    secret = stage.admin.secret({"a": "b"})
    stage.role(stage.tasks.secret, secret)
    return stage.with_secret(secret + ":colour::")


def missing_secret(stage):
    secret = f"arn:aws:secretsmanager:us-east-1:{stage.account_id}:secret:{unique('missing')}-AbCdEf"
    stage.names["secret"] = secret
    stage.role(stage.tasks.secret, secret)
    return stage.with_secret(secret)


def denied_secret(stage):
    secret = stage.admin.secret("x")
    stage.names["secret"] = secret
    stage.role(stage.tasks.secret)
    return stage.with_secret(secret)


def missing_parameters(stage):
    stage.role(stage.tasks.secret, extra=[{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}])
    return stage.with_secret("/not/there")


def denied_parameter(stage):
    name = "/" + unique("parameter")
    stage.admin.client("ssm").put_parameter(Name=name, Type="String", Value="v")
    stage.names["parameter"] = f"arn:aws:ssm:us-east-1:{stage.account_id}:parameter{name}"
    stage.role(stage.tasks.secret)
    return stage.with_secret(name)


def env_file(stage, key, *actions):
    s3 = stage.admin.client("s3", signature_version="s3v4")
    bucket = unique("env")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="app.env", Body=b"A=1\n")
    stage.names["bucket"] = bucket
    every = {"s3:GetObject": "/*", "s3:GetBucketLocation": "", "s3:ListBucket": ""}
    extra = [
        {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{bucket}{rest}"}
        for action, rest in every.items()
        if action in actions
    ]
    stage.role(stage.tasks.secret, extra=extra)
    files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/{key}"}]
    return stage.tasks.container(environmentFiles=files)


def missing_env_file(stage):
    return env_file(stage, "none.env", "s3:GetObject", "s3:GetBucketLocation", "s3:ListBucket")


def denied_env_file(stage):
    return env_file(stage, "app.env", "s3:GetBucketLocation")


def missing_group(stage):
    return stage.tasks.container(logConfiguration=stage.tasks.awslogs(group=unique("/no/group")))


def denied_stream(stage):
    role = stage.role(stage.tasks.secret)
    stage.refuse(role, "logs:CreateLogStream")
    return stage.tasks.container()


def no_credential(stage):
    stage.names["image"] = stage.tasks.registry.image()
    stage.names["host"] = stage.tasks.registry.host
    return stage.tasks.container(repositoryCredentials=None)


def two_secrets(stage):
    """The agent asks for all at once, and tells of each; Fargate tells of the first."""
    first, second = stage.admin.secret({"a": "b"}), stage.admin.secret({"c": "d"})
    stage.role(stage.tasks.secret, first, second)
    given = [{"name": "A", "valueFrom": f"{first}:x::"}, {"name": "B", "valueFrom": f"{second}:y::"}]
    return stage.tasks.container(secrets=given)


def quoted_json(stage):
    secret = stage.admin.secret("'{\"a\":\"b\"}'")
    stage.role(stage.tasks.secret, secret)
    return stage.with_secret(secret + ":a::")


def trailing_json(stage):
    secret = stage.admin.secret('{"a":"b"} x')
    stage.role(stage.tasks.secret, secret)
    return stage.with_secret(secret + ":a::")


def no_bucket_location(stage):
    return env_file(stage, "app.env", "s3:GetObject")


def no_region(stage):
    return stage.tasks.container(logConfiguration=stage.tasks.awslogs(**{"awslogs-region": "http://127.0.0.1"}))


def ecr_image(stage, *actions, digest=False):
    """An image of Amazon ECR that the role may do these actions with. It is not there: that is asked last."""
    name = unique("app").lower()
    stage.admin.client("ecr").create_repository(repositoryName=name)
    host = f"{stage.account_id}.dkr.ecr.us-east-1.amazonaws.com"
    stage.names |= {"host": host, "repository": name}
    stage.role(extra=[{"Effect": "Allow", "Action": list(actions), "Resource": "*"}] if actions else [])
    stage.refuse(stage.settings["executionRoleArn"], [it for it in ECR if it not in actions])
    image = f"{host}/{name}@sha256:{'0' * 64}" if digest else f"{host}/{name}:1"
    return stage.tasks.container(image=image, repositoryCredentials=None)


ECR = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"]


def denied_ecr_token(stage):
    return ecr_image(stage, "ecr:BatchGetImage")


def denied_ecr_image(stage):
    return ecr_image(stage, "ecr:GetAuthorizationToken")


def denied_ecr_digest(stage):
    return ecr_image(stage, "ecr:GetAuthorizationToken", digest=True)


def no_registry(stage):
    stage.names["host"] = f"127.0.0.1:{free_port()}"
    return stage.tasks.container(image=f"{stage.names['host']}/team/app:1")


def misbehaving(mode, **options):
    """An image of a registry that misbehaves."""

    return lambda stage: from_registry(stage, stage.hostile(mode, **options))


def from_registry(stage, registry):
    stage.names |= {"image": registry.reference, "host": registry.host}
    main, stage.settings["executionRoleArn"] = stage.tasks.hostile_container(registry)
    return main


def lost_layer(stage):
    registry = stage.hostile("ok")
    layer = registry.last_layer()
    registry.lost.add(layer)
    stage.names["layer"] = layer
    return from_registry(stage, registry)


def container_with(**members):
    return lambda stage: stage.tasks.container(**members)


def no_program(stage):
    main = misbehaving("ok")(stage)
    del main["command"]
    return main


def started(tail):
    """A container whose program does not begin, in the words of runc."""
    runc = (
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
        f"{tail}: unknown"
    )
    fargate = "ResourceInitializationError: failed to create new container runtime task: "
    return f"CannotStartContainerError: {fargate}{runc}", f"CannotStartContainerError: {OF_DAEMON}{runc}"


def pulled(fargate, agent):
    """A manifest that is not had."""
    retried = "CannotPullContainerError: pull image manifest has been retried ... time(s): "
    return retried + fargate, "CannotPullImageManifestError: " + OF_DAEMON + agent


def layers(fargate, agent, advice=""):
    """Layers that are not had."""
    retried = "CannotPullContainerError: ref pull has been retried ... time(s): failed to copy: httpReadSeeker: failed open: "
    return retried + fargate, "CannotPullContainerError: " + advice + OF_DAEMON + agent


OF_DAEMON = "Error response from daemon: "
REFUSED = "dial tcp <host>: connect: connection refused"
NO_ACCESS = "denied: requested access to the resource is denied"
PULL_DENIED = f"pull access denied for <host>/team/app, repository does not exist or may require 'docker login': {NO_ACCESS}"
NO_USER = "unable to find user nosuchuser: no matching entries in passwd file"
NOT_JSON = "invalid character '\\'' looking for beginning of value"
TRAILING = "nvalid character after top-level value"
NO_MEMBERS = "etrieved secret from Secrets Manager did not contain json key "
ENDPOINT = "MissingEndpoint: 'Endpoint' configuration is required for this service"
TOKEN = "AccessDeniedException: <user> is not authorized to perform: ecr:GetAuthorizationToken on resource: * with an explicit deny in an identity-based policy"
IMAGE = "<user> is not authorized to perform: ecr:BatchGetImage on resource: ... with an explicit deny in an identity-based policy"
CANNOT_PULL = (
    "CannotPullContainerError: The task can\u2019t pull the image. Check that the role has the permissions to pull images from the "
    "registry. Error response from daemon: pull access denied for <host>/<repository>, repository does not exist or may require "
    "'docker login': denied: " + IMAGE
)
MANIFEST = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "

USERNAME = "username: AuthorizationData is malformed, empty field"
PASSWORD = "password: AuthorizationData is malformed, empty field"
SCHEMA = "authorization data: unable to unmarshal secret value, invalid schema"
EMPTY = "authorization data: empty secrets value"
OF_SECRET = "secret from the service for <secret>: "
DELETED = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion."
MISSING = "ResourceNotFoundException: Secrets Manager can't find the specified secret."
NO_SECRET = denied("secretsmanager:GetSecretValue", "<secret>")
NO_KEY = "AccessDeniedException: Access to KMS is not allowed"
NO_PARAMETER = denied("ssm:GetParameters", "<parameter>")
NO_MEMBER = "etrieved secret from Secrets Manager did not contain json key colour"
NO_GROUP = "ResourceNotFoundException: The specified log group does not exist."
SSM = "Fetching secret data from SSM Parameter Store in us-east-1: "


def words(tail):
    """A cause that both have in the same words behind their own beginnings."""
    return REGISTRY + "asm fetching " + tail, "Asm fetching " + tail


# cause → how, Fargate's reason, the agent's reason, and whether the agent's is the container's. `...` stands for any text.
CAUSES = {
    "username missing": (content({"user": "x", "password": "p"}), *words(USERNAME), False),
    "username empty": (content({"username": "", "password": "p"}), *words(USERNAME), False),
    "password missing": (content({"username": "x"}), *words(PASSWORD), False),
    "password empty": (content({"username": "x", "password": ""}), *words(PASSWORD), False),
    "not JSON": (content("x:p"), *words(SCHEMA), False),
    "a number for a string": (content({"username": "x", "password": 1}), *words(SCHEMA), False),
    "binary": (content(b'{"username":"x","password":"p"}'), *words(EMPTY), False),
    "marked for deletion": (
        marked_for_deletion,
        REGISTRY + "asm fetching " + OF_SECRET + DELETED,
        "Asm fetching " + OF_SECRET + ASM + DELETED,
        False,
    ),
    "no such credential": (
        missing_credential,
        REGISTRY + "asm fetching " + OF_SECRET + MISSING,
        "Asm fetching " + OF_SECRET + ASM + MISSING,
        False,
    ),
    "no permission for the credential": (
        denied_credential,
        REGISTRY + "asm fetching " + OF_SECRET + NO_SECRET + STATUS,
        "Asm fetching " + OF_SECRET + ASM + "api error " + NO_SECRET,
        False,
    ),
    "no permission for the credential's key": (
        denied_key,
        REGISTRY + "asm fetching " + OF_SECRET + NO_KEY + STATUS,
        "Asm fetching " + OF_SECRET + ASM + "api error " + NO_KEY,
        False,
    ),
    "a wrong password": (
        wrong_password,
        "CannotPullContainerError: pull image manifest has been retried ... time(s): failed to resolve ref <image>: "
        "...401 Unauthorized",
        "CannotPullImageManifestError: Error response from daemon: ...unauthorized...",
        True,
    ),
    "no such image": (
        missing_image,
        "CannotPullContainerError: pull image manifest has been retried ... time(s): failed to resolve ref <image>: "
        "...not found",
        "CannotPullImageManifestError: Error response from daemon: manifest unknown: manifest unknown",
        True,
    ),
    "no such member of a secret": (missing_key_of_json, SECRET + "r" + NO_MEMBER, "R" + NO_MEMBER, False),
    "no such secret": (
        missing_secret,
        SECRET + "failed to fetch secret <secret> from secrets manager: " + MISSING,
        "ResourceNotFoundException: The task can't retrieve the secret with ARN '<secret>' from AWS Secrets Manager. Check "
        "whether the secret exists in the specified Region: " + ASM + MISSING,
        False,
    ),
    "no permission for a secret": (
        denied_secret,
        SECRET + "failed to fetch secret <secret> from secrets manager: " + NO_SECRET + STATUS,
        # The second copy is cut off: a reason has 1,024 characters at most.
        "Secret <secret>: " + ASM + "api error " + NO_SECRET + ": " + ASM + "api error AccessDeniedException: <user> is not "
        "authorized to perform: secretsmanager:GetSecretValue on resource: <secret> ...",
        False,
    ),
    "no such parameter": (
        missing_parameters,
        PARAMETER + "invalid parameters: /not/there",
        SSM + "invalid parameters: /not/there",
        False,
    ),
    "no permission for a parameter": (
        denied_parameter,
        PARAMETER + NO_PARAMETER + STATUS,
        SSM + "operation error SSM: GetParameters, <answered>api error " + NO_PARAMETER,
        False,
    ),
    "no such env file": (
        missing_env_file,
        FILES + "NoSuchKey: The specified key does not exist. status code: 404, request id: <id>",
        "Unable to download env file with key none.env from bucket <bucket>, error: operation error S3: GetObject, "
        "<answered>api error NoSuchKey: The specified key does not exist.",
        False,
    ),
    "no permission to locate a bucket": (
        no_bucket_location,
        FILES + "AccessDenied: <user> is not authorized to perform: s3:GetBucketLocation on resource: ...",
        "Unable to initialize s3 client for bucket <bucket>, error: operation error S3: GetBucketLocation, <answered>api error "
        "AccessDenied: <user> is not authorized to perform: s3:GetBucketLocation on resource: ...",
        False,
    ),
    "no credential for a private image": (
        no_credential,
        MANIFEST + "<image>: pulling from host <host> failed with status code [manifests oci]: 401 Unauthorized",
        "CannotPullImageManifestError: Error response from daemon: Head \"http://<host>/v2/team/app/manifests/oci\": no basic "
        "auth credentials",
        True,
    ),
    "two secrets": (
        two_secrets,
        SECRET + "r" + NO_MEMBERS + "x",
        "R" + NO_MEMBERS + "x;r" + NO_MEMBERS + "y",
        False,
    ),
    "a secret in a shell's quotes": (quoted_json, SECRET + NOT_JSON, "I" + NOT_JSON[1:], False),
    "text behind a JSON object": (trailing_json, SECRET + "i" + TRAILING, "I" + TRAILING, False),
    "no such Region": (
        no_region,
        LOGS + ENDPOINT + " : exit status 1",
        DAEMON.replace("<answered>", "") + ENDPOINT,
        True,
    ),
    "no permission for a token of ECR": (
        denied_ecr_token,
        RESOURCES + "unable to retrieve ecr registry auth: " + ONCE + TOKEN + STATUS,
        "CannotPullECRContainerError: operation error ECR: GetAuthorizationToken, <answered>api error " + TOKEN,
        True,
    ),
    "no permission for an image of ECR": (
        denied_ecr_image,
        MANIFEST + "<host>/<repository>:1: pulling from host <host> failed with status code [manifests 1]: 403 Forbidden",
        CANNOT_PULL,
        True,
    ),
    "no permission for an image of ECR by its digest": (
        denied_ecr_digest,
        MANIFEST + "<host>/<repository>@sha256:...: unexpected status from HEAD request to "
        "https://<host>/v2/<repository>/blobs/sha256:...: 403 Forbidden",
        CANNOT_PULL,
        True,
    ),
    "no permission for an env file": (
        denied_env_file,
        FILES + "AccessDenied: ... is not authorized to perform: s3:GetObject on resource: ...",
        "Unable to download env file with key app.env from bucket <bucket>, error: ... is not authorized to perform: "
        "s3:GetObject on resource: ...",
        False,
    ),
    "no registry there": (
        no_registry,
        *pulled(
            'failed to resolve ref <host>/team/app:1: failed to do request: Head "http://<host>/v2/team/app/manifests/1": '
            + REFUSED,
            'Get "http://<host>/v2/": ' + REFUSED,
        ),
        True,
    ),
    "an image name that is none": (
        container_with(image="team/UPPER:1", repositoryCredentials=None),
        *pulled(*2 * ["invalid reference format: repository name must be lowercase"]),
        True,
    ),
    "a user who may not pull": (
        misbehaving("denied"),
        *pulled(
            "failed to resolve ref <image>: pulling from host <host> failed with status code [manifests latest]: 403 Forbidden",
            PULL_DENIED,
        ),
        True,
    ),
    "too many pulls": (
        misbehaving("rate-limit", retry_after=600),
        *pulled(
            "failed to resolve ref <image>: pulling from host <host> failed with status code [manifests latest]: 429 Too Many "
            "Requests",
            "toomanyrequests: you have reached your pull rate limit",
        ),
        True,
    ),
    "an image for another machine": (
        misbehaving("wrong-platform"),
        *pulled(
            "image Manifest does not contain descriptor matching platform 'linux/...'",
            "no matching manifest for linux/... in the manifest list entries",
        ),
        True,
    ),
    "a layer that is lost": (
        lost_layer,
        *layers(
            "content at http://<host>/v2/team/app/blobs/<layer> not found: not found",
            "blob unknown: blob unknown to registry",
        ),
        True,
    ),
    "a layer that is refused": (
        misbehaving("denied-layer"),
        *layers(
            "unexpected status code http://<host>/v2/team/app/blobs/sha256:...: 403 Forbidden - Server message: " + NO_ACCESS,
            PULL_DENIED,
            "The task can\u2019t pull the image. Check whether the image exists. ",
        ),
        True,
    ),
    "no such program": (
        container_with(command=["/nope"]),
        *started('exec: "/nope": stat /nope: no such file or directory'),
        True,
    ),
    "no such program in PATH": (
        container_with(command=["nope"]),
        *started('exec: "nope": executable file not found in $PATH'),
        True,
    ),
    "a program that is none": (
        container_with(command=["/etc/hosts"]),
        *started('exec: "/etc/hosts": permission denied'),
        True,
    ),
    "a program that is a directory": (
        container_with(command=["/bin"]),
        *started('exec: "/bin": is a directory'),
        True,
    ),
    "a working directory that is a file": (
        container_with(command="true", workingDirectory="/etc/hosts"),
        *started('chdir to cwd ("/etc/hosts") failed: not a directory'),
        True,
    ),
    "no such user": (
        container_with(command="true", user="nosuchuser"),
        "CannotStartContainerError: " + NO_USER,
        "CannotStartContainerError: " + OF_DAEMON + NO_USER,
        True,
    ),
    "no program": (
        no_program,
        "CannotCreateContainerError: No command specified",
        "CannotCreateContainerError: " + OF_DAEMON + "No command specified",
        True,
    ),
    "no log group": (missing_group, LOGS + NO_GROUP + " : exit status 1", DAEMON + NO_GROUP, True),
    "no permission for the log stream": (
        denied_stream,
        LOGS + "AccessDeniedException: <user> is not authorized to perform: logs:CreateLogStream on resource: ...",
        DAEMON + "api error AccessDeniedException: <user> is not authorized to perform: logs:CreateLogStream on resource: ...",
        True,
    ),
}


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause(tasks, admin, account_id, hostile, cause, launch):
    how, fargate, agent, of_container = CAUSES[cause]
    stage = Stage(tasks, admin, account_id, hostile)
    main = how(stage)
    network, settings = LAUNCHES[launch]
    definition = tasks.define(main, network=network, **settings, **stage.settings)
    arn = tasks.run(definition, network, launchType=launch)
    task, seen = tasks.watch(arn, 120)
    assert_never_ran(task, seen)
    assert task["launchType"] == launch
    said, expected = task["stoppedReason"], fargate if launch == "FARGATE" else agent
    if launch != "FARGATE" and of_container:
        assert said == "Task failed to start"
        said = container(task)["reason"]
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    said = hidden(said, stage.names)
    assert re.fullmatch(pattern, said, re.DOTALL), f"{said}\nexpected {expected}"
    step = failed_step(tasks.trace(arn))
    assert step and step["outcome"]["detail"] and step["hint"], step
