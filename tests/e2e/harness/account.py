"""One AWS account as its owner sees it: clients, and the roles, secrets and task definitions that most tests need."""

import itertools
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
import subprocess

import boto3
from botocore.config import Config

from harness import sensitive
from harness.server import bare_environment

EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
ECS_TASKS = "ecs-tasks.amazonaws.com"
SUBNET = "subnet-12345678"
AWSVPC = {"awsvpcConfiguration": {"subnets": [SUBNET], "assignPublicIp": "ENABLED"}}

_numbers = itertools.count(1)
_run = f"{os.getpid():x}{os.urandom(2).hex()}"


def unique(prefix):
    """A name that no other test uses."""
    return f"{prefix}-{_run}-{next(_numbers)}"


def trust(*services, **principal):
    """A trust policy for services, or for `AWS=...`."""
    who = {"Service": services[0] if len(services) == 1 else list(services)} if services else principal
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}]}


def allow(actions, resources="*", **more):
    """A policy of one statement that allows."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources, **more}],
    }


def deny(actions, resources="*"):
    """A policy of one statement that denies."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": actions, "Resource": resources}]}


@dataclass
class Account:
    """Somebody's keys, and what they can do with them."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    session_token: str | None = None
    _clients: dict = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, env):
        """The account that `landfall env --json` speaks of."""
        return cls(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_REGION"])

    def hang_up(self):
        """Ends the connections of all clients."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def client(self, service, region=None, **config):
        """A boto3 client that neither retries nor hides what the server said."""
        key = (service, region, tuple(sorted(config.items())))
        if key not in self._clients:
            session = boto3.session.Session()
            self._clients[key] = session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=region or self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                aws_session_token=self.session_token,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=60, **config),
            )
        return self._clients[key]

    def __getattr__(self, name):
        if name in ("ecs", "iam", "kms", "sts", "logs", "secretsmanager"):
            return self.client(name)
        raise AttributeError(name)

    @property
    def id(self):
        return self.sts.get_caller_identity()["Account"]

    def as_keys(self, access_key, secret_key, session_token=None):
        """The same endpoint with other keys."""
        return Account(self.endpoint, access_key, secret_key, self.region, session_token)

    def assume(self, role_arn, name="tester", **more):
        """The same endpoint as a role session."""
        got = self.sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **more)["Credentials"]
        return self.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])

    def env(self):
        """Environment variables for programs."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables

    def aws(self, *arguments, check=True, timeout=60, **environment):
        """Runs the unmodified AWS CLI. Returns parsed JSON, or the completed process where `check` is off."""
        program = Path(sys.executable).with_name("aws")
        settings = {
            **self.env(),
            "AWS_PAGER": "",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        done = subprocess.run(
            [str(program), *map(str, arguments), "--output", "json"],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=bare_environment(**{**settings, **environment}),
        )
        if not check:
            return done
        assert done.returncode == 0, f"aws {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    # --- identities ---

    def user(self, policy=None, prefix="user"):
        """A new user with an access key, allowed what `policy` says. Returns the account as seen by them."""
        name = unique(prefix)
        self.iam.create_user(UserName=name)
        if policy:
            self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return self.as_keys(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, policy=None, trusted=None, managed=(), prefix="role"):
        """A new role. Returns its ARN."""
        name = unique(prefix)
        document = json.dumps(trusted or trust(ECS_TASKS))
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for policy_arn in managed:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        if policy:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        return arn

    def execution_role(self, *secret_arns, extra=(), trusted=None, managed=(EXECUTION_POLICY,)):
        """A task execution role that may read the given secrets."""
        statements = (
            [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": list(secret_arns)}]
            if secret_arns
            else []
        )
        statements += list(extra)
        policy = {"Version": "2012-10-17", "Statement": statements} if statements else None
        return self.role(policy, trusted, managed, prefix="execution")

    # --- secrets and logs ---

    def secret(self, value, prefix="secret", region=None):
        """A new secret. A dictionary is stored as JSON. Returns its ARN."""
        arguments = (
            {"SecretBinary": value}
            if isinstance(value, bytes)
            else {"SecretString": value if isinstance(value, str) else json.dumps(value)}
        )
        return self.client("secretsmanager", region).create_secret(Name=unique(prefix), **arguments)["ARN"]

    def registry_secret(self, registry, **more):
        """A secret with a registry's user name and password. Returns its ARN."""
        return self.secret(
            {"username": registry.username, "password": sensitive.remember(registry.password)}, "registry", **more
        )

    def log_group(self):
        """A new log group. Returns its name."""
        name = unique("/ecs/e2e")
        self.logs.create_log_group(logGroupName=name)
        return name

    def messages(self, group, stream):
        """All messages of a log stream, in order."""
        found, token = [], None
        while True:
            more = {"nextToken": token} if token else {}
            page = self.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **more)
            found += [event["message"] for event in page["events"]]
            if page["nextForwardToken"] == token:
                return found
            token = page["nextForwardToken"]
