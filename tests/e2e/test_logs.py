"""CloudWatch Logs: groups, streams, putting, getting, filtering, retention, tags, Insights."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from harness import raw
from harness.account import unique
from harness.errors import refused


@pytest.fixture
def logs(admin):
    return admin.logs


@pytest.fixture
def group(admin):
    return admin.log_group()


@pytest.fixture
def stream(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s/1")
    return "s/1"


def now():
    return int(time.time() * 1000)


def put(logs, group, stream, messages, at=None):
    start = at or now()
    events = [{"timestamp": start + i, "message": m} for i, m in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_groups_as_terraform_reads_them(logs, account_id):
    name = unique("/app/web")
    logs.create_log_group(logGroupName=name, tags={"a": "1"})
    listed = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    arn = f"arn:aws:logs:us-east-1:{account_id}:log-group:{name}"
    assert (listed["arn"], listed["logGroupArn"], listed["logGroupName"]) == (f"{arn}:*", arn, name)
    assert (listed["logGroupClass"], listed["metricFilterCount"], listed["storedBytes"]) == ("STANDARD", 0, 0)
    assert abs(listed["creationTime"] - now()) < 60_000
    assert "retentionInDays" not in listed and "kmsKeyId" not in listed
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1"}
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_retention(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    with refused("InvalidParameterException"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=8)


def test_names_that_exist_and_that_do_not(logs, group, stream):
    with refused("ResourceAlreadyExistsException", "The specified log group already exists"):
        logs.create_log_group(logGroupName=group)
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for call in (
        lambda: logs.create_log_stream(logGroupName=unique("no"), logStreamName="s"),
        lambda: logs.delete_log_group(logGroupName=unique("no")),
        lambda: put(logs, unique("no"), "s", ["x"]),
        lambda: logs.get_log_events(logGroupName=unique("no"), logStreamName="s"),
        lambda: logs.filter_log_events(logGroupName=unique("no")),
        lambda: logs.put_retention_policy(logGroupName=unique("no"), retentionInDays=1),
    ):
        with refused("ResourceNotFoundException", "The specified log group does not exist."):
            call()
    for call in (
        lambda: put(logs, group, "none", ["x"]),
        lambda: logs.get_log_events(logGroupName=group, logStreamName="none"),
    ):
        with refused("ResourceNotFoundException", "The specified log stream does not exist."):
            call()


def test_put_and_get(logs, group, stream):
    messages = ["first", "zweite Zeile ü", '{"json": true}', " leading and trailing ", "x" * 10_000]
    answer = put(logs, group, stream, messages)
    assert "rejectedLogEventsInfo" not in answer
    got = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    assert [event["message"] for event in got["events"]] == messages
    assert all(event["ingestionTime"] >= event["timestamp"] - 1000 for event in got["events"])
    described = logs.describe_log_streams(logGroupName=group)["logStreams"][0]
    assert described["firstEventTimestamp"] == got["events"][0]["timestamp"]
    assert described["lastEventTimestamp"] == got["events"][-1]["timestamp"]
    assert described["arn"].endswith(f":log-group:{group}:log-stream:{stream}")


def test_the_end_is_where_the_token_comes_back(logs, group, stream):
    put(logs, group, stream, [f"line {i}" for i in range(25)])
    seen, token = [], None
    for _ in range(10):
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, limit=10, **more)
        seen += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert seen == [f"line {i}" for i in range(25)]
    assert token.startswith("f/")
    put(logs, group, stream, ["later"], at=now() + 1000)
    page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, nextToken=token)
    assert [event["message"] for event in page["events"]] == ["later"]


def test_the_newest_page_comes_first_unless_asked_otherwise(logs, group, stream):
    put(logs, group, stream, [f"line {i}" for i in range(25)])
    page = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=5)
    assert [event["message"] for event in page["events"]] == [f"line {i}" for i in range(20, 25)]
    back = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=5, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == [f"line {i}" for i in range(15, 20)]


def test_times_are_half_open(logs, group, stream):
    start = now() - 10_000
    put(logs, group, stream, ["a", "b", "c"], at=start)
    page = logs.get_log_events(
        logGroupName=group, logStreamName=stream, startTime=start + 1, endTime=start + 2, startFromHead=True
    )
    assert [event["message"] for event in page["events"]] == ["b"]


def test_order_and_span(logs, group, stream):
    at = now()
    events = [{"timestamp": at, "message": "b"}, {"timestamp": at - 5, "message": "a"}]
    with refused(
        "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order."
    ):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    events = [{"timestamp": at - 25 * 3600_000, "message": "a"}, {"timestamp": at, "message": "b"}]
    with refused("InvalidParameterException"):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_too_old_and_too_new(logs, group, stream):
    day = 24 * 3600_000
    answer = put(logs, group, stream, ["ancient"], at=now() - 15 * day)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, group, stream, ["future"], at=now() + 3 * 3600_000)
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    assert logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] == []


def test_filter(logs, group, stream):
    logs.create_log_stream(logGroupName=group, logStreamName="s/2")
    logs.create_log_stream(logGroupName=group, logStreamName="other")
    put(logs, group, stream, ["ERROR one", "fine"])
    put(logs, group, "s/2", ["ERROR two", 'quoted "two words" here'])
    put(logs, group, "other", ["ERROR three"])

    def found(**more):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **more)
        return sorted(event["message"] for page in pages for event in page["events"])

    assert found(filterPattern="ERROR") == ["ERROR one", "ERROR three", "ERROR two"]
    assert found(filterPattern="ERROR", logStreamNamePrefix="s/") == ["ERROR one", "ERROR two"]
    assert found(filterPattern='"two words"') == ['quoted "two words" here']
    assert found(logStreamNames=["other"]) == ["ERROR three"]
    assert found(filterPattern="-ERROR") == ["fine", 'quoted "two words" here']
    page = logs.filter_log_events(logGroupName=group)
    assert len({event["eventId"] for event in page["events"]}) == 5


def test_streams_are_listed(logs, group):
    for i in range(4):
        logs.create_log_stream(logGroupName=group, logStreamName=f"s-{i}")
    put(logs, group, "s-2", ["x"])
    names = [
        s["logStreamName"]
        for page in logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, PaginationConfig={"PageSize": 3}
        )
        for s in page["logStreams"]
    ]
    assert names == [f"s-{i}" for i in range(4)]
    newest = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"][0]
    assert newest["logStreamName"] == "s-2"
    logs.delete_log_stream(logGroupName=group, logStreamName="s-2")
    assert len(logs.describe_log_streams(logGroupName=group)["logStreams"]) == 3
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


@pytest.mark.parametrize(
    "operation, body",
    [
        ("CreateLogGroup", {"logGroupName": "with space"}),
        ("CreateLogGroup", {"logGroupName": "x" * 513}),
        ("CreateLogGroup", {}),
        ("CreateLogStream", {"logGroupName": "a", "logStreamName": "a:b"}),
        ("CreateLogStream", {"logGroupName": "a", "logStreamName": "a*"}),
        ("GetLogEvents", {"logGroupName": "a", "logStreamName": "b", "limit": 10_001}),
        ("PutLogEvents", {"logGroupName": "a", "logStreamName": "b", "logEvents": []}),
        ("PutLogEvents", {"logGroupName": "a", "logStreamName": "b", "logEvents": [{"message": "x"}]}),
    ],
)
def test_constraints(admin, operation, body):
    answer = raw.call_json(admin, "logs", operation, body)
    assert (answer.status, answer.code) == (400, "InvalidParameterException"), answer.body
    assert answer.message.startswith("1 validation error detected: Value")


def test_the_constraint_is_named(admin):
    answer = raw.call_json(admin, "logs", "GetLogEvents", {"logGroupName": "a", "logStreamName": "b", "limit": 10_001})
    text = "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000"
    assert answer.message == text


def test_a_value_that_fits_no_pattern_is_not_repeated(admin):
    answer = raw.call_json(admin, "logs", "GetLogEvents", {"logGroupIdentifier": "a*", "logStreamName": "b"})
    text = "1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*"
    assert answer.message == text


def test_a_bad_token(logs, group, stream):
    with refused("InvalidParameterException", "The specified nextToken is invalid."):
        logs.get_log_events(logGroupName=group, logStreamName=stream, nextToken="x/nonsense")


def test_the_cli_reads_pages(admin, group):
    admin.aws("logs", "create-log-stream", "--log-group-name", group, "--log-stream-name", "cli")
    put(admin.logs, group, "cli", ["one", "two"])
    got = admin.aws("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "two")
    assert [event["message"] for event in got["events"]] == ["two"]


def finished(logs, query):
    while (answer := logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
        time.sleep(0.05)
    assert answer["status"] == "Complete", answer
    return answer


def ask(logs, group, text, **more):
    more = {"startTime": now() // 1000 - 3600, "endTime": now() // 1000 + 60, **more}
    return finished(logs, logs.start_query(logGroupName=group, queryString=text, **more)["queryId"])


def test_insights(logs, group, stream):
    lines = [json.dumps({"level": level, "ms": ms}) for level, ms in [("info", 3), ("error", 40), ("error", 2)]]
    put(logs, group, stream, [*lines, "GET /x 404"])
    answer = ask(logs, group, "stats count(*) as n, max(ms) as most by level | filter ispresent(level) | sort n desc")
    rows = [{column["field"]: column["value"] for column in row} for row in answer["results"]]
    assert rows == [{"level": "error", "n": "2", "most": "40"}, {"level": "info", "n": "1", "most": "3"}]
    assert answer["statistics"]["recordsScanned"] == 4
    answer = ask(logs, group, 'parse "GET * *" as path, status | filter status = 404 | fields path, @logStream')
    (row,) = answer["results"]
    row = {column["field"]: column["value"] for column in row}
    assert (row["path"], row["@logStream"]) == ("/x", stream)
    assert logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]["@message"] == "GET /x 404"
    queries = logs.describe_queries(logGroupName=group)["queries"]
    assert [query["status"] for query in queries] == ["Complete", "Complete"]


def test_insights_says_where_a_query_is_wrong(logs, group):
    with pytest.raises(ClientError) as refusal:
        ask(logs, group, "fields @message | limitt 20")
    assert refusal.value.response["Error"]["Code"] == "MalformedQueryException"
    assert refusal.value.response["queryCompileError"]["location"] == {"startCharOffset": 18, "endCharOffset": 24}


def test_the_cli_asks(admin, group, stream):
    put(admin.logs, group, stream, ["one", "two"])
    span = ["--start-time", str(now() // 1000 - 60), "--end-time", str(now() // 1000 + 60)]
    text = "fields @message | sort @message desc | limit 1"
    query = admin.aws("logs", "start-query", "--log-group-name", group, *span, "--query-string", text)["queryId"]
    finished(admin.logs, query)
    row = admin.aws("logs", "get-query-results", "--query-id", query)["results"][0]
    assert row[0] == {"field": "@message", "value": "two"}


def test_groups_are_listed_and_protected(logs, group):
    names = [it["logGroupName"] for it in logs.list_log_groups(logGroupNamePattern=f"^{group}")["logGroups"]]
    assert names == [group]
    logs.put_log_group_deletion_protection(logGroupIdentifier=group, deletionProtectionEnabled=True)
    with refused("ValidationException"):
        logs.delete_log_group(logGroupName=group)
    logs.put_log_group_deletion_protection(logGroupIdentifier=group, deletionProtectionEnabled=False)


def test_queries_are_kept(logs, group):
    kept = logs.put_query_definition(name="errors", queryString="filter level = 'error'", logGroupNames=[group])
    (definition,) = logs.describe_query_definitions(queryDefinitionNamePrefix="err")["queryDefinitions"]
    assert (definition["queryDefinitionId"], definition["logGroupNames"]) == (kept["queryDefinitionId"], [group])
    assert logs.delete_query_definition(queryDefinitionId=kept["queryDefinitionId"])["success"]


SERVICE_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "route53.amazonaws.com"},
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "*",
            }
        ],
    }
)


def test_resource_policies(admin, logs, group, account_id):
    name = unique("policy")
    admin.aws("logs", "put-resource-policy", "--policy-name", name, "--policy-document", SERVICE_POLICY)
    listed = {it["policyName"]: it for it in logs.describe_resource_policies()["resourcePolicies"]}
    assert listed[name]["policyDocument"] == SERVICE_POLICY and listed[name]["policyScope"] == "ACCOUNT"
    logs.delete_resource_policy(policyName=name)
    with refused("ResourceNotFoundException", f"Policy with name [{name}] does not exist."):
        logs.delete_resource_policy(policyName=name)
    arn = f"arn:aws:logs:us-east-1:{account_id}:log-group:{group}"
    made = logs.put_resource_policy(resourceArn=arn, policyDocument=SERVICE_POLICY)
    with refused("OperationAbortedException"):
        logs.delete_resource_policy(resourceArn=arn)
    [shown] = logs.describe_resource_policies(resourceArn=arn)["resourcePolicies"]
    assert (shown["resourceArn"], shown["revisionId"]) == (arn, made["revisionId"])
    logs.delete_resource_policy(resourceArn=arn, expectedRevisionId=made["revisionId"])
    assert logs.describe_resource_policies(policyScope="RESOURCE", resourceArn=arn)["resourcePolicies"] == []
