"""The registry's directory: full, and after `kill -9`."""

import hashlib
import os
import random
import subprocess
import threading
import time

import pytest
import urllib3
from support import standalone_registry
from support.standalone_registry import Registry


@pytest.fixture(scope="module")
def program():
    return standalone_registry.build()


def files(directory):
    return [path for path in (directory / "blobs").rglob("*") if path.is_file()]


def assert_whole(directory):
    """Every blob is what its name says."""
    for path in files(directory):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


@pytest.fixture
def small_disk(tmp_path):
    """Eight MiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "landfall-test", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk_refuses_what_does_not_fit_and_nothing_else(program, small_disk):
    with Registry(program, small_disk) as registry:
        kept = os.urandom(3 << 20)
        assert registry.push_blob("app", kept).status == 201
        refused = registry.push_blob("app", os.urandom(7 << 20))
        assert refused.status == 507
        assert refused.json()["errors"][0] == {"code": "UNKNOWN", "message": "the registry's disk is full"}
        assert list((small_disk / "uploads").iterdir()) == []
        got = registry.send("GET", f"/v2/app/blobs/sha256:{hashlib.sha256(kept).hexdigest()}")
        assert got.data == kept
        assert registry.push_blob("app", os.urandom(4 << 20)).status == 201
        assert_whole(small_disk)


def pushing(registry, acknowledged, seed):
    """Pushes and mounts until the registry is gone."""
    numbers = random.Random(seed)
    try:
        while True:
            content = numbers.randbytes(numbers.choice([10, 5_000, 800_000]))
            digest = "sha256:" + hashlib.sha256(content).hexdigest()
            if registry.push_blob(f"app{seed}", content).status == 201:
                acknowledged.append(digest)
            registry.send("POST", f"/v2/other/blobs/uploads/?mount={digest}&from=app{seed}")
    except urllib3.exceptions.HTTPError:
        pass


@pytest.mark.parametrize("collect", [False, True], ids=["push-and-mount", "collection"])
def test_nothing_is_half_there_after_a_kill(program, tmp_path, collect):
    for round_number in range(4):
        acknowledged = []
        registry = Registry(program, tmp_path)
        pushers = [threading.Thread(target=pushing, args=(registry, acknowledged, seed)) for seed in range(3)]
        for pusher in pushers:
            pusher.start()
        until = time.monotonic() + 0.3 + round_number / 10
        while time.monotonic() < until:
            if collect:
                registry.collect()
            time.sleep(0.01)
        registry.kill()
        for pusher in pushers:
            pusher.join()
        assert acknowledged
        assert_whole(tmp_path)
        if not collect:
            present = {f"sha256:{path.name}" for path in files(tmp_path)}
            assert set(acknowledged) <= present
        with Registry(program, tmp_path) as again:
            assert list((tmp_path / "uploads").iterdir()) == []
            if collect:
                again.collect()
                assert files(tmp_path) == []
