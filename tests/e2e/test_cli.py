"""The commands of the binary, as scripts and people use them."""

import json
import os
import re
import stat
import subprocess

import pytest

from harness import residue, sensitive
from harness.account import Account, unique
from harness.server import Server, bare_environment, binary, free_port, run
from harness.tasks import failed_step, task_id
from harness.waiting import until

VARIABLES = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}


@pytest.fixture
def cli(server, tasks):
    """Runs a command against the shared server."""
    return lambda *arguments, **more: server.command(*arguments, environment=tasks.account.env(), **more)


def write(tmp_path, tasks, command, **more):
    """A task definition file as `aws ecs register-task-definition --cli-input-json` takes it."""
    family = unique("cli")
    definition = {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": tasks.role,
        "containerDefinitions": [tasks.container(command=command, **more)],
    }
    file = tmp_path / "task.json"
    file.write_text(json.dumps(definition))
    return file, family


# --- serve and env ---


def test_the_banner_says_what_matters(server, account_id):
    banner = server.log()
    for part in (server.endpoint, "IAM enforced", account_id, str(server.data_dir)):
        assert part in banner
    assert server.env()["AWS_SECRET_ACCESS_KEY"] not in banner


def test_the_data_directory_is_nobody_elses(server):
    assert stat.S_IMODE(os.stat(server.data_dir).st_mode) == 0o700
    for directory, directories, files in os.walk(server.data_dir):
        directories[:] = [
            name for name in directories if name not in ("images", "layers", "containers", "sandboxes", "run")
        ]
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path


def test_env_for_a_shell(server):
    done = run("env", "--data-dir", str(server.data_dir), check=True)
    names = {match[1] for line in done.stdout.splitlines() if (match := re.match(r"export (\w+)=", line))}
    assert names >= VARIABLES
    script = 'eval "$("$0" env --data-dir "$1")" && printf "%s %s" "$AWS_ACCESS_KEY_ID" "$AWS_REGION"'
    shell = subprocess.run(
        ["sh", "-c", script, binary(), str(server.data_dir)],
        capture_output=True,
        text=True,
        env=bare_environment(),
        check=True,
    )
    assert shell.stdout == f"{server.env()['AWS_ACCESS_KEY_ID']} us-east-1"


def test_env_as_json(server, admin, account_id):
    variables = json.loads(run("env", "--data-dir", str(server.data_dir), "--json", check=True).stdout)
    assert set(variables) >= VARIABLES
    assert variables["AWS_ENDPOINT_URL"] == server.endpoint
    assert Account.from_env(variables).sts.get_caller_identity()["Account"] == account_id


def test_env_for_a_profile(server):
    done = run("env", "--data-dir", str(server.data_dir), "--profile", "local", check=True)
    assert "local" in done.stdout
    assert server.endpoint in done.stdout


def test_env_without_a_server_ever(tmp_path):
    done = run("env", "--data-dir", str(tmp_path / "nothing"))
    assert done.returncode != 0
    assert str(tmp_path / "nothing") in done.stderr
    assert "landfall serve" in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_port_that_is_taken(server, tmp_path):
    done = run("serve", "--listen", f"127.0.0.1:{server.port}", "--data-dir", str(tmp_path / "d"), timeout=20)
    assert done.returncode != 0
    assert str(server.port) in done.stderr


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "1.2.3.4"])
def test_an_address_that_is_none(tmp_path, listen):
    done = run("serve", "--listen", listen, "--data-dir", str(tmp_path / "d"), timeout=20)
    assert done.returncode != 0
    assert listen in done.stderr


def test_sigterm_is_a_clean_end():
    one = Server().start()
    try:
        assert one.stop() == 0
    finally:
        one.remove()


# --- accounts ---


def test_accounts(server, cli, account_id):
    number = f"{int.from_bytes(os.urandom(4), 'big'):012d}"
    made = json.loads(cli("account", "create", number, "--json", check=True).stdout)
    assert made["account"] == number
    other = Account(server.endpoint, made["access_key_id"], made["secret_access_key"])
    assert other.sts.get_caller_identity()["Account"] == number
    assert other.iam.list_roles()["Roles"] == []
    listed = cli("account", "list", check=True).stdout
    assert number in listed and account_id in listed
    again = cli("account", "create", number)
    assert again.returncode != 0
    assert number in again.stderr


@pytest.mark.parametrize("number", ["12", "abcdefghijkl", "1234567890123", ""])
def test_an_account_number_that_is_none(cli, number):
    done = cli("account", "create", number)
    assert done.returncode != 0
    assert "12" in done.stderr


# --- run ---


@pytest.mark.parametrize("code", [0, 7])
def test_run_a_file_and_follow(cli, tasks, tmp_path, code):
    file, family = write(tmp_path, tasks, f"echo one; sleep 0.3; echo two; exit {code}")
    done = cli("run", str(file), "--cluster", tasks.cluster, "--follow")
    assert done.returncode == code, done.stderr
    assert [line for line in done.stdout.splitlines() if line in ("one", "two")] == ["one", "two"]
    revisions = tasks.account.ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    assert len(revisions) == 1


@pytest.mark.parametrize("revision", ["", ":1"])
def test_run_a_family_and_wait(cli, tasks, revision):
    definition = tasks.define(tasks.container(command="exit 3"))
    family = definition.split("/")[1].split(":")[0]
    done = cli("run", family + revision, "--cluster", tasks.cluster, "--wait")
    assert done.returncode == 3, done.stderr
    assert "Essential container in task exited" in done.stdout + done.stderr


def test_run_without_waiting(cli, tasks):
    family = tasks.define(tasks.container(command="sleep 30")).split("/")[1]
    done = cli("run", family, "--cluster", tasks.cluster)
    assert done.returncode == 0, done.stderr
    arn = re.search(r"arn:aws:ecs:\S+:task/\S+", done.stdout)[0]
    tasks.started.append(arn)
    assert tasks.describe(arn)["lastStatus"] != "STOPPED"


def test_run_shows_why_a_task_did_not_start(cli, tasks, admin, tmp_path):
    secret = admin.secret({"username": tasks.registry.username, "password": sensitive.password()})
    file, _ = write(tmp_path, tasks, "true", repositoryCredentials={"credentialsParameter": secret})
    definition = json.loads(file.read_text())
    file.write_text(json.dumps({**definition, "executionRoleArn": admin.execution_role(secret)}))
    done = cli("run", str(file), "--cluster", tasks.cluster, "--wait")
    assert done.returncode not in (0, 101)
    assert "CannotPullContainerError: " in done.stderr
    assert "401 Unauthorized" in done.stderr
    assert "landfall explain" in done.stderr or "hint" in done.stderr


def test_run_shows_the_service_s_refusal(cli, tasks, tmp_path):
    file, _ = write(tmp_path, tasks, "true")
    definition = json.loads(file.read_text())
    del definition["executionRoleArn"]
    file.write_text(json.dumps(definition))
    done = cli("run", str(file), "--cluster", tasks.cluster)
    assert done.returncode not in (0, 101)
    assert (
        "Private repository authentication requires that the task definition specify a value for executionRoleArn."
        in done.stderr
    )


def test_run_nothing_that_exists(cli, tasks, tmp_path):
    for what in (unique("family"), str(tmp_path / "missing.json")):
        done = cli("run", what, "--cluster", tasks.cluster)
        assert done.returncode not in (0, 101)
        assert os.path.basename(what) in done.stderr


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"family": 3}', '{"familly": "typo", "containerDefinitions": []}']
)
def test_run_a_file_that_is_wrong(cli, tasks, tmp_path, text):
    file = tmp_path / "task.json"
    file.write_text(text)
    done = cli("run", str(file), "--cluster", tasks.cluster)
    assert done.returncode not in (0, 101)
    assert done.stderr.strip()
    assert "panicked" not in done.stderr


def test_output_without_a_terminal_is_plain(cli, tasks, tmp_path):
    file, _ = write(tmp_path, tasks, "echo plain")
    done = cli("run", str(file), "--cluster", tasks.cluster, "--follow")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


# --- explain ---


def test_explain(cli, tasks, admin):
    role = admin.execution_role()
    task = tasks.finish(tasks.container(command="true"), executionRoleArn=role)
    text = cli("explain", task["taskArn"], check=True).stdout
    for part in ("secretsmanager:GetSecretValue", tasks.secret, role.rsplit("/", 1)[1], task["stoppedReason"][:60]):
        assert part in text
    trace = tasks.trace(task["taskArn"])
    assert trace["last_status"] == "STOPPED"
    assert trace["stopped_reason"] == task["stoppedReason"]
    assert [step["outcome"]["result"] for step in trace["steps"]].count("failed") == 1
    step = failed_step(trace)
    assert set(step) >= {"name", "principal", "action", "resource", "started_at", "duration_ms", "outcome", "hint"}
    assert tasks.registry.password not in text + json.dumps(trace)


def test_explain_takes_the_id_alone(cli, tasks):
    task = tasks.finish(tasks.container(command="true"))
    assert cli("explain", task_id(task["taskArn"]), "--json").returncode == 0


def test_explain_names_the_statement_that_decided(cli, tasks):
    task = tasks.finish(tasks.container(command="true"))
    step = next(s for s in tasks.trace(task["taskArn"])["steps"] if s["action"] == "secretsmanager:GetSecretValue")
    assert "inline" in json.dumps(step)


@pytest.mark.parametrize("task", ["nonsense", "0" * 32, "arn:aws:ecs:us-east-1:000000000000:task/default/" + "0" * 32])
def test_explain_what_is_not_there(cli, task):
    done = cli("explain", task)
    assert done.returncode not in (0, 101)
    assert task in done.stderr


# --- the rest ---


def test_version_and_help():
    assert re.fullmatch(r"landfall \d+\.\d+\.\d+\S*\n", run("--version", check=True).stdout)
    text = run("--help", check=True).stdout
    for command in ("serve", "env", "account", "run", "explain", "demo", "completions"):
        assert re.search(rf"^\s+{command}\b", text, re.MULTILINE), command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell):
    text = run("completions", shell, check=True).stdout
    assert "landfall" in text and "explain" in text
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    "arguments", [["serv"], ["run"], ["serve", "--lisen", "x"], ["completions", "tcsh9"], ["account"]]
)
def test_mistyped_commands(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage" in done.stderr or "tip" in done.stderr or "possible values" in done.stderr
    assert "panicked" not in done.stderr


def test_no_server_to_talk_to(tasks):
    environment = {**tasks.account.env(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    done = run("explain", "0" * 32, environment=environment)
    assert done.returncode not in (0, 101)
    assert "landfall serve" in done.stderr


def test_a_closed_pipe_is_no_panic():
    script = '"$0" completions bash | true'
    done = subprocess.run(["sh", "-c", script, binary()], capture_output=True, text=True, env=bare_environment())
    assert "panicked" not in done.stderr


@pytest.mark.timeout(300)
def test_the_demo(tmp_path):
    """The whole story, on a machine without network, leaving nothing."""
    before = residue.interfaces()
    environment = bare_environment(TMPDIR=str(tmp_path), HOME=str(tmp_path / "home"))
    done = subprocess.run(
        [binary(), "demo"], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=240
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    for part in ("secretsmanager", "create-secret", "register-task-definition", "run-task", "get-log-events"):
        assert part in output, part
    assert re.search(r"ResourceInitializationError|CannotPullContainerError|AccessDenied", output), (
        "no failure was shown"
    )
    assert "panicked" not in output
    until("a clean host after the demo", lambda: not residue.of([str(tmp_path)]), 10, 0.2)
    until("the end of the demo's interfaces", lambda: not residue.interfaces() - before, 30, 0.5)
