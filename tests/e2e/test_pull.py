"""Pulling: what is retried, where credentials go, and a disk that is full."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from harness import registries
from harness.account import Account
from harness.tasks import Tasks, assert_never_ran, exit_code, failed_step
from support import images
from support.hostile_registry import HostileRegistry


@pytest.mark.parametrize("mode", ["ok", "rate-limit-once", "server-error-once"])
def test_a_registry_that_is_tired_for_a_moment(tasks, hostile, mode):
    main, role = tasks.hostile_container(hostile(mode))
    task = tasks.finish(main, executionRoleArn=role, timeout=90)
    assert exit_code(task) == 0, tasks.story(task)


def test_layers_elsewhere_do_not_see_the_password(tasks, hostile):
    image = registries.fresh()
    with HostileRegistry("ok", image=image) as elsewhere:
        elsewhere.add(image, "team/app")
        registry = hostile("redirect-layer", image=image, redirect_to=f"http://{elsewhere.host}/v2/team/app/blobs")
        main, role = tasks.hostile_container(registry)
        task = tasks.finish(main, executionRoleArn=role)
        assert exit_code(task) == 0, tasks.story(task)
        assert elsewhere.requests, "no layer was fetched from where the registry pointed"
        assert elsewhere.requests_with_credentials() == []


def test_credentials_are_not_offered_before_they_are_asked_for_by_another_host(tasks, hostile):
    """The secret is for the image's registry: two registries see their own password only."""
    one, two = hostile("ok"), hostile("ok")
    first, role_one = tasks.hostile_container(one)
    second, role_two = tasks.hostile_container(two)
    for main, role in ((first, role_one), (second, role_two)):
        assert exit_code(tasks.finish(main, executionRoleArn=role)) == 0
    seen_by_one = {r.authorization for r in one.requests if r.authorized}
    seen_by_two = {r.authorization for r in two.requests if r.authorized}
    assert seen_by_one and seen_by_two and not seen_by_one & seen_by_two


def test_layers_are_pulled_once(tasks, hostile):
    registry = hostile("ok")
    main, role = tasks.hostile_container(registry)
    assert exit_code(tasks.finish(main, executionRoleArn=role)) == 0
    blobs = len(registry.requests_for("/blobs/"))
    assert exit_code(tasks.finish(main, executionRoleArn=role)) == 0
    assert len(registry.requests_for("/blobs/")) == blobs
    manifests = [r for r in registry.requests_for("/manifests/") if r.authorized]
    assert len(manifests) >= 2


def test_three_tasks_of_one_new_image_at_once(tasks, hostile):
    main, role = tasks.hostile_container(hostile("ok"))
    definition = tasks.define(main, executionRoleArn=role)
    arns = [t["taskArn"] for t in tasks.run_raw(definition, count=3)["tasks"]]
    assert [exit_code(tasks.wait_stopped(arn)) for arn in arns] == [0, 0, 0]


@contextmanager
def small_disk(directory, size):
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "landfall-e2e", str(directory)], check=True)
    try:
        yield directory / "data"
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_disk_that_is_full_during_a_pull(make_server, hostile, tmp_path):
    with small_disk(tmp_path / "disk", "48m") as data_dir:
        server = make_server(data_dir=data_dir)
        owner = Account.from_env(server.env())
        tasks = Tasks(server, owner)
        large = images.layer(images.files_archive({"large": os.urandom(80 << 20)}), "none")
        main, role = tasks.hostile_container(hostile("ok", image=registries.fresh(large)))
        arn = tasks.run(tasks.define(main, executionRoleArn=role))
        task, seen = tasks.watch(arn, 90)
        assert_never_ran(task, seen)
        assert task["stoppedReason"].startswith("CannotPullContainerError: ")
        assert "no space left on device" in task["stoppedReason"].lower()
        assert failed_step(tasks.trace(arn))["hint"]
        # The server still works, and what was half pulled is gone.
        assert owner.secret("still writing")
        assert shutil.disk_usage(data_dir).free > 20 << 20
        small, role = tasks.hostile_container(hostile("ok", image=images.build()))
        assert exit_code(tasks.wait_stopped(tasks.run(tasks.define(small, executionRoleArn=role)))) == 0
        assert not tasks.end()
        assert server.stop() == 0
