"""As `test_fixes.py`, for what is to be mended in the task definition itself: the corrected members that are printed are put
into it, beside the commands."""

import json
import re
import socket

import pytest

from harness.account import Account, allow, unique
from harness.fixes import LOGS, READ, Case, bare_role
from harness.tasks import Tasks, container

OF_TASK = {"executionRoleArn"}
"""Members of the definition; the others are of the container."""


class Corrected(Case):
    """A case that is mended by members of the task definition, too."""

    def __init__(self, tasks, launch, main, **settings):
        self.main, self.settings = main, settings
        super().__init__(tasks, launch, main, **settings)

    def correct(self, fix):
        """Runs the commands, and puts the members into the definition."""
        if fix.get("command"):
            self.mend(fix)
        members = json.loads("{" + ",".join((fix.get("document") or "").splitlines()) + "}")
        main = {**self.main, **{name: value for name, value in members.items() if name not in OF_TASK}}
        settings = {**self.settings, **{name: value for name, value in members.items() if name in OF_TASK}}
        main = {name: value for name, value in main.items() if value not in ([], None)}
        return Corrected(self.tasks, self.launch, main, **settings)


def told(case, cause, *words):
    """Said before and after, with the same fix. Returns the fix."""
    return told_by(case, case.findings(), cause, *words)


def told_by(case, findings, cause, *words):
    """The same, of what a check has found already."""
    (before,) = findings
    assert before["cause"] == cause and all(word in before["headline"] for word in words), before
    task = case.start()
    after = case.tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["cause"]) == (before["headline"], before["cause"])
    assert after["message"] in (task["stoppedReason"], container(task).get("reason")), after
    assert (after["fix"]["command"], after["fix"]["document"]) == (before["fix"]["command"], before["fix"]["document"])
    for shown in (case.shown(), case.shown(task)):
        lines = [line.strip() for line in shown.splitlines()]
        assert [line for line in to_paste(before["fix"]) if line not in lines] == [], shown
    return before["fix"]


def to_paste(fix):
    return [line for part in (fix["command"], fix["document"]) for line in (part or "").splitlines()]


# --- a login, a role ---


def test_a_private_image_without_a_credential(tasks, launch):
    main = tasks.container(command="true", repositoryCredentials=None)
    case = Corrected(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS))
    fix = told(case, "REGISTRY", "wants a login")
    case.correct(fix).runs()
    # The next one finds the secret there.
    case = Corrected(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS))
    fix = told(case, "REGISTRY", "wants a login")
    assert "create-secret" not in fix["command"]
    case.correct(fix).runs()
    name = json.loads("{" + fix["document"] + "}")["repositoryCredentials"]["credentialsParameter"]
    tasks.account.secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_no_execution_role(make_server, registry):
    """In a new installation: there is no role of the usual name yet."""
    server = make_server()
    owner = Account.from_env(server.env())
    tasks = Tasks(server, owner, registry)
    main = {"name": "main", "image": registry.image(), "memory": 64, "command": ["true"],
            "logConfiguration": tasks.awslogs()}  # fmt: skip
    case = Corrected(tasks, "EC2", main, executionRoleArn=None)
    found = case.findings()
    by_role = [it for it in found if "no execution role" in it["headline"]]
    assert len(by_role) == 1 and len(found) == 2, found
    case = case.correct(by_role[0]["fix"])
    (found,) = case.findings()
    assert "wants a login" in found["headline"]
    case.correct(found["fix"]).runs()
    assert tasks.end() == []


# --- what is in the image ---


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"user": "nosuchuser"}, ["the user of `main` is not in the image"]),
        ({"entryPoint": ["/no/such/program"]}, ["the program of `main` is not in the image"]),
        ({"entryPoint": ["no-such-program"]}, ["the program of `main` is not in the image"]),
    ],
)
def test_what_is_not_in_the_image(tasks, launch, members, words):
    """Once the image is on this machine `check` looks into it."""
    role = bare_role(tasks.account, LOGS, READ)
    Case(tasks, launch, tasks.container(command="true"), executionRoleArn=role).runs()
    main = {**tasks.container(command="true"), **members}
    case = Corrected(tasks, launch, main, executionRoleArn=role)
    fix = told(case, "CONFIGURATION", *words)
    corrected = case.correct(fix)
    corrected.runs()


# --- names that nothing can have ---


@pytest.mark.parametrize(
    ("group", "corrected"), [("bad group!", "bad-group-"), ("/ecs/a:b", "/ecs/a-b")]
)
def test_a_log_group_that_there_cannot_be(tasks, launch, group, corrected):
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(group=group))
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    (found,) = case.findings()
    assert found["cause"] == "CONFIGURATION" and "can be no name of a log group" in found["headline"]
    assert found["fix"]["command"] is None
    assert found["fix"]["document"] == f'"awslogs-group": "{corrected}"'


def test_other_names_that_there_cannot_be(tasks, launch):
    role = bare_role(tasks.account, LOGS, READ, allow(["s3:*", "ssm:*", "ecr:*"]))
    account = tasks.account.id
    for members, words in [
        ({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::Bad_Bucket/a.env"}]}, "can be no name of a bucket"),
        ({"secrets": [{"name": "P", "valueFrom": "/aws/service/none"}]}, "there is no parameter"),
        ({"image": f"{account}.dkr.ecr.us-east-1.amazonaws.com/Team/App:1"}, "can be no name of a repository"),
        (
            {"secrets": [{"name": "P", "valueFrom": f"arn:aws:secretsmanager:xx-none-1:{account}:secret:x"}]},
            "is no Region of AWS",
        ),
        (
            {"secrets": [{"name": "P", "valueFrom": "arn:aws:secretsmanager:us-east-1:999999999999:secret:x-AbCdEf"}]},
            "of the account `999999999999`, and there is none",
        ),
    ]:
        found = Case(tasks, launch, {**tasks.container(command="true"), **members}, executionRoleArn=role).findings()
        told = [it for it in found if words in it["headline"] or words.replace("there is", "is") in it["headline"]]
        assert told, (members, found)
        assert all(it["fix"]["command"] is None for it in found), found


# --- limits of the organization ---


def test_a_service_control_policy_that_denies(server, admin, registry, tmp_path):
    made = json.loads(server.command("account", "create", "616161616161", "--json", check=True).stdout)
    member = Account(server.endpoint, made["access_key_id"], made["secret_access_key"])
    name, document = unique("no-secrets"), tmp_path / "scp.json"
    statement = {"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    document.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    server.command(
        "organization", "attach", "scp", name, "--document", str(document), "--target", member.id,
        environment=admin.env(), check=True,
    )  # fmt: skip
    tasks = Tasks(server, member, registry)
    try:
        case = Case(tasks, "FARGATE", tasks.container(command="true"))
        found = [it for it in case.findings() if it["cause"] == "PERMISSION"]
        command = found[0]["fix"]["command"]
        assert re.search(rf"landfall organization detach scp {name} --target {member.id}", command), found
        arguments = command.removeprefix("landfall ").split()
        server.command(*arguments, environment=admin.env(), check=True)
        case.runs()
    finally:
        assert tasks.end() == []


# --- what no program can be given ---


def many_secrets(tasks, size, count):
    secret = tasks.account.secret("x" * size)
    return [{"name": f"V{number}", "valueFrom": secret} for number in range(count)]


@pytest.mark.parametrize("count", [40, 100])
def test_an_environment_that_is_too_large(tasks, launch, count):
    """Secrets of a size that each is allowed, and together too large for the kernel: a larger stack takes some of them."""
    role = bare_role(tasks.account, LOGS, READ)
    main = tasks.container(command="true", secrets=many_secrets(tasks, 65_000, count))
    case = Corrected(tasks, launch, main, executionRoleArn=role)
    fix = told(case, "CONFIGURATION", "the environment of `main` is too large")
    assert ("ulimits" in fix["document"]) == (launch == "EC2" and count == 40)
    corrected = case.correct(fix)
    corrected.runs()


def test_a_file_that_is_too_large_for_an_environment(tasks, admin, launch):
    bucket = unique("large").lower()
    admin.client("s3").create_bucket(Bucket=bucket)
    lines = "".join(f"V{number}={'x' * 60_000}\n" for number in range(120))
    admin.client("s3").put_object(Bucket=bucket, Key="large.env", Body=lines.encode())
    role = bare_role(tasks.account, LOGS, READ, allow(["s3:GetObject", "s3:GetBucketLocation"]))
    file = {"type": "s3", "value": f"arn:aws:s3:::{bucket}/large.env"}
    case = Corrected(tasks, launch, tasks.container(command="true", environmentFiles=[file]), executionRoleArn=role)
    fix = told(case, "CONFIGURATION", "the environment of `main` is too large")
    case.correct(fix).runs()


# --- options of the log driver that do not go together ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"mode": "blocking", "max-buffer-size": "1m"},
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        (
            {"awslogs-create-group": "yes"},
            "must specify valid value for log opt 'awslogs-create-group': strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (
            {"awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "^x"},
            "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
        ),
    ],
)
def test_options_that_the_log_driver_does_not_take_together(tasks, launch, options, words):
    role = bare_role(tasks.account, LOGS, READ, allow("logs:CreateLogGroup"))
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(**options))
    case = Case(tasks, launch, main, executionRoleArn=role)
    fix = told(case, "CONFIGURATION", words)
    if fix["document"]:
        given = {**options, **json.loads("{" + fix["document"] + "}")}
        main = tasks.container(command="true", logConfiguration=tasks.awslogs(**given))
        Case(tasks, launch, main, executionRoleArn=role).runs()


def test_a_size_of_the_buffer_where_the_account_blocks(tasks, launch):
    """Without `mode` the account's setting counts, when the task is made."""
    role = bare_role(tasks.account, LOGS, READ)
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(**{"max-buffer-size": "1m"}))
    case = Case(tasks, launch, main, executionRoleArn=role)
    case.runs()
    setting = {"name": "defaultLogDriverMode"}
    tasks.account.ecs.put_account_setting_default(**setting, value="blocking")
    try:
        fix = told(case, "CONFIGURATION", "only supported with 'mode=non-blocking'")
        assert fix["document"] == '"mode": "non-blocking"'
        mended = {"max-buffer-size": "1m", **json.loads("{" + fix["document"] + "}")}
        Case(tasks, launch, tasks.container(command="true", logConfiguration=tasks.awslogs(**mended)), executionRoleArn=role).runs()
    finally:
        tasks.account.ecs.put_account_setting_default(**setting, value="non-blocking")


def test_a_digest_that_the_registry_does_not_have(tasks, launch, registry):
    """Pushing does not make it: the corrected member names the image by a tag, and its commands push that."""
    image = registry.image()
    name, tag = image.rsplit(":", 1)
    main = tasks.container(command="true", image=f"{name}@sha256:{'0' * 64}")
    fix = told(Corrected(tasks, launch, main), "REGISTRY", "has no image")
    assert fix["document"] == f'"image": "{name}:TAG"'
    assert fix["command"] == f"docker tag IMAGE {name}:TAG\ndocker push {name}:TAG"
    main["image"] = json.loads("{" + fix["document"].replace("TAG", tag) + "}")["image"]
    Case(tasks, launch, main).runs()


# --- what the machine does not have, or has given to somebody else ---


def test_a_port_that_another_process_has(tasks):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = {"containerPort": 80, "hostPort": other.getsockname()[1]}
        case = Corrected(tasks, "EC2", tasks.container(command="true", portMappings=[port]))
        fix = told(case, "CAPACITY", f"port {port['hostPort']} of this machine is taken")
        case.correct(fix).runs()


def test_a_kernel_parameter_that_there_is_not(tasks):
    controls = [{"namespace": "net.ipv4.nosuch", "value": "1"}, {"namespace": "net.ipv4.ip_forward", "value": "0"}]
    case = Corrected(tasks, "EC2", tasks.container(command="true", systemControls=controls))
    fix = told(case, "CONFIGURATION", "net.ipv4.nosuch")
    assert json.loads("{" + fix["document"] + "}")["systemControls"] == controls[1:]
    case.correct(fix).runs()


OK = {"sourceVolume": "ok", "containerPath": "/there", "readOnly": True}


def mounted(tasks, source, path):
    """A container with a volume of the host on a path, and with one that fits."""
    tasks.finish(tasks.container(command="true"))
    points = [{"sourceVolume": "v", "containerPath": path}, OK]
    volumes = [{"name": "v", "host": {"sourcePath": str(source)}}, {"name": "ok"}]
    return Corrected(tasks, "EC2", tasks.container(command="true", mountPoints=points), volumes=volumes)


@pytest.mark.parametrize("path", ["/bin/busybox", "/bin/busybox/below"])
def test_a_directory_over_a_file(tasks, tmp_path, path):
    case = mounted(tasks, tmp_path, path)
    fix = told(case, "CONFIGURATION", f"cannot mount `{path}`: not a directory")
    assert json.loads("{" + fix["document"] + "}")["mountPoints"] == [OK]
    case.correct(fix).runs()


def test_a_file_over_a_directory(tasks, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    case = mounted(tasks, file, "/bin")
    fix = told(case, "CONFIGURATION", "cannot mount `/bin`: is a directory")
    case.correct(fix).runs()
    mounted(tasks, file, "/new/file").runs()


def test_a_volume_that_cannot_be_made(tasks, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    case = mounted(tasks, file / "below", "/data")
    fix = told(case, "CONFIGURATION", f"cannot mount `{file / 'below'}`: not a directory")
    case.correct(fix).runs()


def test_a_volume_of_the_task_over_a_file(tasks, launch):
    tasks.finish(tasks.container(command="true"))
    main = tasks.container(command="true", mountPoints=[{"sourceVolume": "v", "containerPath": "/bin/busybox"}])
    case = Corrected(tasks, launch, main, volumes=[{"name": "v"}])
    fix = told(case, "CONFIGURATION", "cannot mount `/bin/busybox`: not a directory")
    case.correct(fix).runs()


@pytest.mark.parametrize("options", [["nosuchoption"], ["noexec", "mode=zzz"], ["nr_inodes"]])
def test_an_option_of_a_file_system_in_memory_that_the_kernel_refuses(tasks, options):
    good = {"containerPath": "/good", "size": 8, "mountOptions": ["rw", "noexec", "strictatime", "mode=1777"]}
    bad = {"containerPath": "/bad", "size": 8, "mountOptions": options}
    main = tasks.container(command="true", linuxParameters={"tmpfs": [good, bad]})
    case = Corrected(tasks, "EC2", main)
    fix = told(case, "CONFIGURATION", "cannot mount `/bad`: invalid argument")
    mended = json.loads("{" + fix["document"] + "}")["tmpfs"]
    kept = options[:-1]
    assert mended == [good, {**{key: bad[key] for key in ("containerPath", "size")}, **({"mountOptions": kept} if kept else {})}]
    main = {**main, "linuxParameters": {"tmpfs": mended}}
    Corrected(tasks, "EC2", main).runs()
