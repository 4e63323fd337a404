"""Random cases against `@cloud-copilot/iam-simulate`, an evaluator that others wrote.

The package is AGPL-3.0: it is installed below `target/`, runs in a process of its own, and is not shipped. Its known
differences are switches of the naive judge in `crates/iam/tests/naive`; with them not one case may differ.

`LANDFALL_JUDGED` is the number of cases (500), `LANDFALL_JUDGED_FROM` the first seed (0).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support import npm

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def judge() -> Path:
    return npm.install(HERE, "outside-judge")


@pytest.fixture(scope="session")
def differential() -> Path:
    command = ["cargo", "build", "--release", "--package", "landfall-iam", "--example", "differential"]
    subprocess.run(command, cwd=npm.ROOT, check=True)
    return npm.TARGET / "release" / "examples" / "differential"


@pytest.mark.timeout(1800)
def test_no_case_differs(judge: Path, differential: Path) -> None:
    count = int(os.environ.get("LANDFALL_JUDGED", "500"))
    first = os.environ.get("LANDFALL_JUDGED_FROM", "0")
    cases = subprocess.Popen([differential, "emit", first, str(count)], stdout=subprocess.PIPE)
    answer = subprocess.run(
        [npm.tool("node"), HERE / "judge.mjs", judge], stdin=cases.stdout, capture_output=True, text=True, check=False
    )
    assert cases.stdout is not None
    cases.stdout.close()
    assert cases.wait() == 0, "the engine and the naive judge differ; the panic above shows the case"
    assert answer.returncode == 0, f"{answer.stdout}{answer.stderr}"
    counts = json.loads(answer.stdout.splitlines()[-1])
    assert counts["cases"] == count
    assert (counts["differences"], counts["failures"]) == (0, 0)
    assert all(counts["decisions"].get(kind) for kind in ("Allow", "ImplicitDeny", "ExplicitDeny")), counts
