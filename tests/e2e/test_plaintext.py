"""The plaintext of 1,000 secrets is nowhere but where it belongs: answers, and the environment of containers."""

import json
import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import sensitive
from harness.account import Account, unique
from harness.fixes import READ, Case, bare_role
from harness.tasks import Tasks, failed_step

MARK = sensitive.password()
"""What every one of the secrets begins with: who finds none of it finds none of them."""

FILES = 3
VALUES = {f"V{number}": f"{MARK}-{number:04}" for number in range(1000)}
NAMES = list(VALUES)
IN_SECRETS, IN_PARAMETERS, IN_CREDENTIALS, IN_FILES = NAMES[:250], NAMES[250:500], NAMES[500:700], NAMES[700:]


@pytest.fixture
def verbose(make_server, tmp_path, monkeypatch):
    """A server that logs all it can, in a directory where a core dump would be found."""
    monkeypatch.chdir(tmp_path)
    return make_server(environment={"LANDFALL_LOG": "trace"})


@pytest.fixture
def owner(verbose):
    return Account.from_env(verbose.env())


@pytest.fixture
def tasks(verbose, owner, registry):
    """Tasks of this server, which may have crashed meanwhile."""
    tasks = Tasks(verbose, owner, registry)
    yield tasks
    if verbose.process is None:
        verbose.start()
    assert tasks.end() == []


def at_once(call, names):
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(names, pool.map(call, names)))


def make_secrets(owner):
    """All of them, each read back. Returns the ARNs of secrets and of parameters by name."""
    manager, ssm, s3 = owner.client("secretsmanager"), owner.client("ssm"), owner.client("s3")

    def secret(name):
        arn = manager.create_secret(Name=unique(name), SecretString=json.dumps({"key": VALUES[name]}))["ARN"]
        assert json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])["key"] == VALUES[name]
        return arn

    def credential(name):
        value = {"username": "somebody", "password": VALUES[name]}
        return manager.create_secret(Name=unique(name), SecretString=json.dumps(value))["ARN"]

    def parameter(name):
        ssm.put_parameter(Name=f"/plaintext/{name}", Value=VALUES[name], Type="SecureString")
        read = ssm.get_parameter(Name=f"/plaintext/{name}", WithDecryption=True)["Parameter"]
        assert read["Value"] == VALUES[name]
        return read["ARN"]

    s3.create_bucket(Bucket="plaintext")
    for number in range(FILES):
        lines = [f"{name}={VALUES[name]}\n" for name in IN_FILES[number::FILES]]
        s3.put_object(Bucket="plaintext", Key=f"{number}.env", Body="".join(lines).encode())
    secrets = at_once(secret, IN_SECRETS) | at_once(credential, IN_CREDENTIALS)
    return secrets, at_once(parameter, IN_PARAMETERS)


def role(owner, credential):
    statements = [
        {"Effect": "Allow", "Action": ["ssm:GetParameters", "secretsmanager:GetSecretValue"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetBucketLocation"], "Resource": "*"},
    ]
    return owner.execution_role(credential, extra=statements)


def container(tasks, secrets, parameters, **more):
    """A container that is given some of each kind."""
    given = [{"name": name, "valueFrom": f"{secrets[name]}:key::"} for name in IN_SECRETS[:20]]
    given += [{"name": name, "valueFrom": parameters[name]} for name in IN_PARAMETERS[:20]]
    files = [{"type": "s3", "value": f"arn:aws:s3:::plaintext/{number}.env"} for number in range(FILES)]
    return tasks.container(secrets=given, environmentFiles=files, **more)


def with_secret_options(tasks, secrets, *options):
    """The log driver, with these options from secrets."""
    given = [{"name": option, "valueFrom": f"{secrets[IN_SECRETS[100]]}:key::"} for option in options]
    return {**tasks.awslogs(), "secretOptions": given}


def named_by_secrets(owner, tasks, secrets):
    """What there is to read of tasks whose streams a secret names, and that do not start: they may not make them."""
    case_role = bare_role(owner, READ)
    told = []
    for option in ("awslogs-group", "awslogs-stream-prefix", "awslogs-region"):
        for launch in ("FARGATE", "EC2"):
            main = tasks.container(command="true", logConfiguration=with_secret_options(tasks, secrets, option))
            case = Case(tasks, launch, main, executionRoleArn=case_role)
            found, task = case.findings(), case.start()
            assert found and task["stopCode"] == "TaskFailedToStart", (option, launch)
            told += [found, task, tasks.trace(task["taskArn"]), case.check().stdout]
    return told


def own_processes(server):
    """The server, and the shims of its containers: they hold files of its data directory open."""
    shims = [process for process in Path("/proc").glob("[0-9]*") if is_shim_of(server, process)]
    assert shims, "expected a shim"
    return [Path(f"/proc/{server.process.pid}"), *shims]


def is_shim_of(server, process):
    try:
        if not process.joinpath("cmdline").read_bytes().startswith(b"landfall\0shim\0"):
            return False
        return any(str(file.readlink()).startswith(f"{server.data_dir}/") for file in process.glob("fd/*"))
    except OSError:
        return False


def assert_not_in_processes(server):
    for process in own_processes(server):
        for file in ("environ", "cmdline"):
            assert MARK.encode() not in process.joinpath(file).read_bytes(), process / file


def assert_not_in_memory(server):
    """What a core dump of the running server would have: its clients are gone, and what it freed is wiped."""
    end = time.monotonic() + 60
    while (found := copies_in_memory(server.process.pid)) and time.monotonic() < end:
        time.sleep(1)
    assert found == 0, f"{found} copies are in the memory of the server"


def copies_in_memory(pid):
    """How often the mark of the secrets is in the memory that a process may write."""
    found = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                found += count(memory, start, end)
    return found


def count(memory, start, end, step=16 << 20):
    found = 0
    for at in range(start, end, step):
        # Neighbours overlap, so that nothing is cut in two. What is gone meanwhile has nothing.
        try:
            found += os.pread(memory.fileno(), min(step + len(MARK) - 1, end - at), at).count(MARK.encode())
        except OSError:
            continue
    return found


def assert_not_in_files(*directories):
    for directory in directories:
        assert sensitive.files_with_secrets(directory) == []


def written(tasks, running):
    """What the task wrote. An event is kept for five seconds for the lines that may belong to it."""
    ends = time.monotonic() + 30
    while not (lines := tasks.lines(tasks.describe(running))) and time.monotonic() < ends:
        time.sleep(0.5)
    return lines


def crash(server):
    """Ends the server as a bug would that the kernel answers with a core dump."""
    pid = server.process.pid
    resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.process.send_signal(signal.SIGABRT)
    assert server.process.wait(30) == -signal.SIGABRT
    server.process = None


def test_the_plaintext_of_a_thousand_secrets_is_nowhere(verbose, owner, tasks, tmp_path):
    secrets, parameters = make_secrets(owner)
    execution_role = role(owner, tasks.secret)
    logs = with_secret_options(tasks, secrets, "awslogs-multiline-pattern")
    main = container(
        tasks, secrets, parameters, command=f"env | grep -c {MARK[:12]}; sleep 300", logConfiguration=logs
    )
    running = tasks.run(tasks.define(main, executionRoleArn=execution_role))
    tasks.wait_running(running)
    # A task that fails after it has read its secrets: traces and reasons speak of what was read.
    wrong = container(tasks, secrets, parameters, command="true")
    wrong["secrets"][0]["valueFrom"] = f"{secrets[IN_SECRETS[0]]}:no-such-key::"
    failed = tasks.wait_stopped(tasks.run(tasks.define(wrong, executionRoleArn=execution_role)))
    assert "no-such-key" in failed["stoppedReason"]
    trace = tasks.trace(failed["taskArn"])
    assert failed_step(trace)
    described = [tasks.describe(running), failed, trace, tasks.trace(running)]
    described += named_by_secrets(owner, tasks, secrets)
    assert MARK not in json.dumps(described, default=str)

    assert_not_in_processes(verbose)
    assert written(tasks, running) == [str(20 + 20 + len(IN_FILES))]
    assert_not_in_files(verbose.data_dir, tmp_path)
    # A task that runs has its values, and its log driver the pattern.
    tasks.stop(running)
    owner.hang_up()
    assert_not_in_memory(verbose)
    crash(verbose)
    assert_not_in_files(verbose.data_dir, tmp_path)
    assert MARK not in verbose.log()
