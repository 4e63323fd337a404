"""`dependsOn` and health checks: what waits for what, in AWS's words when it waits in vain."""

import pytest

from harness import sensitive
from harness.account import Account
from harness.tasks import Tasks, assert_never_ran, container, exit_code, failed_step
from harness.waiting import until

SLEEP = "trap 'exit 0' TERM; sleep 60 & wait"
SHARED = {"volumes": [{"name": "shared"}]}
MOUNT = [{"sourceVolume": "shared", "containerPath": "/shared"}]
CHECK = {"interval": 5, "timeout": 2, "retries": 1}


def after(name, condition):
    return [{"containerName": name, "condition": condition}]


# --- health checks ---


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_health(tasks, admin, network):
    secret = admin.secret(sensitive.remember("s3cr3t-of-the-check"))
    role = admin.execution_role(tasks.secret, secret)
    well = tasks.container(
        name="well",
        command=f"cd /tmp; {SLEEP}",
        user="1000",
        workingDirectory="/tmp",
        secrets=[{"name": "TOKEN", "valueFrom": secret}],
        healthCheck={
            # As the container's user, in its directory, with its environment.
            "command": ["CMD-SHELL", 'test ${#TOKEN} = 19 && test $(id -u) = 1000 && test $PWD = /tmp'],
            **CHECK,
        },
    )
    slow = tasks.container(
        name="slow", command=SLEEP, essential=False, healthCheck={"command": ["CMD", "sleep", "60"], **CHECK}
    )
    none = tasks.container(name="none", command=SLEEP, essential=False)
    arn = tasks.run(tasks.define(well, slow, none, network=network, executionRoleArn=role), network)
    assert tasks.wait_running(arn)["healthStatus"] == "UNKNOWN"

    def settled():
        task = tasks.describe(arn)
        found = {one["name"]: one["healthStatus"] for one in task["containers"]}
        return task if found == {"well": "HEALTHY", "slow": "UNHEALTHY", "none": "UNKNOWN"} else None

    task = until("the health checks", settled, 30)
    # Only the essential one counts; nobody stops a task that no service runs.
    assert (task["healthStatus"], task["lastStatus"], task["desiredStatus"]) == ("HEALTHY", "RUNNING", "RUNNING")


def test_health_changes_and_goes_on_after_a_crash(make_server, registry):
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    main = tasks.container(
        command=f"sleep 14; touch /tmp/ill; {SLEEP}", healthCheck={"command": ["CMD-SHELL", "test ! -e /tmp/ill"], **CHECK}
    )
    arn = tasks.run(tasks.define(main))
    until("HEALTHY", lambda: tasks.describe(arn)["healthStatus"] == "HEALTHY", 30)
    server.kill()
    server.start()
    assert tasks.describe(arn)["healthStatus"] == "HEALTHY"
    until("UNHEALTHY", lambda: tasks.describe(arn)["healthStatus"] == "UNHEALTHY", 60)
    assert not tasks.end()


def test_a_start_period_forgives(tasks):
    main = tasks.container(
        command=SLEEP, healthCheck={"command": ["CMD", "false"], "interval": 5, "timeout": 2, "retries": 1, "startPeriod": 12}
    )
    arn = tasks.run(tasks.define(main))
    started = tasks.wait_running(arn)["startedAt"]
    task = until("UNHEALTHY", lambda: (it := tasks.describe(arn))["healthStatus"] == "UNHEALTHY" and it, 40)
    assert task["startedAt"] == started
    # The first check behind the start period is the third.
    assert len(tasks.describe(arn)["containers"]) == 1


# --- order ---


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_success_comes_before(tasks, network):
    """The container that waits is the first of the definition."""
    main = tasks.container(command="cat /shared/made", mountPoints=MOUNT, dependsOn=after("init", "SUCCESS"))
    init = tasks.container(
        name="init", command="sleep 1; echo made > /shared/made", mountPoints=MOUNT, essential=False
    )
    task = tasks.finish(main, init, network=network, **SHARED)
    assert (exit_code(task), exit_code(task, "init")) == (0, 0)
    assert tasks.lines(task) == ["made"]
    assert task["stopCode"] == "EssentialContainerExited"


def test_completion_with_any_code(tasks):
    main = tasks.container(command="echo after", dependsOn=after("init", "COMPLETE"))
    init = tasks.container(name="init", command="exit 3", essential=False)
    task = tasks.finish(main, init)
    assert (exit_code(task), exit_code(task, "init"), tasks.lines(task)) == (0, 3, ["after"])


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_what_depends_on_a_failure_never_runs(tasks, network):
    main = tasks.container(command="echo never", dependsOn=after("init", "SUCCESS"))
    init = tasks.container(name="init", command="echo no database; exit 3", essential=False)
    task = tasks.finish(main, init, network=network)
    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", "Task failed to start")
    assert "startedAt" not in task
    # As the container agent has it: a code, though it never ran.
    assert (exit_code(task), exit_code(task, "init")) == (143, 3)
    assert "reason" not in container(task)
    assert tasks.lines(task, "init") == ["no database"]
    step = failed_step(tasks.trace(task["taskArn"]))
    assert step["finding"]["headline"] == "`main` waits for `init` to be SUCCESS, and that ended with exit code 3"


def test_healthy_comes_before(tasks):
    main = tasks.container(command="test -e /shared/up && echo up", mountPoints=MOUNT, dependsOn=after("db", "HEALTHY"))
    db = tasks.container(
        name="db",
        command=f"sleep 2; touch /shared/up; {SLEEP}",
        mountPoints=MOUNT,
        healthCheck={"command": ["CMD", "test", "-e", "/shared/up"], **CHECK},
    )
    arn = tasks.run(tasks.define(main, db, **SHARED))
    until("the database alone", lambda: container(tasks.describe(arn), "db")["lastStatus"] == "RUNNING", 20)
    assert container(tasks.describe(arn))["lastStatus"] == "PENDING"
    assert tasks.describe(arn)["lastStatus"] == "PENDING"
    task = tasks.wait_stopped(arn)
    assert (exit_code(task), tasks.lines(task)) == (0, ["up"])


def test_waiting_ends_with_the_start_timeout(tasks):
    main = tasks.container(command="echo never", dependsOn=after("init", "COMPLETE"))
    init = tasks.container(name="init", command=SLEEP, essential=False, startTimeout=3)
    image = init["image"]
    task = tasks.finish(main, init, network="bridge")
    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", "Task failed to start")
    assert container(task)["reason"] == (
        f"CannotStartContainerError: dependency graph: container ordering dependency [init({image}) (RUNNING->RUNNING)] "
        f"for target [main({image}) (MANIFEST_PULLED->RUNNING)] has timed out."
    )
    assert "exitCode" not in container(task)
    assert failed_step(tasks.trace(task["taskArn"]))["finding"]["headline"] == (
        "`main` waited for `init` to be COMPLETE longer than its `startTimeout`"
    )


def test_a_task_goes_on_without_what_is_not_essential(make_server, registry):
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    main = tasks.container(command=SLEEP)
    side = tasks.container(name="side", command="echo never", essential=False, dependsOn=after("init", "SUCCESS"))
    init = tasks.container(name="init", command="exit 1", essential=False)
    arn = tasks.run(tasks.define(main, side, init))
    task = tasks.wait_running(arn)
    left_out = container(task, "side")
    assert (left_out["lastStatus"], left_out["exitCode"], "runtimeId" in left_out) == ("STOPPED", 143, False)
    server.kill()
    server.start()
    stopped = tasks.stop(arn)
    assert (exit_code(stopped), exit_code(stopped, "side")) == (0, 143)
    assert "reason" not in container(stopped, "side")
    assert not tasks.end()


def test_stopping_while_one_waits(tasks):
    main = tasks.container(command="echo never", dependsOn=after("init", "COMPLETE"))
    init = tasks.container(name="init", command=f"echo up; {SLEEP}", essential=False)
    arn = tasks.run(tasks.define(main, init))
    until("the first container", lambda: container(tasks.describe(arn), "init")["lastStatus"] == "RUNNING", 20)
    task = tasks.stop(arn, "changed my mind")
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "changed my mind")
    assert exit_code(task) is None
    assert tasks.lines(task, "init") == ["up"]


def test_an_essential_end_while_one_waits(tasks):
    main = tasks.container(command="sleep 1; exit 4")
    late = tasks.container(name="late", command="echo never", dependsOn=after("init", "COMPLETE"))
    init = tasks.container(name="init", command=SLEEP, essential=False)
    task = tasks.finish(main, late, init)
    assert (exit_code(task), exit_code(task, "late"), exit_code(task, "init")) == (4, None, 0)
    assert task["stopCode"] == "TaskFailedToStart"


def test_a_crash_while_one_waits(make_server, registry):
    """What ran does not run again, and what waited starts when it may."""
    server = make_server()
    tasks = Tasks(server, Account.from_env(server.env()), registry)
    main = tasks.container(command="cat /shared/made", mountPoints=MOUNT, dependsOn=after("init", "SUCCESS"))
    init = tasks.container(
        name="init", command="echo once; sleep 4; echo made >> /shared/made", mountPoints=MOUNT, essential=False
    )
    arn = tasks.run(tasks.define(main, init, **SHARED))
    until("the first container", lambda: container(tasks.describe(arn), "init")["lastStatus"] == "RUNNING", 20)
    server.kill()
    server.start()
    task = tasks.wait_stopped(arn)
    assert (tasks.lines(task), tasks.lines(task, "init")) == (["made"], ["once"])
    assert not tasks.end()


def test_the_stop_is_the_reverse(tasks):
    """The database lives until the one that needs it has said good-bye."""
    bye = "trap 'sleep 1; cat /shared/db; exit 0' TERM; sleep 60 & wait"
    db_bye = "echo up > /shared/db; trap 'rm /shared/db; exit 0' TERM; sleep 60 & wait"
    main = tasks.container(command=bye, mountPoints=MOUNT, stopTimeout=10, dependsOn=after("db", "START"))
    db = tasks.container(name="db", command=db_bye, mountPoints=MOUNT, stopTimeout=10)
    arn = tasks.run(tasks.define(main, db, **SHARED))
    tasks.wait_running(arn)
    until("both", lambda: container(tasks.describe(arn), "db")["lastStatus"] == "RUNNING")
    task = tasks.stop(arn)
    assert tasks.lines(task) == ["up"]
