"""A server of our own: start, stop, kill, read its log."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from harness.waiting import until


def binary():
    """The program under test."""
    path = os.environ.get("LANDFALL_BIN")
    if not path:
        raise RuntimeError(
            "`LANDFALL_BIN` is not set: expected the path of the landfall binary (run `cargo xtask test`)"
        )
    return path


def free_port():
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def bare_environment(**more):
    """The environment without any setting of AWS or Landfall, so that a developer's settings cannot leak into a test."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LANDFALL_", "XDG_"))}
    clean.update(more)
    return clean


class Server:
    """`landfall serve` on a data directory. Can be started again on the same directory and port."""

    def __init__(self, data_dir=None, arguments=(), environment=None):
        self._own_directory = None
        if data_dir is None:
            self._own_directory = tempfile.TemporaryDirectory(prefix="landfall-e2e-", ignore_cleanup_errors=True)
            data_dir = Path(self._own_directory.name) / "data"
        self.data_dir = Path(data_dir)
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.port = free_port()
        self.process = None
        logs = tempfile.NamedTemporaryFile(prefix="landfall-e2e-", suffix=".log", delete=False)
        logs.close()
        self.log_path = Path(logs.name)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout=30):
        """Starts the server and waits until it says that it is ready."""
        assert self.process is None, "the server runs already"
        command = [
            binary(),
            "serve",
            "--listen",
            f"127.0.0.1:{self.port}",
            "--data-dir",
            str(self.data_dir),
            *([] if "--registry-timeout" in self.arguments else ["--registry-timeout", "5"]),
            *self.arguments,
        ]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=bare_environment(**self.environment)
            )
        until("the server's health", self.is_ready, timeout)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode} before it was ready:\n{self.log()}")
        health = self.health()
        return health is not None and health[0] == 200

    def health(self, path="/_landfall/health"):
        """Status and JSON of the health page, or nothing while nobody listens."""
        try:
            with urllib.request.urlopen(self.endpoint + path, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None
        except OSError:
            return None

    def stop(self, timeout=30):
        """Asks the server to end (SIGTERM), as an operator would. Returns its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"the server did not end within {timeout} s after SIGTERM:\n{self.log()[-4000:]}"
            ) from None
        self.process = None
        return code

    def kill(self):
        """`kill -9`."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self):
        """All that the server wrote so far, over all its lives."""
        return self.log_path.read_text(errors="replace")

    def command(self, *arguments, timeout=60, input=None, environment=None, check=False):
        """Runs another command of the binary against this server, as in a shell after `eval "$(landfall env)"`."""
        return run(
            *arguments, timeout=timeout, input=input, check=check, environment={**self.env(), **(environment or {})}
        )

    def env(self):
        """What `landfall env --json` says, as a dictionary."""
        answer = run("env", "--data-dir", str(self.data_dir), "--json", check=True)
        variables = json.loads(answer.stdout)
        variables["AWS_ENDPOINT_URL"] = self.endpoint
        return variables

    def remove(self):
        """Removes log and data directory."""
        self.log_path.unlink(missing_ok=True)
        if self._own_directory:
            self._own_directory.cleanup()


def run(*arguments, timeout=60, input=None, environment=None, check=False):
    """Runs the binary and returns the completed process, with its output as text."""
    done = subprocess.run(
        [binary(), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        input=input,
        env=bare_environment(**(environment or {})),
        stdin=None if input is not None else subprocess.DEVNULL,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"`landfall {' '.join(arguments)}` ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done
