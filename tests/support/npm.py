"""Packages of npm, pinned by a lock file and kept below `target/`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def tool(name: str) -> str:
    """A program that has to be there; `apt-get install nodejs npm` has these."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"`{name}` is missing; `apt-get install nodejs npm` has it")
    return found


def install(source: Path, name: str) -> Path:
    """The directory where the packages of `source` are installed, as its lock file says."""
    directory = TARGET / name
    directory.mkdir(parents=True, exist_ok=True)
    wanted = (source / "package-lock.json").read_bytes()
    installed = directory / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != wanted:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, directory)
        subprocess.run([tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=directory, check=True)
        installed.write_bytes(wanted)
    return directory
