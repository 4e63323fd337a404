"""TLS on the server's own port: the AWS CLI, boto3, the commands, S3's unsigned payloads, container services."""

import json
import socket
import ssl
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.account import allow, unique
from harness.server import bare_environment, run


@pytest.fixture
def secure(server):
    """What `landfall env --tls` says."""
    answer = run("env", "--data-dir", str(server.data_dir), "--json", "--tls", check=True)
    return json.loads(answer.stdout)


def client(env, service, keys=None, endpoint=None, verify=None):
    access, secret = keys or (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    return boto3.session.Session().client(
        service,
        endpoint_url=endpoint or env["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        verify=verify or env["AWS_CA_BUNDLE"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def context(env):
    return ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"])


def connect(server, env, name):
    host, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    return context(env).wrap_socket(socket.create_connection((host, int(port)), timeout=30), server_hostname=name)


def ask(connection, text):
    connection.sendall(text.replace("\n", "\r\n").encode())
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data.decode()


def test_boto3_and_the_cli_speak_tls(secure):
    assert secure["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    assert client(secure, "sts").get_caller_identity()["Account"] == "000000000000"
    port = secure["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]
    by_name = client(secure, "sts", endpoint=f"https://localhost:{port}")
    assert by_name.get_caller_identity()["Account"] == "000000000000"
    command = [sys.executable, "-m", "awscli", "sts", "get-caller-identity", "--query", "Account", "--output", "text"]
    done = subprocess.run(command, env=bare_environment(**secure), capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("000000000000", 0), done.stderr


def test_our_own_commands_speak_tls(secure):
    done = run("account", "list", environment=secure)
    assert done.returncode == 0 and done.stdout.startswith("000000000000"), done.stderr
    done = run("account", "list", environment={**secure, "AWS_CA_BUNDLE": ""})
    assert done.returncode == 1 and "certificate" in done.stderr, done.stderr


def test_who_does_not_trust_the_authority_is_not_fooled(server):
    host, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    plain = socket.create_connection((host, int(port)), timeout=30)
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_names_of_others_get_no_certificate(server, secure):
    with pytest.raises((ssl.SSLError, OSError)):
        connect(server, secure, "www.example.com")


def test_plain_http_goes_on_beside_it(admin, secure):
    assert admin.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_secure_transport_is_a_condition_that_counts(admin, secure):
    name = unique("user")
    iam = admin.client("iam")
    iam.create_user(UserName=name)
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    policy = allow("secretsmanager:ListSecrets", Condition=condition)
    iam.put_user_policy(UserName=name, PolicyName="tls", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = made["AccessKeyId"], made["SecretAccessKey"]
    client(secure, "secretsmanager", keys).list_secrets()
    with pytest.raises(ClientError) as refused:
        client(secure, "secretsmanager", keys, endpoint=admin.endpoint).list_secrets()
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_s3_takes_chunks_without_signatures(secure):
    """Over TLS today's SDKs send `STREAMING-UNSIGNED-PAYLOAD-TRAILER`."""
    s3 = client(secure, "s3")
    bucket = unique("tls")
    s3.create_bucket(Bucket=bucket)
    body = bytes(range(256)) * 1000
    s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got["ChecksumSHA256"]


def test_a_client_that_says_nothing_or_nonsense_does_no_harm(server, secure):
    host, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    silent = socket.create_connection((host, int(port)))
    garbage = socket.create_connection((host, int(port)), timeout=30)
    garbage.sendall(b"\x16\x03\x01\xff\xff" + b"\x00" * 100)
    garbage.shutdown(socket.SHUT_WR)
    while garbage.recv(4096):
        pass
    assert client(secure, "sts").get_caller_identity()["Account"] == "000000000000"
    silent.close()
    assert "HTTP/1.1 200" in ask(
        connect(server, secure, "a.localhost"), "GET /_landfall/health HTTP/1.1\nHost: a.localhost\nConnection: close\n\n"
    )
