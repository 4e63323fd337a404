"""The registry, standing alone, passes the official conformance suites in every category."""

import pytest
from support import conformance, standalone_registry
from support.standalone_registry import PASSWORD, USER


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    program = standalone_registry.build()
    with standalone_registry.Registry(program, tmp_path_factory.mktemp("registry")) as running:
        yield running.host


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
