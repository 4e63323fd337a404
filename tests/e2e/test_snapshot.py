"""`landfall snapshot` and `landfall check --snapshot`: a server that is stopped is asked through a file that holds no secret, and
finds what it would find."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness import sensitive
from harness.account import Account, allow, deny, trust, unique
from harness.fixes import PULL_TELLS
from harness.server import bare_environment, binary, run

IMAGE = "registry.example/team/app:1"
LOGS = allow(["logs:CreateLogStream", "logs:PutLogEvents"])
READ = allow(["secretsmanager:GetSecretValue", "ssm:GetParameters", "kms:Decrypt", "s3:GetObject", "s3:GetBucketLocation"])


class World:
    """Causes of tasks that do not start, each a task definition, on a server of its own."""

    def __init__(self, account):
        self.account = account
        self.group = account.log_group()
        self.good = self.role(LOGS, READ)
        self.cases = {}

    def role(self, *statements, service="ecs-tasks.amazonaws.com"):
        name = unique("exec")
        arn = self.account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(service)))["Role"]["Arn"]
        for number, statement in enumerate(statements):
            self.account.iam.put_role_policy(
                RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(statement)
            )
        return arn

    def secret(self, value, **more):
        text = value if isinstance(value, str) else json.dumps(value)
        return self.account.secretsmanager.create_secret(Name=unique("secret"), SecretString=text, **more)["ARN"]

    def case(self, name, role=None, group=None, credential=None, image=IMAGE, **more):
        main = {"name": "main", "image": image, "memory": 128, "command": ["true"], **more}
        if credential:
            main["repositoryCredentials"] = {"credentialsParameter": credential}
        if group is not None or "logConfiguration" not in more:
            options = {"awslogs-group": group or self.group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
            main["logConfiguration"] = {"logDriver": "awslogs", "options": options}
        for launch in ("FARGATE", "EC2"):
            self.cases[f"{name}, {launch}"] = {
                "family": "app",
                "cpu": "256",
                "memory": "512",
                "networkMode": "awsvpc",
                "requiresCompatibilities": [launch],
                "executionRoleArn": role or self.good,
                "containerDefinitions": [main],
            }


def password():
    return sensitive.password()


def variable(value_from):
    return [{"name": "V", "valueFrom": value_from}]


def build(account):
    """The causes of `test_fixes.py` and more."""
    world = World(account)
    credential = {"username": "hub", "password": password()}
    good = world.secret(credential)
    world.case("all is well", credential=good)
    world.case("no permission for the credential", world.role(LOGS), credential=good)
    world.case("no permission for a secret", world.role(LOGS), secrets=variable(good))
    world.case("no permission for logs", world.role(READ))
    world.case("no log group", group=unique("/missing"))
    world.case("another key", credential=world.secret({"user": "hub", "password": password()}))
    world.case("another key and no permission", world.role(LOGS), credential=world.secret({"user": "hub", "password": password()}))
    world.case("quotes of a shell", credential=world.secret(f"'{json.dumps(credential)}'"))
    world.case("no password", credential=world.secret({"username": "hub"}))
    world.case("an empty password", credential=world.secret({"username": "hub", "password": ""}))
    world.case("a number", credential=world.secret({"username": "hub", "password": 12345678}))
    world.case("no JSON", credential=world.secret(password()))
    world.case("broken JSON", credential=world.secret('{"username": "hub",\n "password": "%s",}' % password()))
    world.case("a list", credential=world.secret(json.dumps([password()])))
    world.case("no such key", secrets=variable(f"{good}:nope::"))
    world.case("a key of no JSON", secrets=variable(f"{world.secret(password())}:password::"))
    world.case("no such secret", credential=unique("missing"))
    deleted = world.secret(credential)
    account.secretsmanager.delete_secret(SecretId=deleted)
    world.case("a secret that is deleted", credential=deleted)
    binary_secret = account.secretsmanager.create_secret(Name=unique("binary"), SecretBinary=b"\x00\x01")["ARN"]
    world.case("a binary secret", credential=binary_secret)
    ssm, kms = account.client("ssm"), account.kms
    plain, name = unique("/p"), unique("/s")
    ssm.put_parameter(Name=plain, Value=password(), Type="String")
    world.case("a parameter", secrets=variable(plain))
    world.case("no such parameter", secrets=variable(unique("/none")))
    world.case("no permission for a parameter", world.role(LOGS), secrets=variable(plain))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    off = kms.create_key()["KeyMetadata"]["Arn"]
    without_key = world.role(LOGS, READ, deny("kms:Decrypt"))
    for number, (key_id, label) in enumerate([(key, "a key"), (off, "a disabled key")]):
        secret = world.secret(credential, KmsKeyId=key_id)
        parameter = f"{name}/{number}"
        ssm.put_parameter(Name=parameter, Value=password(), Type="SecureString", KeyId=key_id)
        world.case(f"a secret under {label}", credential=secret)
        world.case(f"a parameter under {label}", secrets=variable(parameter))
        world.case(f"a secret under {label} that is denied", without_key, credential=secret)
        world.case(f"a parameter under {label} that is denied", without_key, secrets=variable(parameter))
    kms.disable_key(KeyId=off)
    world.case("a role that trusts others", world.role(LOGS, READ, service="ecs.amazonaws.com"), credential=good)
    world.case("no such role", f"arn:aws:iam::{account.id}:role/{unique('none')}", credential=good)
    files(world)
    images(world)
    world.case("too large for the machine", memoryReservation=64, memory=2_000_000_000)
    world.case("eight things", world.role(), group=unique("/missing"), credential=world.secret({"user": "x"}), secrets=[
        {"name": "A", "valueFrom": f"{good}:nope::"}, {"name": "B", "valueFrom": unique("none")}])
    return world


def files(world):
    s3, bucket = world.account.client("s3"), unique("files").lower()
    s3.create_bucket(Bucket=bucket)
    contents = {"good": f"A={password()}\nB={password()}".encode(), "binary": b"\xff\xfe", "long": b"A" * 70_000}
    for name, body in contents.items():
        s3.put_object(Bucket=bucket, Key=f"{name}.env", Body=body)
        s3.put_object(Bucket=bucket, Key=f"kms-{name}.env", Body=body, ServerSideEncryption="aws:kms")
    for name in (*contents, *(f"kms-{it}" for it in contents), "none"):
        file = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/{name}.env"}]
        world.case(f"the file {name}", environmentFiles=file)
        world.case(f"the file {name} without permission", world.role(LOGS), environmentFiles=file)


def images(world):
    ecr = world.account.client("ecr")
    name = unique("team/app").lower()
    repository = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    pull = world.role(LOGS, allow("ecr:*"))
    upload(ecr, name)
    world.case("an image of ECR", pull, image=f"{repository}:1")
    world.case("another tag", pull, image=f"{repository}:2")
    world.case("another repository", pull, image=f"{repository}-none:1")
    world.case("ECR without permission", world.role(LOGS), image=f"{repository}:1")


def upload(ecr, name):
    """The smallest image there is."""
    import hashlib

    def blob(content):
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content)
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
        return {"digest": digest, "size": len(content)}

    config, layer = blob(b"{}"), blob(os.urandom(64))
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
    }
    ecr.put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag="1")


def findings(done):
    """What `check --json` found, without the ids of requests."""
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(re.sub(r"(request ?id|RequestID): [0-9a-fA-F-]{36}", "ID", done.stdout, flags=re.IGNORECASE))
    (checked,) = answer["task_definitions"]
    assert checked["would_start"] == (done.returncode == 0)
    # A server could fetch the images; a snapshot cannot, and does not say so.
    checked["unknown"] = [it.removesuffix(PULL_TELLS) for it in checked["unknown"]]
    return checked


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """Every case with what the server finds, and the snapshot of the server, which is stopped then."""
    from harness.server import Server

    server = Server().start()
    account = Account.from_env(server.env())
    path = tmp_path_factory.mktemp("snapshot") / "landfall.snapshot"
    try:
        world = build(account)
        found = {
            name: findings(server.command("check", "-", "--json", "--skip-images", input=json.dumps(definition)))
            for name, definition in world.cases.items()
        }
        done = server.command("snapshot", str(path), "--json", check=True)
        refused = server.command("snapshot", str(path) + "2", environment=account.user(allow("ecs:*")).env())
        number = account.id
    finally:
        server.stop()
        server.remove()
    return {"world": world, "found": found, "path": path, "summary": json.loads(done.stdout), "refused": refused, "account": number}


def offline(path, *arguments, input=None, **environment):
    return run("check", "-", "--snapshot", str(path), *arguments, input=input, environment=environment)


def test_the_server_is_not_needed(taken, tmp_path):
    """For each cause the same findings, and nothing stays in the temporary directory."""
    different, kinds = {}, set()
    for name, definition in taken["world"].cases.items():
        expected = taken["found"][name]
        found = findings(offline(taken["path"], "--json", "--skip-images", input=json.dumps(definition), TMPDIR=str(tmp_path)))
        if found != expected:
            different[name] = (found["findings"], expected["findings"])
        kinds.update(it["headline"] for it in found["findings"])
    assert not different, json.dumps(different, indent=1)
    assert len(kinds) > 30, kinds
    assert taken["found"]["all is well, FARGATE"]["findings"] == []
    assert len(taken["found"]["eight things, EC2"]["findings"]) == 8
    assert list(tmp_path.iterdir()) == []


def test_no_secret_is_in_it(taken):
    path = taken["path"]
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert content.startswith(b"landfall snapshot 1\n")
    unpacked = subprocess.run(["zstd", "-dc"], input=content.split(b"\n", 1)[1], capture_output=True, check=True)
    text = unpacked.stdout.decode()
    assert taken["world"].good in text
    assert len(sensitive.KNOWN) > 10 and not [it for it in sensitive.KNOWN if it in text]
    assert taken["world"].account.secret_key not in text and taken["world"].account.access_key not in text


def test_the_summary_and_who_may(taken):
    summary = taken["summary"]
    assert summary["accounts"] == [taken["account"]] and summary["bytes"] == taken["path"].stat().st_size
    counts = {it["kind"]: it["count"] for it in summary["contents"]}
    assert counts["roles"] > 10 and counts["secrets, without their values"] > 10
    refused = taken["refused"]
    assert refused.returncode == 1 and "is not authorized to perform: landfall:CreateSnapshot" in refused.stderr


def test_options(taken):
    """What was not asked is said; accounts, SARIF and several definitions work as ever."""
    definition = json.dumps(taken["world"].cases["all is well, FARGATE"])
    checked = findings(offline(taken["path"], "--json", input=definition))
    assert checked["unknown"] == [
        f"whether the registry has `{IMAGE}` and gives it out",
        f"whether the image `{IMAGE}` has an `ENTRYPOINT`, or else the program `true`",
    ]
    shown = offline(taken["path"], input=definition)
    assert shown.returncode == 0 and "would start, as far as can be known: 2 things are not known" in shown.stdout and "not known whether the registry" in shown.stdout
    bad = json.dumps(taken["world"].cases["no log group, EC2"])
    sarif = offline(taken["path"], "--sarif", input=bad)
    results = json.loads(sarif.stdout)["runs"][0]["results"]
    assert sarif.returncode == 1 and [it["ruleId"] for it in results if it["kind"] == "fail"]
    open = [it for it in results if it["kind"] == "open"]
    assert {(it["ruleId"], it["level"]) for it in open} == {("unknown", "none")}
    assert any("whether the registry has" in it["message"]["text"] for it in open)
    cluster = offline(taken["path"], "--cluster", "nowhere", "--json", input=definition)
    assert [it["headline"] for it in findings(cluster)["findings"]] == ["there is no active cluster `nowhere`"]
    other = offline(taken["path"], "--account", "999999999999", input=definition)
    assert other.returncode == 2 and "account `999999999999` is not in the snapshot" in other.stderr
    mine = offline(taken["path"], "--account", taken["account"], "--skip-images", input=definition)
    assert mine.returncode == 0
    both = offline(taken["path"], "--data-dir", "/nowhere", input=definition)
    assert both.returncode == 2 and "cannot be used with" in both.stderr
    resources = {
        name: {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": taken["world"].cases[case],
        }
        for name, case in [("Good", "all is well, FARGATE"), ("Bad", "no log group, EC2")]
    }
    template = json.dumps({"Resources": resources})
    done = offline(taken["path"], "--json", input=template)
    starts = [it["would_start"] for it in json.loads(done.stdout)["task_definitions"]]
    assert done.returncode == 1 and sorted(starts) == [False, True]


def test_what_is_no_snapshot(taken, tmp_path):
    content = taken["path"].read_bytes()
    file = tmp_path / "file"
    definition = json.dumps(taken["world"].cases["all is well, FARGATE"])
    for bytes_, words in [
        (b"{}", "the file is not a snapshot of Landfall"),
        (b"landfall snapshot 9" + content[19:], "the snapshot has format 9; this version of Landfall reads formats up to 1"),
        (content[:-20], "the snapshot is damaged: "),
        (content[:500] + bytes([content[500] ^ 4]) + content[501:], "the snapshot is damaged: "),
        (content + b"\n", "the snapshot is damaged: there is something behind its end"),
    ]:
        file.write_bytes(bytes_)
        done = offline(file, input=definition, TMPDIR=str(tmp_path))
        assert done.returncode == 2 and words in done.stderr and "hint: " in done.stderr, done.stderr
    missing = offline(tmp_path / "missing", input=definition)
    assert missing.returncode == 2 and "cannot read" in missing.stderr
    assert [it.name for it in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_nothing_stays_behind_when_it_is_interrupted(taken, tmp_path, sent):
    """Wherever the signal meets it."""
    for wait in (0.02, 0.1, 0.3):
        process = subprocess.Popen(
            [binary(), "check", "-", "--snapshot", str(taken["path"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=bare_environment(TMPDIR=str(tmp_path)),
        )
        process.stdin.write(json.dumps(taken["world"].cases["all is well, FARGATE"]).encode())
        process.stdin.close()
        time.sleep(wait)
        process.send_signal(sent)
        process.wait(60)
        assert list(tmp_path.iterdir()) == [], wait
