"""Task definitions and tasks: write them, run them, wait for them, read what they said."""

import json

from harness import residue
from harness.account import AWSVPC, unique
from harness.waiting import until

FARGATE_SIZE = {"cpu": "256", "memory": "512"}


class Tasks:
    """Runs tasks in one cluster and remembers them, so that none is left behind."""

    def __init__(self, server, account, registry=None):
        self.server = server
        self.account = account
        self.registry = registry
        self.started = []
        self._cluster = None
        self._group = None
        self._secret = None
        self._role = None

    # --- what tasks need, made when first asked for ---

    @property
    def cluster(self):
        if self._cluster is None:
            self._cluster = unique("cluster")
            self.account.ecs.create_cluster(clusterName=self._cluster)
        return self._cluster

    @property
    def group(self):
        self._group = self._group or self.account.log_group()
        return self._group

    @property
    def secret(self):
        """A secret with the right credential of the registry."""
        self._secret = self._secret or self.account.registry_secret(self.registry)
        return self._secret

    @property
    def role(self):
        """An execution role that may read that secret."""
        self._role = self._role or self.account.execution_role(self.secret)
        return self._role

    # --- task definitions ---

    def awslogs(self, group=None, prefix="t", **options):
        return {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": group or self.group,
                "awslogs-region": self.account.region,
                "awslogs-stream-prefix": prefix,
                **options,
            },
        }

    def container(self, image=None, command=None, name="main", **more):
        """A container with the registry's credential and awslogs. A member given as `None` is left out."""
        if "repositoryCredentials" not in more:
            more["repositoryCredentials"] = {"credentialsParameter": self.secret}
        if "logConfiguration" not in more:
            more["logConfiguration"] = self.awslogs()
        definition = {
            "name": name,
            "image": image or self.registry.image(),
            "essential": True,
            "command": ["sh", "-c", command] if isinstance(command, str) else command,
            "stopTimeout": 2,
            **more,
        }
        return {key: value for key, value in definition.items() if value is not None}

    def define(self, *containers, network="awsvpc", **more):
        """Registers a task definition. Returns its ARN. `awsvpc` is for Fargate, other network modes for EC2."""
        settings = {
            "family": unique("family"),
            "networkMode": network,
            "executionRoleArn": more.pop("executionRoleArn") if "executionRoleArn" in more else self.role,
            **(
                {"requiresCompatibilities": ["FARGATE"], **FARGATE_SIZE}
                if network == "awsvpc"
                else {"requiresCompatibilities": ["EC2"], "memory": "256"}
            ),
            **more,
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        answer = self.account.ecs.register_task_definition(containerDefinitions=list(containers), **settings)
        return answer["taskDefinition"]["taskDefinitionArn"]

    # --- tasks ---

    def run_raw(self, definition, network="awsvpc", **more):
        """RunTask as it answers."""
        where = (
            {"launchType": "FARGATE", "networkConfiguration": AWSVPC} if network == "awsvpc" else {"launchType": "EC2"}
        )
        answer = self.account.ecs.run_task(**{"cluster": self.cluster, "taskDefinition": definition, **where, **more})
        self.started += [task["taskArn"] for task in answer["tasks"]]
        return answer

    def run(self, definition, network="awsvpc", **more):
        """Runs one task. Returns its ARN."""
        answer = self.run_raw(definition, network, **more)
        assert not answer["failures"], answer["failures"]
        return answer["tasks"][0]["taskArn"]

    def describe(self, arn):
        answer = self.account.ecs.describe_tasks(cluster=cluster_of(arn), tasks=[arn], include=["TAGS"])
        assert not answer["failures"], answer["failures"]
        return answer["tasks"][0]

    def wait_running(self, arn, timeout=60):
        def look():
            task = self.describe(arn)
            assert task["lastStatus"] != "STOPPED", self.story(task)
            return task if task["lastStatus"] == "RUNNING" else None

        return until(f"task {arn} RUNNING", look, timeout, 0.1)

    def wait_stopped(self, arn, timeout=60):
        def look():
            task = self.describe(arn)
            return task if task["lastStatus"] == "STOPPED" else None

        return until(f"task {arn} STOPPED", look, timeout, 0.1)

    def hostile_container(self, hostile, command="true", **more):
        """A container whose image is in a registry that misbehaves, with the right credential, and a role that may read it."""
        secret = self.account.registry_secret(hostile)
        main = self.container(
            image=hostile.reference, command=command, repositoryCredentials={"credentialsParameter": secret}, **more
        )
        return main, self.account.execution_role(secret)

    def watch(self, arn, timeout=60):
        """Waits until STOPPED. Returns the task and every status that was seen on the way."""
        seen = []

        def look():
            task = self.describe(arn)
            if task["lastStatus"] not in seen:
                seen.append(task["lastStatus"])
            return task if task["lastStatus"] == "STOPPED" else None

        return until(f"task {arn} STOPPED", look, timeout, 0.02), seen

    def finish(self, *containers, network="awsvpc", timeout=60, overrides=None, **settings):
        """Defines, runs, and waits until STOPPED. Returns the task."""
        more = {"overrides": overrides} if overrides else {}
        arn = self.run(self.define(*containers, network=network, **settings), network, **more)
        return self.wait_stopped(arn, timeout)

    def output(self, command, **more):
        """Runs `sh -c command` to its end, expects exit code 0, and returns its lines."""
        settings = {key: more.pop(key) for key in ("network", "volumes", "cpu", "memory", "overrides") if key in more}
        task = self.finish(self.container(command=command, **more), **settings)
        assert exit_code(task) == 0, self.story(task)
        return self.lines(task)

    def stop(self, arn, reason=None, wait=True):
        self.account.ecs.stop_task(cluster=cluster_of(arn), task=arn, **({"reason": reason} if reason else {}))
        return self.wait_stopped(arn) if wait else None

    def lines(self, task, container="main", group=None, prefix="t"):
        """What a container wrote, as CloudWatch Logs has it."""
        return self.account.messages(group or self.group, f"{prefix}/{container}/{task_id(task['taskArn'])}")

    def trace(self, arn):
        """The start trace, through `landfall explain --json`."""
        done = self.server.command("explain", arn, "--json", environment=self.account.env())
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def story(self, task):
        """Why a task is as it is, for the message of a failed assertion."""
        short = {key: task.get(key) for key in ("lastStatus", "stopCode", "stoppedReason")}
        containers = [
            {key: c.get(key) for key in ("name", "lastStatus", "exitCode", "reason")} for c in task["containers"]
        ]
        return f"{json.dumps(short)} {json.dumps(containers)}"

    # --- afterwards ---

    def end(self):
        """Stops what still runs, waits for it, and says what is left on the host of any task of this object."""
        for arn in self.started:
            if self.describe(arn)["lastStatus"] != "STOPPED":
                self.stop(arn, wait=False)
        for arn in self.started:
            self.wait_stopped(arn)
        ids = [task_id(arn) for arn in self.started]
        return settled_residue(ids, self.server)


def settled_residue(needles, server=None, timeout=5):
    """What is left, after a moment in which cleaning up may end."""
    ignore = [server.process.pid] if server and server.process else []
    left = []

    def clean():
        left[:] = residue.of(needles, ignore)
        return not left

    try:
        until("a clean host", clean, timeout, 0.2)
    except AssertionError:
        return left
    return []


def cluster_of(arn):
    return arn.split("/")[1]


def task_id(arn):
    return arn.rsplit("/", 1)[1]


def container(task, name="main"):
    """A container of a described task."""
    return next(c for c in task["containers"] if c["name"] == name)


def exit_code(task, name="main"):
    return container(task, name).get("exitCode")


def assert_never_ran(task, seen=()):
    """The task failed to start, and says so everywhere."""
    assert task["stopCode"] == "TaskFailedToStart", task
    assert task["lastStatus"] == task["desiredStatus"] == "STOPPED"
    assert "RUNNING" not in seen
    assert "startedAt" not in task
    assert task["stoppedAt"] and task["stoppingAt"]
    for one in task["containers"]:
        assert one["lastStatus"] == "STOPPED"
        assert "exitCode" not in one


def failed_step(trace):
    """The step of a start trace that failed."""
    return next((step for step in trace["steps"] if step["outcome"]["result"] == "failed"), None)
