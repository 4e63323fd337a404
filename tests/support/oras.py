"""Builds `oras`, pinned by module version and checksum, and runs it."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "tests" / "registry" / "oras"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "oras"


def build():
    TARGET.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false"}
    subprocess.run(["go", "build", "-o", TARGET / "oras", "oras.land/oras/cmd/oras"], cwd=MODULE, env=environment, check=True, timeout=900)
    return TARGET / "oras"


class Oras:
    """`oras` with a directory of its own for what it remembers."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory

    def command(self, *arguments, stdin=None):
        run = subprocess.run(
            [self.program, *map(str, arguments), "--registry-config", self.directory / "auth.json"],
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def login(self, host, user, password):
        return self.command("login", host, "--plain-http", "--username", user, "--password-stdin", stdin=password)
