"""Log groups under a KMS key, through boto3 and the AWS CLI: events on disk, what the key policy decides, awslogs of a task."""

import json
import time

import pytest

from harness import sensitive
from harness.account import unique
from harness.errors import refused


def now():
    return int(time.time() * 1000)


def key_policy(account, *actions, group="*"):
    """A key policy as the user guide of CloudWatch Logs has it."""
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:{group}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                    "Action": list(actions),
                    "Resource": "*",
                    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn}},
                },
            ],
        }
    )


@pytest.fixture
def key(admin, account_id):
    actions = ("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
    return admin.kms.create_key(Policy=key_policy(account_id, *actions))["KeyMetadata"]["Arn"]


@pytest.fixture
def group(admin, key):
    name = unique("/ecs/sealed")
    admin.logs.create_log_group(logGroupName=name, kmsKeyId=key)
    return name


def put(admin, group, stream, *messages):
    events = [{"timestamp": now(), "message": message} for message in messages]
    return admin.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def closed(account_id, group):
    arn = f"arn:aws:logs:us-east-1:{account_id}:log-group:{group}"
    return f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"


def test_events_are_nowhere_in_plain_text(server, admin, key, group):
    [listed] = admin.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert listed["kmsKeyId"] == key
    # The harness looks for it in data directory and log once more when the server ends.
    text = sensitive.password()
    admin.logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(admin, group, "s", f"the word is {text}", "nothing")
    assert admin.messages(group, "s") == [f"the word is {text}", "nothing"]
    found = admin.logs.filter_log_events(logGroupName=group, filterPattern=text)["events"]
    assert [event["message"] for event in found] == [f"the word is {text}"]
    query = admin.logs.start_query(
        logGroupName=group, startTime=0, endTime=now() // 1000 + 60, queryString="fields @message | filter @message like /word/"
    )["queryId"]
    while (answer := admin.logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
        time.sleep(0.05)
    assert {"field": "@message", "value": f"the word is {text}"} in answer["results"][0]
    assert sensitive.files_with_secrets(server.data_dir) == []


def test_the_key_policy_decides(admin, account_id):
    group = unique("/ecs/closed")
    plain = admin.kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException", closed(account_id, group)):
        admin.logs.create_log_group(logGroupName=group, kmsKeyId=plain)
    other = admin.kms.create_key(Policy=key_policy(account_id, "kms:*", group="/ecs/another"))["KeyMetadata"]["Arn"]
    admin.logs.create_log_group(logGroupName=group)
    with refused("AccessDeniedException", closed(account_id, group)):
        admin.logs.associate_kms_key(logGroupName=group, kmsKeyId=other)
    admin.kms.put_key_policy(KeyId=other, PolicyName="default", Policy=key_policy(account_id, "kms:*", group=group))
    admin.aws("logs", "associate-kms-key", "--log-group-name", group, "--kms-key-id", other)
    described = admin.aws("logs", "describe-log-groups", "--log-group-name-prefix", group)
    assert described["logGroups"][0]["kmsKeyId"] == other
    admin.aws("logs", "disassociate-kms-key", "--log-group-name", group)
    assert "kmsKeyId" not in admin.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_a_disabled_key_shuts_its_events_away(admin, account_id, key, group):
    admin.logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(admin, group, "s", "one")
    admin.kms.disable_key(KeyId=key)
    with refused("AccessDeniedException", closed(account_id, group)):
        put(admin, group, "s", "two")
    with refused("AccessDeniedException", closed(account_id, group)):
        admin.logs.get_log_events(logGroupName=group, logStreamName="s")
    with refused("InvalidParameterException", f"{key} is disabled."):
        admin.logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    admin.kms.enable_key(KeyId=key)
    put(admin, group, "s", "two")
    assert admin.messages(group, "s") == ["one", "two"]


def test_a_task_writes_into_a_group_under_a_key(tasks, group):
    main = tasks.container(command="echo hello", logConfiguration=tasks.awslogs(group))
    task = tasks.finish(main)
    assert tasks.lines(task, group=group) == ["hello"], tasks.story(task)
