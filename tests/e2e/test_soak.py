"""A short soak of the registry: pushes, mounts, deletions and collections while the server is killed again and again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_nothing_that_was_acknowledged_is_lost():
    """`cargo xtask soak` for hours is for whoever changes the registry; half a minute is for everybody."""
    cargo = shutil.which("cargo")
    assert cargo, "`cargo` is missing: the soak program is part of the workspace"
    command = [cargo, "xtask", "soak", "--minutes", "0.5", "--kill-within", "6", "--landfall", os.environ["LANDFALL_BIN"]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    assert "nothing that was acknowledged was lost" in done.stdout
