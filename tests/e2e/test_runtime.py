"""What a container gets from its definition, what it may do, how it ends, and that nothing is left of it."""

import urllib.request

import pytest

from harness import residue
from harness.account import unique
from harness.server import free_port
from harness.tasks import assert_never_ran, container, exit_code, task_id
from harness.waiting import until
from support import images

SLEEP = "trap 'exit 0' TERM; sleep 60 & wait"
SERVE = "mkdir /www; echo hello > /www/index.html; exec httpd -f -p {port} -h /www"


# --- process ---


def test_entry_point_and_command(tasks):
    main = tasks.container(entryPoint=["echo", "from"], command=["the", "definition"])
    assert tasks.lines(tasks.finish(main)) == ["from the definition"]


@pytest.mark.parametrize(
    "image, definition, expected",
    [
        ({"entrypoint": ["echo", "E"], "cmd": ["C"]}, {}, "E C"),
        ({"entrypoint": ["echo", "E"], "cmd": ["C"]}, {"command": ["D"]}, "E D"),
        ({"entrypoint": ["echo", "E"], "cmd": ["C"]}, {"entryPoint": ["echo", "F"]}, "F"),
        ({"cmd": ["echo", "C"]}, {}, "C"),
    ],
)
def test_the_image_and_the_definition(tasks, registry, image, definition, expected):
    reference = registry.push(images.build(**image), f"entry/{unique('e')}")
    main = tasks.container(image=reference, **definition)
    assert tasks.lines(tasks.finish(main)) == [expected]


def test_environment(tasks, registry):
    image = registry.push(images.build(env=["PATH=/bin", "FROM_IMAGE=i", "BOTH=image"]), f"env/{unique('e')}")
    environment = [
        {"name": "BOTH", "value": "definition"},
        {"name": "EMPTY", "value": ""},
        {"name": "ODD", "value": 'a=b $c "d"'},
    ]
    lines = tasks.output(
        'echo "$FROM_IMAGE|$BOTH|$EMPTY|$ODD|$HOME"; env | grep -c -e LANDFALL -e AWS_SECRET; true',
        image=image,
        environment=environment,
    )
    assert lines[:1] == ['i|definition||a=b $c "d"|/root']
    assert lines[1:] == ["0"]


def test_user(tasks, registry):
    assert tasks.output("id -u; id -g", user="1234:5678") == ["1234", "5678"]
    assert tasks.output("id -u; id -g", user="nobody") == ["65534", "65534"]
    assert tasks.output("id -u; id -g", user="1234") == ["1234", "0"]
    image = registry.push(images.build(user="nobody"), f"user/{unique('u')}")
    assert tasks.output("id -u", image=image) == ["65534"]


def test_a_user_that_is_not_there(tasks):
    task = tasks.finish(tasks.container(command="true", user="ghost"))
    assert_never_ran(task)
    assert "ghost" in task["stoppedReason"]


def test_working_directory(tasks, registry):
    assert tasks.output("pwd", workingDirectory="/made/for/it") == ["/made/for/it"]
    image = registry.push(images.build(working_dir="/usr"), f"dir/{unique('d')}")
    assert tasks.output("pwd", image=image) == ["/usr"]


def test_read_only_root(tasks):
    lines = tasks.output(
        "touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo allowed", readonlyRootFilesystem=True
    )
    assert lines == ["refused", "allowed"]


def test_limits(tasks):
    assert tasks.output("ulimit -n; ulimit -Hn", ulimits=[{"name": "nofile", "softLimit": 77, "hardLimit": 99}]) == [
        "77",
        "99",
    ]


def test_an_init_process(tasks):
    command = "cat /proc/1/cmdline | tr '\\0' ' ' | grep -c '^sh -c' ; (sleep 0.1 &) ; sleep 0.5; cat /proc/[0-9]*/status | grep -c 'State:.Z'"
    with_init = tasks.output(command + "; true", linuxParameters={"initProcessEnabled": True})
    assert with_init == ["0", "0"]
    assert tasks.output("echo $$", linuxParameters={"initProcessEnabled": False}) == ["1"]


def test_both_outputs_are_logged_in_order(tasks):
    lines = tasks.output("echo out; sleep 0.05; echo err >&2; sleep 0.05; printf 'no end'")
    assert lines == ["out", "err", "no end"]


def test_ten_thousand_lines(tasks):
    assert tasks.output("seq 1 10000") == [str(number) for number in range(1, 10_001)]


def test_long_and_strange_lines(tasks):
    lines = tasks.output(
        "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\n'; echo 'ü €'; printf 'tab\\there\\n'"
    )
    assert "".join(lines[:-3]) == "x" * 100_000
    assert lines[-3].startswith("a") and lines[-3].endswith("b")
    assert lines[-2:] == ["ü €", "tab\there"]


def test_without_a_log_driver(tasks):
    for configuration in (None, {"logDriver": "json-file"}):
        network = "awsvpc" if configuration is None else "bridge"
        task = tasks.finish(tasks.container(command="echo unheard", logConfiguration=configuration), network=network)
        assert exit_code(task) == 0, tasks.story(task)


# --- isolation ---


def test_the_kernel_is_kept_at_a_distance(tasks):
    lines = tasks.output("grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status | tr -s '\\t ' ' '")
    assert sorted(lines) == ["CapBnd: 00000000a80425fb", "CapEff: 00000000a80425fb", "Seccomp: 2"]


@pytest.mark.parametrize(
    "command",
    [
        "echo 1 > /proc/sys/kernel/sysrq",
        "echo b > /proc/sysrq-trigger",
        "mount -t tmpfs none /mnt",
        "touch /sys/x",
        "mknod /disk b 8 0 && head -c 1 /disk",
        "head -c 1 /proc/kcore | grep -q .",
        "unshare -m true",
        "hostname other",
        "chroot /proc/1/root/.. ls /home",
        "echo max > /sys/fs/cgroup/memory.max",
        "echo -1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
    ],
)
def test_what_a_container_may_not(tasks, command):
    assert tasks.output(f"if ({command}) >/dev/null 2>&1; then echo allowed; else echo refused; fi") == ["refused"]


def test_a_container_sees_only_itself(tasks):
    lines = tasks.output("ls /proc | grep -c '^[0-9]'; ls -d /home /root/.ssh 2>/dev/null | wc -l; cat /proc/1/comm; true")
    assert int(lines[0]) < 8
    assert lines[1:] == ["0", "sh"]


def test_fork_bombs_end(tasks):
    """The limit on processes holds, and the host stays usable."""
    task = tasks.finish(
        tasks.container(command="for i in $(seq 1 5000); do sleep 30 & done 2>/dev/null; exit 7"), timeout=120
    )
    assert task["stopCode"] == "EssentialContainerExited"


# --- ends ---


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_codes(tasks, code):
    task = tasks.finish(tasks.container(command=f"exit {code}"))
    assert exit_code(task) == code
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["startedAt"] <= task["executionStoppedAt"] <= task["stoppedAt"]
    assert "reason" not in container(task)


def test_an_end_by_signal(tasks):
    task = tasks.finish(
        tasks.container(command="exec sh -c 'kill -USR1 $$; sleep 5'", linuxParameters={"initProcessEnabled": True})
    )
    assert exit_code(task) == 128 + 10


def test_out_of_memory(tasks):
    task = tasks.finish(tasks.container(command="exec tail /dev/zero", memory=32))
    assert exit_code(task) == 137
    assert container(task)["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert task["stoppedReason"].startswith(
        ("Essential container in task exited", "OutOfMemoryError: Container killed due to memory usage")
    )
    assert task["stopCode"] == "EssentialContainerExited"


def test_the_memory_of_the_task_is_a_limit_too(tasks):
    """No limit on the container: the task's 512 MiB hold."""
    task = tasks.finish(tasks.container(command="exec tail /dev/zero"))
    assert exit_code(task) == 137
    assert container(task)["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.parametrize("command", [["/nope"], ["not-on-the-path"], ["/etc"], ["/etc/passwd"]])
def test_a_command_that_cannot_be_started(tasks, command):
    task = tasks.finish(tasks.container(entryPoint=command, command=None))
    assert_never_ran(task)
    reason = container(task)["reason"]
    assert reason.startswith(("CannotStartContainerError: ", "CannotCreateContainerError: "))
    assert f'exec: "{command[0]}"' in reason


def test_a_command_that_cannot_be_started_on_ec2(tasks):
    task = tasks.finish(tasks.container(entryPoint=["/nope"], command=None), network="bridge")
    assert_never_ran(task)
    assert task["stoppedReason"] == "Task failed to start"
    text = 'CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown'
    assert container(task)["reason"] == text


def test_stopping_gracefully(tasks):
    arn = tasks.run(
        tasks.define(tasks.container(command="trap 'echo bye; exit 9' TERM; echo up; sleep 60 & wait", stopTimeout=20))
    )
    task = tasks.wait_running(arn)
    until("the first line", lambda: tasks.lines(task), 10)
    stopped = tasks.stop(arn)
    assert exit_code(stopped) == 9
    assert tasks.lines(stopped) == ["up", "bye"]


def test_stopping_one_that_does_not_listen(tasks):
    arn = tasks.run(tasks.define(tasks.container(command="trap '' TERM; while :; do sleep 1; done", stopTimeout=2)))
    tasks.wait_running(arn)
    assert exit_code(tasks.stop(arn)) == 137


# --- several containers ---


def test_the_essential_one_ends_the_others(tasks):
    main, side = (
        tasks.container(command="sleep 1; exit 3"),
        tasks.container(name="side", command=SLEEP, essential=False),
    )
    task = tasks.finish(main, side)
    assert (exit_code(task), exit_code(task, "side")) == (3, 0)
    assert task["stoppedReason"] == "Essential container in task exited"


def test_the_others_do_not_end_the_task(tasks):
    side = tasks.container(name="side", command="exit 5", essential=False)
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP), side))

    def side_ended():
        task = tasks.describe(arn)
        return task if container(task, "side")["lastStatus"] == "STOPPED" else None

    task = until("the end of the other container", side_ended)
    assert exit_code(task, "side") == 5
    assert tasks.wait_running(arn)["lastStatus"] == "RUNNING"
    assert "stoppedReason" not in tasks.describe(arn)


def test_containers_of_a_task_share_what_they_should(tasks):
    """Under awsvpc: the network and volumes. Not the processes."""
    port = 8081
    server = tasks.container(
        name="server",
        command=SERVE.format(port=port),
        essential=False,
        mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
    )
    command = f"for i in $(seq 50); do wget -qO- http://127.0.0.1:{port}/ 2>/dev/null && break; sleep 0.1; done; echo written > /shared/x; ps | grep -c '[h]ttpd'; true"
    main = tasks.container(command=command, mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}])
    task = tasks.finish(main, server, volumes=[{"name": "shared"}])
    assert tasks.lines(task) == ["hello", "0"]


# --- network ---


def fetch(address, port):
    def look():
        try:
            return urllib.request.urlopen(f"http://{address}:{port}/", timeout=2).read().decode().strip()
        except OSError:
            return None

    return until(f"an answer from {address}:{port}", look, 15, 0.1)


def silent(address, port):
    try:
        urllib.request.urlopen(f"http://{address}:{port}/", timeout=1).close()
    except OSError:
        return True
    return False


def test_awsvpc(tasks):
    main = tasks.container(command=SERVE.format(port=8080), portMappings=[{"containerPort": 8080}])
    first, second = (tasks.run(tasks.define(main)) for _ in range(2))
    addresses = []
    for arn in (first, second):
        task = tasks.wait_running(arn)
        address = container(task)["networkInterfaces"][0]["privateIpv4Address"]
        details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
        assert (details["privateIPv4Address"], details["subnetId"]) == (address, "subnet-12345678")
        assert details["macAddress"] and details["networkInterfaceId"].startswith("eni-")
        assert fetch(address, 8080) == "hello"
        addresses.append(address)
    assert len(set(addresses)) == 2
    tasks.stop(first)
    assert silent(addresses[0], 8080)
    assert fetch(addresses[1], 8080) == "hello"


def test_bridge_with_a_port_of_the_hosts_choice(tasks):
    main = tasks.container(command=SERVE.format(port=80), portMappings=[{"containerPort": 80}])
    arn = tasks.run(tasks.define(main, network="bridge"), "bridge")
    binding = container(tasks.wait_running(arn))["networkBindings"][0]
    assert (binding["containerPort"], binding["protocol"]) == (80, "tcp")
    assert fetch("127.0.0.1", binding["hostPort"]) == "hello"
    tasks.stop(arn)
    assert silent("127.0.0.1", binding["hostPort"])


def test_bridge_with_a_fixed_port(tasks):
    port = free_port()
    main = tasks.container(command=SERVE.format(port=80), portMappings=[{"containerPort": 80, "hostPort": port}])
    arn = tasks.run(tasks.define(main, network="bridge"), "bridge")
    assert container(tasks.wait_running(arn))["networkBindings"][0]["hostPort"] == port
    assert fetch("127.0.0.1", port) == "hello"


def test_host(tasks):
    port = free_port()
    main = tasks.container(command=SERVE.format(port=port), portMappings=[{"containerPort": port}])
    arn = tasks.run(tasks.define(main, network="host"), "host")
    tasks.wait_running(arn)
    assert fetch("127.0.0.1", port) == "hello"


def test_none(tasks):
    assert tasks.output("ls /sys/class/net; wget -T 1 -qO- http://127.0.0.1:9/ 2>/dev/null; true", network="none") == [
        "lo"
    ]


@pytest.mark.parametrize("network", ["awsvpc", "bridge"])
def test_names_inside(tasks, network):
    lines = tasks.output(
        'grep -c nameserver /etc/resolv.conf; grep -c "$(hostname)" /etc/hosts; grep -c localhost /etc/hosts',
        network=network,
    )
    assert all(int(line) >= 1 for line in lines)


def test_tasks_do_not_reach_the_server_through_loopback(tasks):
    """127.0.0.1 of a task is the task's own."""
    port = tasks.server.port
    assert tasks.output(
        f"wget -T 2 -qO- http://127.0.0.1:{port}/_landfall/health >/dev/null 2>&1 || echo own loopback"
    ) == ["own loopback"]


# --- nothing is left ---


@pytest.mark.parametrize("network", ["awsvpc", "bridge", "host", "none"])
def test_nothing_is_left(tasks, network):
    before = residue.interfaces()
    arn = tasks.run(tasks.define(tasks.container(command=SLEEP), network=network), network)
    tasks.wait_running(arn)
    assert residue.of([task_id(arn)], [tasks.server.process.pid]), (
        "the running task has no trace on the host: the check below would see nothing"
    )
    pair = residue.interfaces() - before
    assert bool(pair) == (network in ("awsvpc", "bridge"))
    tasks.stop(arn)
    until("the end of the interface", lambda: not pair & residue.interfaces(), 5)
    until("a clean host", lambda: not residue.of([task_id(arn)], [tasks.server.process.pid]), 5)


def test_nothing_is_left_of_a_task_that_could_not_start(tasks):
    task = tasks.finish(tasks.container(entryPoint=["/nope"], command=None))
    until("a clean host", lambda: not residue.of([task_id(task["taskArn"])], [tasks.server.process.pid]), 5)


def test_grandchildren_end_with_the_container(tasks):
    marker = unique("orphan")
    tasks.finish(tasks.container(command=f"(setsid sh -c 'sleep 600; : {marker}' &); (setsid sleep 601 &); exit 0"))
    until("the end of all processes", lambda: not [p for p in residue.of([marker]) if p.startswith("process")], 5)
