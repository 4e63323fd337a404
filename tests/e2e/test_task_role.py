"""Credentials of task roles: unmodified clients in containers find credentials and this server, and nobody finds another's."""

import json
import socket
import sys
from pathlib import Path

import pytest

from harness.account import Account, allow, unique
from harness.tasks import Tasks, exit_code, task_id
from harness.waiting import until

# The host's Python with boto3 and the AWS CLI, as a volume: busybox has neither.
VENV = Path(sys.prefix)
HOST_DIRECTORIES = sorted({str(p) for p in map(Path, ["/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix]) if p.exists()})
FETCH = "wget -q -O - http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"


def with_python(tasks, script, network, **more):
    """Runs a shell script in a container that has the host's Python. Returns its lines."""
    volumes = [{"name": f"v{n}", "host": {"sourcePath": path}} for n, path in enumerate(HOST_DIRECTORIES)]
    mounts = [
        {"sourceVolume": f"v{n}", "containerPath": path, "readOnly": True} for n, path in enumerate(HOST_DIRECTORIES)
    ]
    main = tasks.container(command=script, mountPoints=mounts, memory=256, **more.pop("container", {}))
    definition = tasks.define(main, network=network, volumes=volumes, requiresCompatibilities=["EC2"], **more)
    settings = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-12345678"]}}}
    arn = tasks.run(
        definition, network="bridge", **(settings if network == "awsvpc" else {})
    )
    task = tasks.wait_stopped(arn)
    lines = tasks.lines(task)
    assert exit_code(task) == 0, f"{tasks.story(task)}\n" + "\n".join(lines)
    return task, lines


@pytest.fixture
def bucket(admin):
    name = unique("bucket")
    s3 = admin.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="greeting", Body=b"hello from S3")
    return name


BOTO3 = f"""
{VENV}/bin/python - <<'END'
import boto3, os
print(boto3.client("sts").get_caller_identity()["Arn"])
print(boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key="greeting")["Body"].read().decode())
try:
    boto3.client("secretsmanager").list_secrets()
except Exception as error:
    print(error)
print(os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"], os.environ["AWS_EXECUTION_ENV"])
END
"""


@pytest.mark.parametrize("network", ["bridge", "awsvpc", "host"])
def test_boto3_in_a_container(tasks, admin, account_id, bucket, network):
    role = admin.role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), prefix="task")
    environment = {"environment": [{"name": "BUCKET", "value": bucket}]}
    task, lines = with_python(tasks, BOTO3, network, taskRoleArn=role, container=environment)
    session = f"arn:aws:sts::{account_id}:assumed-role/{role.split('/')[1]}/{task_id(task['taskArn'])}"
    assert lines[:2] == [session, "hello from S3"]
    assert lines[2] == (
        "An error occurred (AccessDeniedException) when calling the ListSecrets operation: "
        f"User: {session} is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy "
        "allows the secretsmanager:ListSecrets action"
    )
    assert lines[3] == "us-east-1 us-east-1 AWS_ECS_EC2"


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_the_aws_cli_in_a_container(tasks, admin, account_id, bucket, network):
    role = admin.role(allow(["s3:GetObject", "s3:ListBucket"]), prefix="task")
    script = f"{VENV}/bin/python {VENV}/bin/aws s3 cp s3://{bucket}/greeting - && {VENV}/bin/python {VENV}/bin/aws sts get-caller-identity --query Account --output text"
    _, lines = with_python(tasks, script, network, taskRoleArn=role)
    assert "hello from S3" in lines[0]
    assert "".join(lines).endswith(account_id)


def test_what_the_endpoint_says(tasks, admin):
    role = admin.role(allow("s3:GetObject"), prefix="task")
    script = (
        f"{FETCH}; echo; "
        "for path in /v2/credentials/0 /v2/credentials/ /v1/credentials /nothing; do "
        "printf 'GET %s HTTP/1.0\\r\\n\\r\\n' $path | nc 169.254.170.2 80 | tail -n 1; echo; done; "
        "env | grep ^AWS_ | cut -d= -f1 | sort"
    )
    task = tasks.finish(tasks.container(command=script), taskRoleArn=role)
    assert exit_code(task) == 0, tasks.story(task)
    lines = [line for line in tasks.lines(task) if line]
    answer = json.loads(lines[0])
    assert list(answer) == ["RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"]
    assert answer["RoleArn"] == role
    assert answer["AccessKeyId"].startswith("ASIA")
    assert json.loads(lines[1]) == {
        "code": "InvalidIdInRequest",
        "message": "CredentialsV2Request: Credentials not found",
        "HTTPErrorCode": 400,
    }
    assert json.loads(lines[2]) == {
        "code": "NoIdInRequest",
        "message": "CredentialsV2Request: No Credential ID in the request",
        "HTTPErrorCode": 400,
    }
    assert json.loads(lines[3])["message"] == "CredentialsV1Request: No Credential ID in the request"
    assert lines[4] == "404 page not found"
    assert lines[5:] == [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
    ]


def test_who_has_no_task_role_gets_nothing(tasks):
    """Neither credentials, nor the API's address, nor the API."""
    script = (
        "env | grep ^AWS_ | cut -d= -f1 | sort; "
        "printf 'GET /v2/credentials/0 HTTP/1.0\\r\\n\\r\\n' | nc 169.254.170.2 80 | tail -n 1; echo; "
        "nc -w 2 169.254.170.2 4566 </dev/null 2>/dev/null || echo refused"
    )
    lines = [line for line in tasks.output(script) if line]
    assert lines[:3] == ["AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_REGION"]
    assert json.loads(lines[3])["code"] == "InvalidIdInRequest"
    assert lines[4] == "refused"


def test_what_the_definition_says_of_region_and_endpoint_stays(tasks, admin):
    role = admin.role(allow("s3:GetObject"), prefix="task")
    environment = [
        {"name": "AWS_REGION", "value": "eu-west-1"},
        {"name": "AWS_ENDPOINT_URL", "value": "http://elsewhere"},
        {"name": "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "value": "/mine"},
    ]
    main = tasks.container(command="env | grep ^AWS_ | grep -v EXECUTION | sort", environment=environment)
    task = tasks.finish(main, taskRoleArn=role)
    lines = tasks.lines(task)
    assert lines[0].startswith("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/")
    assert lines[1:] == ["AWS_ENDPOINT_URL=http://elsewhere", "AWS_REGION=eu-west-1"]


def test_no_task_reads_anothers_credentials(tasks, admin):
    """Not even one that knows the other's id."""
    role = admin.role(allow("s3:GetObject"), prefix="task")
    say = tasks.container(command="echo $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; sleep 60 & wait")
    first = tasks.run(tasks.define(say, taskRoleArn=role))
    tasks.wait_running(first)
    path = until("the path", lambda: tasks.lines({"taskArn": first}))[0]
    assert path.startswith("/v2/credentials/")
    ask = f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc 169.254.170.2 80 | tail -n 1"
    task = tasks.finish(tasks.container(command=ask), taskRoleArn=role)
    assert json.loads(tasks.lines(task)[0])["code"] == "InvalidIdInRequest"


def test_a_program_may_have_every_port_for_itself(tasks, admin):
    role = admin.role(allow("s3:GetObject"), prefix="task")
    script = (
        "for port in 80 4566; do echo own $port | nc -l -p $port >/dev/null & done; sleep 0.5; "
        f"for port in 80 4566; do nc 127.0.0.1 $port </dev/null; done; {FETCH} | grep -c ASIA"
    )
    task = tasks.finish(tasks.container(command=script), taskRoleArn=role)
    assert tasks.lines(task) == ["own 80", "own 4566", "1"]


def test_without_enforcement_containers_do_not_reach_the_api(make_server, registry):
    """Whoever calls such a server may do anything, as root on the host in the end."""
    server = make_server("--auth", "off")
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    role = tasks.account.role(allow("s3:GetObject"), prefix="task")
    script = "nc -w 2 169.254.170.2 4566 </dev/null 2>/dev/null || echo refused; env | grep -c AWS_ENDPOINT_URL; true"
    task = tasks.finish(tasks.container(command=script), taskRoleArn=role)
    assert tasks.lines(task) == ["refused", "0"]
    assert not tasks.end()


def test_the_endpoint_comes_back_with_the_server(make_server, registry):
    """`kill -9`: running containers go on with the address that they have, in every network."""
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    role = tasks.account.role(allow("s3:GetObject"), prefix="task")
    private = f"while sleep 0.3; do {FETCH} 2>/dev/null | cut -c 1-12; done"
    host = "while sleep 0.3; do wget -q -O - $AWS_CONTAINER_CREDENTIALS_FULL_URI 2>/dev/null | cut -c 1-12; done"
    arns = [
        tasks.run(tasks.define(tasks.container(command=private), taskRoleArn=role)),
        tasks.run(tasks.define(tasks.container(command=private), network="bridge", taskRoleArn=role), "bridge"),
        tasks.run(tasks.define(tasks.container(command=host), network="host", taskRoleArn=role), "host"),
    ]
    until("answers", lambda: all(tasks.lines({"taskArn": arn}) for arn in arns))
    server.kill()
    server.start()
    before = {arn: len(tasks.lines({"taskArn": arn})) for arn in arns}
    # What a container wrote while the server was away comes first: it asked in vain then, and wrote nothing.
    until("answers again", lambda: all(len(tasks.lines({"taskArn": arn})) > before[arn] + 1 for arn in arns))
    assert {line for arn in arns for line in tasks.lines({"taskArn": arn})} == {'{"RoleArn":"'}
    assert not tasks.end()


def test_credentials_are_nowhere_on_disk(make_server, registry):
    """Neither the id, nor the keys, in log, rows or files."""
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    role = tasks.account.role(allow("s3:GetObject"), prefix="task")
    # Not written to standard output: what is there is on disk on purpose.
    main = tasks.container(command=f"{FETCH} > /dev/shm/c; nc -l -p 9000 < /dev/shm/c; sleep 1")
    arn = tasks.run(tasks.define(main, taskRoleArn=role))
    address = tasks.wait_running(arn)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    answer = until("the credentials", lambda: _read(address))
    secrets = [answer["SecretAccessKey"], answer["Token"]]
    tasks.wait_stopped(arn)
    everything = server.log().encode() + b"".join(p.read_bytes() for p in server.data_dir.rglob("*") if p.is_file())
    assert not [secret for secret in secrets if secret.encode() in everything]
    environ = Path(f"/proc/{server.process.pid}/environ").read_bytes()
    assert not [secret for secret in secrets if secret.encode() in environ]
    assert not tasks.end()


def _read(address):
    try:
        with socket.create_connection((address, 9000), timeout=2) as connection:
            return json.loads(connection.makefile().read() or "null")
    except OSError:
        return None
