"""Builds `amazon-ecr-credential-helper`, pinned by module version and checksum."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "tests" / "registry" / "credential-helper"
PACKAGE = "github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "credential-helper"


def build():
    """The directory of the program, for `PATH`."""
    TARGET.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false"}
    program = TARGET / "docker-credential-ecr-login"
    subprocess.run(["go", "build", "-o", program, PACKAGE], cwd=MODULE, env=environment, check=True, timeout=500)
    return TARGET
