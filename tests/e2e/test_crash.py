"""`kill -9` of the server at every moment of a task's life: after the restart all is as it should be, and no line is lost or doubled."""

import json
import os
import signal
import threading
import time

import pytest

from harness import residue
from harness.account import Account
from harness.errors import refused
from harness.server import run
from harness.tasks import Tasks, container, exit_code, task_id
from harness.waiting import until

LINES = 200
COUNT = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.02; done; exit 4"
EXPECTED = [f"line {number}" for number in range(LINES)]
SLEEP = "trap 'echo bye; exit 0' TERM; echo up; sleep 120 & wait"


@pytest.fixture
def own(make_server, registry):
    """A server of the test's own, and tasks on it."""
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    yield tasks
    assert not tasks.end()
    assert server.stop() == 0


def crash(tasks, pause=0.0):
    """`kill -9`, a pause, and a start on the same data and port."""
    tasks.server.kill()
    time.sleep(pause)
    tasks.server.start()


def some_lines(tasks, arn, number=5):
    """Waits until the task runs and a few of its lines have arrived."""
    task = tasks.wait_running(arn)
    until("the first lines", lambda: len(tasks.lines(task)) >= number, 15)
    return task


def test_three_run_and_one_is_being_pulled(own, hostile):
    counting, long = own.define(own.container(command=COUNT)), own.define(own.container(command=SLEEP))
    registry = hostile("hang-layer")
    main, role = own.hostile_container(registry, command="echo pulled at last; exit 5")
    first, second = own.run(counting), own.run(counting)
    third = own.run(long)
    fourth = own.run(own.define(main, executionRoleArn=role))
    before = {arn: some_lines(own, arn, 1) for arn in (first, second, third)}
    until("the pull", lambda: registry.requests_for("/blobs/"), 30)
    assert own.describe(fourth)["lastStatus"] in ("PROVISIONING", "PENDING")
    registry.mode = "ok"
    crash(own, pause=1.0)
    for arn in (first, second):
        task = own.wait_stopped(arn)
        assert exit_code(task) == 4
        assert own.lines(task) == EXPECTED
        assert (task["stopCode"], task["stoppedReason"]) == (
            "EssentialContainerExited",
            "Essential container in task exited",
        )
        assert task["startedAt"] == before[arn]["startedAt"]
        assert container(task)["runtimeId"] == container(before[arn])["runtimeId"]
    running = own.describe(third)
    assert running["lastStatus"] == "RUNNING"
    assert running["startedAt"] == before[third]["startedAt"]
    stopped = own.stop(third)
    assert (exit_code(stopped), own.lines(stopped)) == (0, ["up", "bye"])
    pulled = own.wait_stopped(fourth, 120)
    assert (exit_code(pulled), own.lines(pulled)) == (5, ["pulled at last"])


def test_an_end_while_nobody_looks(own):
    """The container ends while the server is down: exit code and lines arrive later."""
    arn = own.run(own.define(own.container(command="echo one; sleep 2; echo two; exit 6")))
    some_lines(own, arn, 1)
    crash(own, pause=4)
    task = own.wait_stopped(arn)
    assert (exit_code(task), own.lines(task)) == (6, ["one", "two"])
    assert task["stopCode"] == "EssentialContainerExited"


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_during_the_start(own, delay):
    """The task runs, once: a crash is a delay."""
    arn = own.run(own.define(own.container(command=COUNT)))
    time.sleep(delay)
    crash(own)
    task = own.wait_stopped(arn)
    assert exit_code(task) == 4, own.story(task)
    assert own.lines(task) == EXPECTED


def test_during_a_pull(own, hostile):
    registry = hostile("hang-layer")
    main, role = own.hostile_container(registry, command="echo ran")
    arn = own.run(own.define(main, executionRoleArn=role))
    until("the pull", lambda: registry.requests_for("/blobs/"), 30)
    registry.mode = "ok"
    crash(own)
    task = own.wait_stopped(arn, 120)
    assert (exit_code(task), own.lines(task)) == (0, ["ran"])


@pytest.mark.parametrize("times", [1, 4])
def test_while_it_runs(own, times):
    arn = own.run(own.define(own.container(command=COUNT)))
    some_lines(own, arn)
    for _ in range(times):
        crash(own)
        time.sleep(0.3)
    task = own.wait_stopped(arn)
    assert (exit_code(task), own.lines(task)) == (4, EXPECTED)


@pytest.mark.parametrize("delay", [0, 0.3])
def test_during_a_stop(own, delay):
    arn = own.run(own.define(own.container(command="trap '' TERM; echo up; while :; do sleep 1; done", stopTimeout=2)))
    some_lines(own, arn, 1)
    own.stop(arn, "operator", wait=False)
    time.sleep(delay)
    crash(own)
    task = own.wait_stopped(arn)
    assert (task["stopCode"], task["stoppedReason"], exit_code(task)) == ("UserInitiated", "operator", 137)


def test_a_shim_that_is_killed(own):
    """If even the container's own keeper is gone, the task is reported stopped, not running for ever."""
    arn = own.run(own.define(own.container(command=SLEEP)))
    some_lines(own, arn, 1)
    own.server.kill()
    killed = own_processes(own)
    for number in killed:
        kill_process(number)
    own.server.start()
    task = own.wait_stopped(arn)
    assert task["stopCode"] in ("EssentialContainerExited", "TaskFailedToStart")
    assert killed


def own_processes(tasks):
    """Numbers of the processes that the tasks of a server have on the host."""
    ids = [task_id(arn) for arn in tasks.started]
    found = residue.of([str(tasks.server.data_dir), *ids])
    return [int(text.split()[1].rstrip(":")) for text in found if text.startswith("process")]


def kill_process(number):
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It ended with another one.


def test_an_orderly_end_leaves_tasks_running(own):
    arn = own.run(own.define(own.container(command=COUNT)))
    before = some_lines(own, arn)
    assert own.server.stop() == 0
    own.server.start()
    task = own.wait_stopped(arn)
    assert (exit_code(task), own.lines(task)) == (4, EXPECTED)
    assert task["startedAt"] == before["startedAt"]


@pytest.mark.parametrize("round", range(3))
def test_what_was_acknowledged_is_there(own, round):
    """Secrets are written by two writers until the server is killed: each that was answered is there, whole."""
    written, keep = [], threading.Event()

    def write(writer):
        while not keep.is_set():
            try:
                name = f"crash-{round}-{writer}-{len(written)}-{time.monotonic_ns()}"
                own.account.client("secretsmanager").create_secret(Name=name, SecretString=name * 10)
                written.append(name)
            except Exception:  # noqa: BLE001 - the server is gone, which is the point
                return

    own.account.client("secretsmanager")
    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    time.sleep(0.5 + 0.2 * round)
    own.server.kill()
    keep.set()
    for writer in writers:
        writer.join()
    own.server.start()
    assert written
    for name in written:
        assert own.account.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == name * 10


def test_state_and_keys_survive(own):
    before = own.server.env()
    secret = own.account.secret("kept")
    user = own.account.user()
    definition = own.define(own.container(command="true"))
    crash(own)
    assert own.server.env() == before
    assert own.account.secretsmanager.get_secret_value(SecretId=secret)["SecretString"] == "kept"
    assert own.account.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["status"] == "ACTIVE"
    with refused("AccessDeniedException"):
        user.secretsmanager.list_secrets()


def test_a_second_server_on_the_same_data(own):
    done = run("serve", "--listen", "127.0.0.1:0", "--data-dir", str(own.server.data_dir), timeout=20)
    assert done.returncode != 0
    assert str(own.server.data_dir) in done.stderr
    assert own.server.health()[0] == 200


def test_a_sandbox_that_was_only_begun(own, hostile):
    """The server died after it had written the sandbox down, and before there was a network."""
    registry = hostile("hang-layer")
    main, role = own.hostile_container(registry, command="echo well; exit 5")
    arn = own.run(own.define(main, executionRoleArn=role))
    until("the pull", lambda: registry.requests_for("/blobs/"), 30)
    registry.mode = "ok"
    own.server.kill()
    state = {"id": task_id(arn), "hostname": "h", "network": "private", "address": "172.31.240.99", "ports": [], "labels": {}}
    directory = own.server.data_dir / "containers" / "sandboxes" / task_id(arn)
    directory.mkdir(mode=0o700)
    (directory / "state.json").write_text(json.dumps(state))
    own.server.start()
    task = own.wait_stopped(arn, 120)
    assert (exit_code(task), own.lines(task)) == (5, ["well"]), own.story(task)
