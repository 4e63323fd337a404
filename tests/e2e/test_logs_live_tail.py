"""Live Tail through boto3, which reads the event stream, and through the AWS CLI."""

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness.account import allow, unique


@pytest.fixture
def logs(admin):
    return admin.client("logs", inject_host_prefix=False)


class Group:
    def __init__(self, logs, *streams):
        self.logs, self.name = logs, unique("/tail")
        logs.create_log_group(logGroupName=self.name)
        for stream in streams:
            logs.create_log_stream(logGroupName=self.name, logStreamName=stream)

    @property
    def arn(self):
        found = self.logs.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"][0]
        return found["logGroupArn"]

    def put(self, stream, *messages):
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        self.logs.put_log_events(logGroupName=self.name, logStreamName=stream, logEvents=events)


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def updates(stream, enough):
    """Events of updates until there are enough; and whether one was sampled."""
    events, sampled = [], False
    for event in stream:
        update = event["sessionUpdate"]
        events += update["sessionResults"]
        sampled = sampled or update["sessionMetadata"]["sampled"]
        if len(events) >= enough:
            return events, sampled
    raise AssertionError("the session ended")


def test_a_session_sends_what_is_put(logs):
    group = Group(logs, "a/1", "b")
    group.put("a/1", "before")
    answer = logs.start_live_tail(logGroupIdentifiers=[group.arn], logEventFilterPattern="-noise")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/vnd.amazon.eventstream"
    stream = iter(answer["responseStream"])
    start = next(stream)["sessionStart"]
    assert start["sessionId"] and start["requestId"]
    assert (start["logGroupIdentifiers"], start["logEventFilterPattern"]) == ([group.arn], "-noise")
    empty = next(stream)["sessionUpdate"]
    assert empty == {"sessionMetadata": {"sampled": False}, "sessionResults": []}
    group.put("a/1", "one", "noise")
    group.put("b", "two")
    events, sampled = updates(stream, 2)
    assert not sampled
    assert [(it["logStreamName"], it["message"]) for it in events] == [("a/1", "one"), ("b", "two")]
    account = group.arn.split(":")[4]
    assert {it["logGroupIdentifier"] for it in events} == {f"{account}:{group.name}"}
    assert all(it["timestamp"] <= it["ingestionTime"] for it in events)
    group.put("a/1", *(f"line {number}" for number in range(2000)))
    events, sampled = updates(stream, 500)
    assert sampled and len(events) == 500
    answer["responseStream"].close()


@pytest.mark.parametrize(
    "choice, expected",
    [({"logStreamNames": ["a/1"]}, ["one"]), ({"logStreamNamePrefixes": ["a/"]}, ["one", "two"])],
)
def test_streams_are_chosen(logs, choice, expected):
    group = Group(logs, "a/1", "a/2", "b")
    answer = logs.start_live_tail(logGroupIdentifiers=[group.arn], **choice)
    stream = iter(answer["responseStream"])
    next(stream)
    for name, message in (("b", "three"), ("a/1", "one"), ("a/2", "two")):
        group.put(name, message)
    events, _ = updates(stream, len(expected))
    assert [it["message"] for it in events] == expected
    answer["responseStream"].close()


def test_what_is_refused(admin, logs):
    group, other = Group(logs, "s"), Group(logs, "s")
    start = lambda **more: refused(logs.start_live_tail, **{"logGroupIdentifiers": [group.arn], **more})
    invalid = "InvalidParameterException"
    both = {"logStreamNames": ["s"], "logStreamNamePrefixes": ["s"]}
    assert start(**both) == (invalid, "logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    two = {"logGroupIdentifiers": [group.arn, other.arn], "logStreamNames": ["s"]}
    text = "logStreamNames and logStreamNamePrefixes can only be specified with one log group."
    assert start(**two) == (invalid, text)
    assert start(logEventFilterPattern="{ $.a = ") == (invalid, "Invalid filter pattern")
    missing = group.arn + "-missing"
    assert start(logGroupIdentifiers=[missing]) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    user = admin.user(allow("logs:StartLiveTail", other.arn + ":*")).client("logs", inject_host_prefix=False)
    code, message = refused(user.start_live_tail, logGroupIdentifiers=[group.arn])
    assert code == "AccessDeniedException" and "is not authorized to perform: logs:StartLiveTail on resource: " in message
    allowed = user.start_live_tail(logGroupIdentifiers=[other.arn])
    assert "sessionStart" in next(iter(allowed["responseStream"]))
    allowed["responseStream"].close()


def test_sessions_are_limited_and_given_back(admin):
    logs = admin.client("logs", "eu-west-3", inject_host_prefix=False, max_pool_connections=20)
    group = Group(logs, "s")
    open_one = lambda: logs.start_live_tail(logGroupIdentifiers=[group.arn])["responseStream"]
    streams = [open_one() for _ in range(15)]
    assert refused(logs.start_live_tail, logGroupIdentifiers=[group.arn]) == ("LimitExceededException", "Rate exceeded")
    streams.pop().close()
    deadline = time.monotonic() + 30
    while True:
        try:
            streams.append(open_one())
            break
        except ClientError:
            assert time.monotonic() < deadline, "a closed session was not given back"
            time.sleep(0.5)
    for stream in streams:
        stream.close()


def test_the_command_line_follows(admin, logs):
    group = Group(logs, "s")
    environment = {
        **os.environ,
        **admin.env(),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "PYTHONUNBUFFERED": "1",
    }
    program = Path(sys.executable).with_name("aws")
    words = [program, "logs", "start-live-tail", "--log-group-identifiers", group.arn]
    tail = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        os.set_blocking(tail.stdout.fileno(), False)
        seen = ""
        while "hello from the tail" not in seen:
            assert time.monotonic() < deadline and tail.poll() is None, seen
            group.put("s", "hello from the tail")
            time.sleep(1)
            seen += (tail.stdout.read() or b"").decode()
    finally:
        tail.send_signal(signal.SIGINT)
        tail.wait(20)


def test_the_prefix_before_the_host_does_not_matter(server, admin, logs):
    """What SDKs make of the host's name when they reach us: `stream-…`, `streaming-…`."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    group = Group(logs, "s")
    for host in ("stream-logs.localhost", "streaming-logs.us-east-1.amazonaws.com"):
        headers = {
            "Host": host,
            "X-Amz-Target": "Logs_20140328.StartLiveTail",
            "Content-Type": "application/x-amz-json-1.1",
        }
        body = '{"logGroupIdentifiers":["%s"]}' % group.arn
        request = AWSRequest("POST", server.endpoint + "/", headers=headers, data=body)
        SigV4Auth(Credentials(admin.access_key, admin.secret_key), "logs", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.endpoint).netloc, timeout=60)
        connection.request("POST", "/", body, dict(request.headers))
        answer = connection.getresponse()
        assert answer.status == 200 and b"sessionStart" in answer.read(512)
        connection.close()
