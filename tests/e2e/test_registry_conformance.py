"""The official conformance suites against `landfall serve`, with ECR's rules: single blobs are not deleted (see
docs/registry.md); everything else passes."""

import pytest
from support import conformance

from harness import ecr
from harness.account import unique


@pytest.fixture
def repositories(admin, account_id):
    """Two that are there before the suite, as ECR wants it."""
    names = [unique("conformance/app") for _ in range(2)]
    for name in names:
        admin.client("ecr").create_repository(repositoryName=name)
    return [f"{account_id}/us-east-1/{name}" for name in names]


@pytest.mark.timeout(600)
def test_the_categories(admin, repositories, tmp_path):
    username, password = ecr.login(admin)
    ran, failed = conformance.categories(
        conformance.build("categories"),
        url=admin.endpoint,
        names=repositories,
        username=username,
        password=password,
        results=tmp_path,
    )
    for category in ("Pull", "Push", "Content Discovery", "Content Management"):
        assert any(f"Conformance Tests {category} " in name for name in ran), (category, ran)
    assert [name for name in failed if " Content Management Blob delete " not in name] == []


@pytest.mark.timeout(600)
def test_every_interface_and_kind_of_content(admin, repositories, tmp_path):
    username, password = ecr.login(admin)
    ran, failed = conformance.whole(
        conformance.build("whole"),
        host=admin.endpoint.removeprefix("http://"),
        names=repositories,
        username=username,
        password=password,
        results=tmp_path,
        more={"OCI_API_BLOBS_DELETE": "false"},
    )
    assert len(ran) > 150, ran
    assert not failed
