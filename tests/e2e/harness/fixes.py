"""A task that is not going to start: checked before, explained after, and mended by pasting the fix into a shell."""

import json
import os
import subprocess
import sys
from pathlib import Path

from harness.account import allow, trust, unique
from harness.server import bare_environment
from harness.tasks import container, exit_code

PULL_TELLS = "; `landfall check --pull` fetches the image and tells"
"""What is said beside what only an image's files tell."""

WORDS = {"USER": "username", "PASSWORD": "password"}


class Case:
    """A task definition that is not going to start, and how to get it checked, started and mended."""

    def __init__(self, tasks, launch, main, **settings):
        self.tasks, self.launch, self.account = tasks, launch, tasks.account
        self.network = "awsvpc" if launch == "FARGATE" else "bridge"
        self.definition = tasks.define(main, network=self.network, **settings)
        # Who pastes what a fix says for another account, and what is written for its words in capitals.
        self.owner, self.words = None, {"VALUE": "mended"}

    def check(self, *arguments, file=None):
        return self.tasks.server.command(
            "check", "-", "--launch-type", self.launch, *arguments, input=file or self.described(),
            environment=self.account.env(),
        )

    def described(self):
        """The definition as DescribeTaskDefinition gives it."""
        described = self.account.ecs.describe_task_definition(taskDefinition=self.definition)
        return json.dumps({"taskDefinition": described["taskDefinition"]}, default=str)

    def findings(self, *arguments):
        return self.answer(*arguments)["findings"]

    def unknown(self, *arguments):
        return self.answer(*arguments)["unknown"]

    def answer(self, *arguments):
        done = self.check("--json", *arguments)
        assert done.returncode in (0, 1), done.stderr
        (answer,) = json.loads(done.stdout)["task_definitions"]
        assert answer["would_start"] == (done.returncode == 0) == (answer["findings"] == [])
        return answer

    def shown(self, task=None):
        """What `check` prints on a terminal, or `explain` of a task."""
        if task is None:
            return self.check().stdout
        return self.tasks.server.command("explain", task["taskArn"], environment=self.account.env()).stdout

    def start(self):
        return self.tasks.wait_stopped(self.tasks.run(self.definition, self.network))

    def mend(self, fix):
        """Pastes the fix into a shell. Words in capitals are filled in, as the user would: between single quotes."""
        command = fix["command"]
        for word, name in WORDS.items():
            command = command.replace(f":\"{word}\"", f":\"{getattr(self.tasks.registry, name)}\"")
        for word, value in self.words.items():
            command = command.replace(word, value.replace("'", r"'\''"))
        first, *others = command.split("# in the account ")
        if first:
            paste(first, self.account)
        for other in others:
            account, commands = other.split("\n", 1)
            assert account == self.owner.id, command
            paste(commands, self.owner)

    def mend_all(self):
        """Pastes the fixes of everything that is found, as they are printed, one after the other."""
        findings = self.findings()
        for fix in (found["fix"] for found in findings):
            assert fix["command"] or "are for this, too" in fix["text"], fix
            if fix["command"]:
                self.mend(fix)
        return findings

    def runs(self):
        assert self.findings() == []
        task = self.start()
        assert exit_code(task) == 0, self.tasks.story(task)


def paste(commands, account):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**account.env(), "PATH": path, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    done = subprocess.run(["sh", "-e", "-c", commands], capture_output=True, text=True, env=bare_environment(**env))
    assert done.returncode == 0, f"{commands}\n{done.stderr}"


def assert_mended(case, cause, *words, verified=None):
    """Said before, said after, mended as printed."""
    (before,) = case.findings()
    assert before["cause"] == cause, before
    assert all(word in before["headline"] for word in words), before["headline"]
    task = case.start()
    assert task["stopCode"] == "TaskFailedToStart"
    after = case.tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["cause"]) == (before["headline"], before["cause"])
    assert after["message"] in (task["stoppedReason"], container(task).get("reason")), after
    if case.launch == "FARGATE":
        assert task["stoppedReason"] == after["message"]
    if verified is not None:
        assert after["fix"]["verified"] == before["fix"]["verified"] == verified
    case.mend(after["fix"])
    case.runs()
    return task


def secret_case(tasks, launch, value, **more):
    """A task whose registry credential is `value`."""
    secret = tasks.account.secret(value)
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": secret})
    return Case(tasks, launch, main, executionRoleArn=tasks.account.execution_role(secret), **more)


def bare_role(account, *statements):
    """An execution role with these statements alone."""
    name = unique("exec")
    role = account.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(trust("ecs-tasks.amazonaws.com"))
    )["Role"]["Arn"]
    for number, statement in enumerate(statements):
        account.iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(statement))
    return role


LOGS = allow(["logs:CreateLogStream", "logs:PutLogEvents"])
READ = allow("secretsmanager:GetSecretValue")
