"""`amazon-ecr-credential-helper`, unmodified: skopeo, podman and docker ask it for the password of a registry that they know by
AWS's host name, and nobody logs in anywhere. The helper takes a token only for an endpoint in AWS's form: `--registry-name aws`.

The name leads to this server as it would on a machine set up for that: by `/etc/hosts`, here of a mount namespace, to port 443
of a loopback address, over TLS by the installation's authority."""

import json
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from support import credential_helper, images

from harness import clients, ecr
from harness.account import Account, allow, deny, unique
from harness.server import bare_environment, run
from harness.waiting import until

#: A loopback address that is nobody's, so that its port 443 is free.
ADDRESS = "127.4.43.1"
REGION = "us-east-1"


class Forwarder:
    """Port 443 of a loopback address leads to the server's port."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server((ADDRESS, 443))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def close(self):
        # Wakes whoever waits in `accept`.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def _copy(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()


class Machine:
    """A machine whose clients find AWS's names here, trust the authority, and have the helper and somebody's keys."""

    def __init__(self, server, directory):
        self.directory = Path(directory)
        self.secure = json.loads(run("env", "--data-dir", str(server.data_dir), "--json", "--tls", check=True).stdout)
        self.admin = Account.from_env(server.env())
        self.host = f"{self.admin.id}.dkr.ecr.{REGION}.amazonaws.com"
        self.hosts = self.directory / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {self.host}\n")
        self.config = self.directory / "config.json"
        self.config.write_text(json.dumps({"credHelpers": {self.host: "ecr-login"}}))
        self.path = credential_helper.build()

    def environment(self, account):
        home = self.directory / unique("home")
        home.mkdir()
        keys = {"AWS_ACCESS_KEY_ID": account.access_key, "AWS_SECRET_ACCESS_KEY": account.secret_key}
        return bare_environment(
            **keys,
            AWS_REGION=REGION,
            AWS_ENDPOINT_URL_ECR=self.secure["AWS_ENDPOINT_URL"],
            AWS_CA_BUNDLE=self.secure["AWS_CA_BUNDLE"],
            SSL_CERT_FILE=self.secure["AWS_CA_BUNDLE"],
            HOME=str(home),
            PATH=f"{self.path}:{os.environ['PATH']}",
        )

    def wrapped(self, *command):
        """The command with our `/etc/hosts`."""
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.hosts), *map(str, command)]

    def run(self, account, *command, check=True):
        return clients.run(*self.wrapped(*command), check=check, env=self.environment(account))


@pytest.fixture
def machine(make_server):
    assert shutil.which("go"), "`go` is missing: the credential helper is built from the Go module proxy"
    server = make_server("--registry-name", "aws")
    with tempfile.TemporaryDirectory(prefix="lf-helper-", ignore_cleanup_errors=True) as directory:
        forwarder = Forwarder(server.port)
        yield Machine(server, directory)
        forwarder.close()


@pytest.fixture
def admin(machine):
    return machine.admin


@pytest.fixture
def repository(machine, admin):
    made = ecr.repository(admin)
    assert made["repositoryUri"] == f"{machine.host}/{made['repositoryName']}"
    return made


def local(repository):
    """The repository as the server's own port names it."""
    return f"{repository['registryId']}/{REGION}/{repository['repositoryName']}"


def push(admin, image, repository):
    registry = ecr.Registry.of(admin)
    return registry.push(image, f"{registry.host}/{local(repository)}", "v1")


def manifest(admin, repository, tag):
    read = ecr.Registry.of(admin).send("GET", f"/v2/{local(repository)}/manifests/{tag}")
    return read.data if read.status == 200 else None


def test_the_helper_answers_as_docker_asks(machine, admin):
    asked = clients.run("docker-credential-ecr-login", "get", input=machine.host, env=machine.environment(admin))
    got = json.loads(asked)
    assert got["Username"] == "AWS" and got["ServerURL"] == machine.host
    registry = ecr.Registry(admin.endpoint.removeprefix("http://"), "AWS", got["Secret"])
    assert registry.send("GET", "/v2/").status == 200
    nobody = admin.user(deny("ecr:*"))
    refused = clients.run(
        "docker-credential-ecr-login", "get", input=machine.host, env=machine.environment(nobody), check=False
    )
    assert refused.returncode == 1 and "credentials not found" in refused.stdout + refused.stderr


def test_skopeo_with_the_helper(machine, admin, repository, tmp_path):
    image = ecr.several_platforms(unique("helper"))
    source = ecr.repository(admin)
    push(admin, image, source)
    skopeo, host = clients.Skopeo(tmp_path), admin.endpoint.removeprefix("http://")
    skopeo.login(host, *ecr.login(admin))
    skopeo.pull(f"{host}/{local(source)}:v1", f"{tmp_path}/layout:v1")
    name = f"docker://{machine.host}/{repository['repositoryName']}:v1"
    copy = ("skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests", "--authfile", machine.config)
    machine.run(admin, *copy, f"oci:{tmp_path}/layout:v1", name)
    assert manifest(admin, repository, "v1") == image.manifest
    machine.run(admin, *copy, name, f"oci:{tmp_path}/again:v1")
    index = json.loads((tmp_path / "again" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == image.digest
    reader = admin.user(allow(["ecr:GetAuthorizationToken"]))
    refused = machine.run(reader, *copy, name, f"oci:{tmp_path}/never:v1", check=False)
    arn = reader.sts.get_caller_identity()["Arn"]
    assert refused.returncode != 0
    assert f"User: {arn} is not authorized to perform: ecr:BatchGetImage on resource: {repository['repositoryArn']}" in refused.stderr


def test_podman_with_the_helper(machine, admin, repository):
    image = ecr.several_layers(unique("podman"))
    push(admin, image, repository)
    # It takes no long paths.
    with tempfile.TemporaryDirectory(prefix="lf-podman-") as directory:
        podman = clients.Podman(directory)
        state = ("podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run", "--tmpdir", f"{directory}/tmp", "--storage-driver=vfs")
        options = ("--authfile", machine.config, "--signature-policy", podman.policy)
        name = f"{machine.host}/{repository['repositoryName']}"
        machine.run(admin, *state, "pull", *options, f"{name}:v1")
        machine.run(admin, *state, "tag", f"{name}:v1", f"{name}:v2")
        machine.run(admin, *state, "push", *options, f"{name}:v2")
    assert json.loads(manifest(admin, repository, "v2"))["config"] == json.loads(image.manifest)["config"]


def test_docker_with_the_helper(machine, admin, repository):
    image = ecr.several_layers(unique("docker"), docker=True)
    digest = push(admin, image, repository)
    name = f"{machine.host}/{repository['repositoryName']}"
    with clients.Docker(
        tempfile.mkdtemp(prefix="landfall-docker-"), machine.wrapped, {"SSL_CERT_FILE": machine.secure["AWS_CA_BUNDLE"]}
    ) as docker:
        config = docker.directory / "config"
        config.mkdir(exist_ok=True)
        shutil.copy(machine.config, config / "config.json")
        environment = machine.environment(admin) | docker.client_environment()

        def command(*arguments):
            return clients.run("docker", *arguments, env=environment)

        assert digest in command("pull", f"{name}:v1")
        command("tag", f"{name}:v1", f"{name}:v2")
        assert "v2: digest: sha256:" in command("push", f"{name}:v2")
    mine = until("the pushed manifest", lambda: manifest(admin, repository, "v2"), 10)
    assert json.loads(mine)["config"]["digest"] == json.loads(image.manifest)["config"]["digest"]
    assert json.loads(mine)["mediaType"] == images.DOCKER_MANIFEST
