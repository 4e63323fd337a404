"""The registry, standing alone, passes the official conformance suites in every category."""

import os
import subprocess

import pytest
from support import conformance

USER, PASSWORD = "conformance", "not-a-secret"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """The registry over memory: no accounts, no policies."""
    build = ["cargo", "build", "--quiet", "--package", "landfall-registry", "--example", "serve"]
    subprocess.run(build, cwd=conformance.ROOT, check=True, timeout=900)
    program = conformance.TARGET.parent / "debug" / "examples" / "serve"
    process = subprocess.Popen(
        [program, tmp_path_factory.mktemp("registry")],
        env=os.environ | {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()


@pytest.mark.timeout(1000)
def test_the_four_categories(registry, tmp_path):
    program = conformance.build("categories")
    ran, failed = conformance.categories(
        program,
        url=f"http://{registry}",
        names=("conformance/one", "conformance/two"),
        username=USER,
        password=PASSWORD,
        results=tmp_path,
    )
    for category in ("Pull", "Push", "Content Discovery", "Content Management"):
        assert any(f"Conformance Tests {category} " in name for name in ran), (category, ran)
    assert not failed


@pytest.mark.timeout(1000)
def test_every_interface_and_kind_of_content(registry, tmp_path):
    program = conformance.build("whole")
    ran, failed = conformance.whole(
        program,
        host=registry,
        names=("whole/one", "whole/two"),
        username=USER,
        password=PASSWORD,
        results=tmp_path,
    )
    assert len(ran) > 250, ran
    assert not failed
