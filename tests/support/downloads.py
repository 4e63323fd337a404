"""What the tests fetch from the registries of npm and Go.

A worker of pytest has a network of its own, without a way out: everything that comes from outside is fetched before there are
workers, by the process that starts them. A run without workers needs none of this: its tests fetch for themselves.
"""

import os
import subprocess

from support import conformance, npm

TESTS = npm.ROOT / "tests"
PACKAGES = {"outside-judge": TESTS / "differential", "sdk-javascript": TESTS / "e2e" / "sdk_javascript"}


def fetch():
    """Fetches all of it; what is there already is not fetched again."""
    for name, source in PACKAGES.items():
        npm.install(source, name)
    for module in sorted(TESTS.glob("registry/**/go.mod")):
        environment = os.environ | {"GOFLAGS": "-mod=readonly"}
        subprocess.run(["go", "mod", "download"], cwd=module.parent, env=environment, check=True, timeout=600)
    # A test's dependencies need not be in `go.mod`; building it fetches them.
    for module in sorted(conformance.MODULES.glob("*/go.mod")):
        conformance.build(module.parent.name)
