"""The registry of `crates/registry` on its own, over memory: no accounts, no policies."""

import hashlib
import os
import subprocess
from pathlib import Path

import urllib3

ROOT = Path(__file__).parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
USER, PASSWORD = "standalone", "not-a-secret"


def build():
    """The path of the program."""
    command = ["cargo", "build", "--quiet", "--package", "landfall-registry", "--example", "serve"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=900)
    return TARGET / "debug" / "examples" / "serve"


class Registry:
    """A process and a small client for it. `wrap` is put before the command."""

    def __init__(self, program, directory, wrap=()):
        self.process = subprocess.Popen(
            [*wrap, program, directory],
            env=os.environ | {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.host = self.process.stdout.readline().strip()
        headers = urllib3.make_headers(basic_auth=f"{USER}:{PASSWORD}")
        self.pool = urllib3.PoolManager(headers=headers, maxsize=8, timeout=30, retries=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def collect(self):
        """Removes what no manifest names, at once."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def send(self, method, path, **more):
        return self.pool.request(method, f"http://{self.host}{path}", **more)

    def push_blob(self, name, content):
        """In one request; the answer."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        return self.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", body=content)
