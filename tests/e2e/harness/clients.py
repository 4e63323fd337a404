"""Container clients of the field, unmodified, each with a state of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.waiting import until


def run(*command, check=True, timeout=120, **more):
    """Runs a program; its standard output, or the completed process where `check` is off."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout, **more)
    if not check:
        return done
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Skopeo:
    """Moves images between layouts and registries."""

    def __init__(self, directory):
        self.auth = Path(directory) / "skopeo.json"

    def login(self, host, username, password):
        run("skopeo", "login", "--tls-verify=false", "--authfile", self.auth, "-u", username, "--password-stdin", host, input=password)

    def command(self, *arguments, check=True):
        return run("skopeo", "--insecure-policy", *arguments, check=check)

    def push(self, layout, uri, *, check=True):
        options = ("--all", "--preserve-digests", "--retry-times=0", "--dest-tls-verify=false", "--dest-authfile", self.auth)
        return self.command("copy", *options, f"oci:{layout}", f"docker://{uri}", check=check)

    def pull(self, uri, layout, *, check=True):
        options = ("--all", "--preserve-digests", "--retry-times=0", "--src-tls-verify=false", "--src-authfile", self.auth)
        return self.command("copy", *options, f"docker://{uri}", f"oci:{layout}", check=check)

    def inspect(self, uri, *, check=True):
        return self.command("inspect", "--raw", "--tls-verify=false", "--authfile", self.auth, f"docker://{uri}", check=check)


class Podman:
    """Podman with storage of its own."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.auth = self.directory / "auth.json"
        policy = self.directory / "policy.json"
        policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        self.policy = policy

    def command(self, *arguments, check=True, **more):
        state = ("--root", self.directory / "root", "--runroot", self.directory / "run", "--tmpdir", self.directory / "tmp")
        return run("podman", *state, "--storage-driver=vfs", *arguments, check=check, **more)

    def login(self, host, username, password):
        arguments = ("--tls-verify=false", "--authfile", self.auth, "-u", username, "--password-stdin", host)
        return self.command("login", *arguments, input=password)

    def pull(self, uri, *, check=True):
        options = ("--tls-verify=false", "--authfile", self.auth, "--signature-policy", self.policy)
        return self.command("pull", *options, uri, check=check)

    def push(self, uri, *, check=True):
        options = ("--tls-verify=false", "--authfile", self.auth, "--signature-policy", self.policy)
        return self.command("push", *options, uri, check=check)


class Docker:
    """A daemon of its own, and the client that talks to it. `wrapped` makes the daemon's command line run somewhere else."""

    def __init__(self, directory, wrapped=lambda *command: command, environment=()):
        self.directory = Path(directory)
        self.socket = f"unix://{self.directory}/docker.sock"
        self.log = (self.directory / "dockerd.log").open("w")
        self.process = subprocess.Popen(
            wrapped(
                "dockerd",
                f"--host={self.socket}",
                f"--data-root={self.directory}/data",
                f"--exec-root={self.directory}/exec",
                f"--pidfile={self.directory}/docker.pid",
                "--storage-driver=vfs",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--ip-masq=false",
            ),
            env=os.environ | dict(environment),
            stdout=self.log,
            stderr=self.log,
        )

    def __enter__(self):
        until("the docker daemon", self._is_ready, 60, 0.2)
        return self

    def _is_ready(self):
        assert self.process.poll() is None, (self.directory / "dockerd.log").read_text()[-3000:]
        return self.command("version", check=False).returncode == 0

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def client_environment(self):
        """With the API that Debian's daemon speaks, whatever client is installed."""
        return {
            "DOCKER_HOST": self.socket,
            "DOCKER_CONFIG": str(self.directory / "config"),
            "DOCKER_API_VERSION": "1.41",
        }

    def command(self, *arguments, check=True, **more):
        return run("docker", *arguments, check=check, env=os.environ | self.client_environment(), **more)

    def login(self, host, username, password):
        return self.command("login", "-u", username, "--password-stdin", host, input=password)
