"""Policies over accounts, through Landfall's own API: AWS has them in a service of its own."""

import json
import os
from contextlib import contextmanager

from harness import raw
from harness.account import Account, unique

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def member(server):
    """A further account of the server, as its administrator."""
    number = f"7{int.from_bytes(os.urandom(4)):011d}"
    keys = json.loads(server.command("account", "create", number, "--json", check=True).stdout)
    return Account(server.endpoint, keys["access_key_id"], keys["secret_access_key"])


def call(account, operation, **body):
    """A call of Landfall's API."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Landfall_20261123.{operation}"}
    return raw.post(account, "landfall", json.dumps(body), headers)


def attach(management, kind, target, document, name=None):
    """Attaches a policy to an account or to `root`. Returns it as the API shows it."""
    answer = call(
        management,
        "PutOrganizationPolicy",
        type=kind,
        targetId=target,
        name=name or unique("control"),
        content=json.dumps(document),
    )
    assert answer.status == 200, answer.body
    return answer.json["policy"]


def detach(management, policy):
    """Takes it away again."""
    answer = call(
        management,
        "DeleteOrganizationPolicy",
        type=policy["type"],
        targetId=policy["targetId"],
        name=policy["name"],
    )
    assert answer.status == 200, answer.body


@contextmanager
def attached(management, kind, target, document):
    """A policy that is there inside the block."""
    policy = attach(management, kind, target, document)
    try:
        yield policy
    finally:
        detach(management, policy)


@contextmanager
def without_full_access(management, target):
    """Inside the block, only what other service control policies allow is allowed."""
    detach(management, {"type": SCP, "targetId": target, "name": "FullAWSAccess"})
    try:
        yield
    finally:
        answer = call(management, "PutOrganizationPolicy", type=SCP, targetId=target, name="FullAWSAccess", content="{}")
        assert answer.status == 200, answer.body
