"""Layers made to harm the host: nothing of them may be felt outside the container."""

import os
import shutil

import pytest

from harness.tasks import assert_never_ran, exit_code, failed_step
from support import hostile_layers, images

CLIMB = "../" * 16


@pytest.fixture
def finish(tasks, registry, admin):
    """Runs `command` in busybox with more layers on top."""

    def run(command, *layers, timeout=60):
        base = images.layer(images.busybox_archive())
        unique = images.layer(images.files_archive({"fresh": os.urandom(1000)}))
        name = os.urandom(6).hex()
        image = registry.push(images.build([base, unique, *layers]), f"hostile/{name}")
        return tasks.finish(tasks.container(image=image, command=command), timeout=timeout)

    return run


def contained(tasks, task):
    """Either refused, or harmless inside the container; the server is well in both cases."""
    assert tasks.server.health()[0] == 200
    if task["stopCode"] == "TaskFailedToStart":
        assert_never_ran(task)
        assert task["stoppedReason"].startswith("CannotPullContainerError: ")
        assert failed_step(tasks.trace(task["taskArn"]))["hint"]
    else:
        assert exit_code(task) == 0, tasks.story(task)


@pytest.mark.parametrize("make", [hostile_layers.parent_escape, hostile_layers.absolute_name])
def test_names_that_lead_out_of_the_root(tasks, finish, tmp_path, make):
    target = str(tmp_path / "escaped")
    name = CLIMB + target.lstrip("/") if make is hostile_layers.parent_escape else target
    contained(tasks, finish("true", make(name)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [hostile_layers.symlink_escape, hostile_layers.symlink_then_layer])
def test_files_through_links_that_lead_out(tasks, finish, tmp_path, make):
    layers = make(str(tmp_path), "escaped")
    contained(tasks, finish("true", *(layers if isinstance(layers, list) else [layers])))
    assert list(tmp_path.iterdir()) == []


def test_absolute_links_are_of_the_container(tasks, finish):
    """Ordinary images are full of them: what is written through one lands in the container's own directory."""
    name = f"landed-{os.urandom(4).hex()}"
    # Where layers are kept apart, a directory of the upper one hides a link of the lower one, as with Docker.
    task = finish(f"cat /tmp/{name} 2>/dev/null || cat /*/{name}", *hostile_layers.symlink_then_layer("/tmp", name, b"inside"))
    assert not os.path.exists(f"/tmp/{name}")
    assert exit_code(task) == 0, tasks.story(task)
    assert tasks.lines(task) == ["inside"]


def test_hard_links_to_files_of_the_host(tasks, finish, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("the host's")
    task = finish("! grep -q host /stolen 2>/dev/null", hostile_layers.hardlink_escape(CLIMB + str(victim).lstrip("/")))
    contained(tasks, task)
    assert victim.stat().st_nlink == 1


def test_device_nodes(tasks, finish):
    task = finish("! head -c 1 /mem 2>/dev/null && ! head -c 1 /sda 2>/dev/null", hostile_layers.devices())
    contained(tasks, task)


def test_set_user_id_bits_do_not_reach_the_host(tasks, finish):
    task = finish("test -u /bin/suid", hostile_layers.setuid())
    contained(tasks, task)
    for directory, _, files in os.walk(tasks.server.data_dir):
        assert os.stat(directory).st_uid == 0
        if "suid" in files:
            # Reachable only through a directory that nobody else may enter.
            assert os.stat(tasks.server.data_dir).st_mode & 0o077 == 0


def test_whiteouts(tasks, finish):
    files = images.layer(images.files_archive({"keep/a": "a", "keep/b": "b", "gone/c": "c", "alone": "d"}))
    above = images.layer(images.files_archive({"gone/new": "n"}))
    removal = hostile_layers.whiteout("keep/a", "gone/", "alone")
    task = finish("ls /keep /gone; ls /alone 2>&1 | tail -c 26; ls -a / | grep -c wh; true", files, removal, above)
    assert exit_code(task) == 0, tasks.story(task)
    lines = tasks.lines(task)
    assert [line for line in lines if line] == ["/gone:", "new", "/keep:", "b", "No such file or directory", "0"]


def test_whiteouts_that_lead_out(tasks, finish, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("still here")
    contained(tasks, finish("true", hostile_layers.whiteout_escape(CLIMB + str(victim).lstrip("/"))))
    assert victim.read_text() == "still here"


def test_a_whiteout_of_everything(tasks, finish):
    """Removing all of the root leaves nothing to start."""
    task = finish("true", hostile_layers.whiteout("bin/"))
    assert_never_ran(task)
    assert task["stoppedReason"].startswith(("CannotStartContainerError: ", "CannotCreateContainerError: "))


@pytest.mark.parametrize("case", ["not an archive", "lying digest"])
def test_layers_that_are_not_what_they_say(tasks, finish, case):
    honest = images.layer(images.files_archive({"x": os.urandom(100)}))
    bad = hostile_layers.not_an_archive() if case == "not an archive" else hostile_layers.lying_diff_id(honest)
    task = finish("true", bad)
    assert_never_ran(task)
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ten_gibibytes_of_zeros(tasks, finish):
    """Ten megabytes on the wire, ten gibibytes on the disk, and a digest that does not fit: all of it has to go again."""
    free = shutil.disk_usage(tasks.server.data_dir).free
    task = finish("true", hostile_layers.zeros(10 << 30), timeout=380)
    assert_never_ran(task)
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert tasks.server.health()[0] == 200
    assert shutil.disk_usage(tasks.server.data_dir).free > free - (1 << 30)


def test_many_layers_at_once_are_put_in_order(tasks, registry):
    layers = [images.layer(images.busybox_archive())]
    layers += [images.layer(images.files_archive({"last": str(number), f"seen/{number}": "x"})) for number in range(40)]
    image = registry.push(images.build(layers), f"layers/{os.urandom(4).hex()}")
    assert tasks.output("cat /last; echo; ls /seen | wc -l", image=image) == ["39", "40"]


def test_the_host_is_as_before(tasks, finish):
    """What a container writes is its own: neither the host nor the next container sees it."""
    name = f"mine-{os.urandom(4).hex()}"
    assert exit_code(finish(f"echo x > /{name} && echo x > /tmp/{name} && rm /bin/ls")) == 0
    assert not os.path.exists(f"/{name}") and not os.path.exists(f"/tmp/{name}")
    assert tasks.output(f"ls /{name} /tmp/{name} 2>/dev/null | wc -l; ls / >/dev/null && echo well") == ["0", "well"]
