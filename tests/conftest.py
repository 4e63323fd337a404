"""Makes `support` and `e2e/harness` importable, fetches what workers cannot, and refuses to start without the program under test."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for directory in (HERE, HERE / "e2e"):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))

pytest.register_assert_rewrite("harness")


def pytest_configure(config):
    """Workers reach no registry: what they need from there is fetched before they start."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        from support import downloads

        downloads.fetch()


def pytest_collection_modifyitems(config, items):
    """A run without the binary is an error, not a run in which everything is passed over."""
    if config.option.collectonly or not any("e2e" in item.path.parts for item in items):
        return
    binary = os.environ.get("LANDFALL_BIN")
    if not binary or not os.access(binary, os.X_OK):
        raise pytest.UsageError(
            f"`LANDFALL_BIN` is {binary!r}: expected the path of the landfall binary; `cargo xtask test` sets it"
        )
