"""Random cases against `@cloud-copilot/iam-simulate`, an evaluator that others wrote.

The package is AGPL-3.0: it is installed below `target/`, runs in a process of its own, and is not shipped. Its known
differences are switches of the naive judge in `crates/iam/tests/naive`; with them not one case may differ.

`LANDFALL_JUDGED` is the number of cases (500), `LANDFALL_JUDGED_FROM` the first seed (0).
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"`{name}` is missing: the outside judge needs it; `apt-get install nodejs npm` has it")
    return found


@pytest.fixture(scope="session")
def judge() -> Path:
    """The directory where the package is installed, as its lock file says."""
    directory = TARGET / "outside-judge"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package-lock.json").read_bytes()
    installed = directory / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != wanted:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, directory)
        subprocess.run([tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=directory, check=True)
        installed.write_bytes(wanted)
    return directory


@pytest.fixture(scope="session")
def differential() -> Path:
    command = [tool("cargo"), "build", "--release", "--package", "landfall-iam", "--example", "differential"]
    subprocess.run(command, cwd=ROOT, check=True)
    return TARGET / "release" / "examples" / "differential"


@pytest.mark.timeout(1800)
def test_no_case_differs(judge: Path, differential: Path) -> None:
    count = int(os.environ.get("LANDFALL_JUDGED", "500"))
    first = os.environ.get("LANDFALL_JUDGED_FROM", "0")
    cases = subprocess.Popen([differential, "emit", first, str(count)], stdout=subprocess.PIPE)
    answer = subprocess.run(
        [tool("node"), HERE / "judge.mjs", judge], stdin=cases.stdout, capture_output=True, text=True, check=False
    )
    assert cases.stdout is not None
    cases.stdout.close()
    assert cases.wait() == 0, "the engine and the naive judge differ; the panic above shows the case"
    assert answer.returncode == 0, f"{answer.stdout}{answer.stderr}"
    counts = json.loads(answer.stdout.splitlines()[-1])
    assert counts["cases"] == count
    assert (counts["differences"], counts["failures"]) == (0, 0)
    assert all(counts["decisions"].get(kind) for kind in ("Allow", "ImplicitDeny", "ExplicitDeny")), counts
