"""Who is calling: signatures, clocks, keys, sessions, and what the three modes of `--auth` let pass."""

import re
from datetime import timedelta

import pytest

from harness import clock, raw
from harness.account import Account, allow, trust
from harness.errors import denied, refused
from harness.server import free_port, run

JSON_CALL = ("secretsmanager", "ListSecrets", {})
INVALID_TOKEN = "The security token included in the request is invalid."
MISMATCH = "The request signature we calculated does not match the signature you provided."


def both(account, **more):
    """The same mistake in both protocols: the JSON answer and the query answer."""
    return raw.call_json(account, *JSON_CALL, **more), raw.call_query(account, "iam", "ListUsers", **more)


def test_a_good_signature_passes_in_both_protocols(admin):
    for answer in both(admin):
        assert answer.status == 200
        assert answer.headers["x-amzn-requestid"]
        assert answer.headers["date"]
    assert raw.call_json(admin, *JSON_CALL).headers["content-type"] == "application/x-amz-json-1.1"
    assert raw.call_query(admin, "iam", "ListUsers").headers["content-type"].startswith("text/xml")


def test_a_wrong_secret_key(admin):
    json_answer, query_answer = both(admin, secret="x" * 40)
    assert (json_answer.status, json_answer.code) == (400, "InvalidSignatureException")
    assert (query_answer.status, query_answer.code) == (403, "SignatureDoesNotMatch")
    assert json_answer.message.startswith(MISMATCH)
    assert query_answer.message.startswith(MISMATCH)
    assert json_answer.headers["x-amzn-errortype"].startswith("InvalidSignatureException")


@pytest.mark.parametrize("part", ["body", "target", "date"])
def test_a_request_changed_after_signing(admin, part):
    def change(request):
        if part == "body":
            request.data = '{"MaxResults": 3}'
        elif part == "target":
            request.headers.replace_header("X-Amz-Target", "secretsmanager.GetRandomPassword")
        else:
            del request.headers["X-Amz-Date"]

    answer = raw.call_json(admin, *JSON_CALL, tamper=change)
    expected = {
        "body": "InvalidSignatureException",
        "target": "InvalidSignatureException",
        "date": "IncompleteSignatureException",
    }
    assert (answer.status, answer.code) == (400, expected[part])


def test_an_unknown_key(admin):
    json_answer, query_answer = both(admin, key="AKIAUNKNOWNUNKNOWN00")
    assert (json_answer.status, json_answer.code, json_answer.message) == (
        400,
        "UnrecognizedClientException",
        INVALID_TOKEN,
    )
    assert (query_answer.status, query_answer.code, query_answer.message) == (
        403,
        "InvalidClientTokenId",
        INVALID_TOKEN,
    )


def test_an_old_clock(admin):
    json_answer, query_answer = both(admin, age=timedelta(minutes=16))
    assert (json_answer.status, json_answer.code) == (400, "InvalidSignatureException")
    assert (query_answer.status, query_answer.code) == (403, "SignatureDoesNotMatch")
    stamp = r"\d{8}T\d{6}Z"
    text = rf"Signature expired: {stamp} is now earlier than {stamp} \({stamp} - 15 min\.\)"
    assert re.fullmatch(text, json_answer.message)
    assert re.fullmatch(text, query_answer.message)


def test_a_clock_that_runs_ahead(admin):
    answer = raw.call_json(admin, *JSON_CALL, age=-timedelta(minutes=16))
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")
    stamp = r"\d{8}T\d{6}Z"
    assert re.fullmatch(
        rf"Signature not yet current: {stamp} is still later than {stamp} \({stamp} \+ 15 min\.\)", answer.message
    )


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_within_fifteen_minutes(admin, minutes):
    assert raw.call_json(admin, *JSON_CALL, age=timedelta(minutes=minutes)).status == 200


def test_no_authentication_at_all(admin):
    json_answer, query_answer = both(admin, sign=False)
    assert (json_answer.status, json_answer.code) == (400, "MissingAuthenticationTokenException")
    assert (query_answer.status, query_answer.code) == (403, "MissingAuthenticationToken")
    assert json_answer.message in ("Missing Authentication Token", "Request is missing Authentication Token")


@pytest.mark.parametrize(
    "header",
    [
        "AWS4-HMAC-SHA256 nonsense",
        "AWS4-HMAC-SHA256 Credential=AKIA/20200101/us-east-1/secretsmanager/aws4_request",
        "AWS4-HMAC-SHA256 Credential=short, SignedHeaders=host, Signature=00",
    ],
)
def test_a_malformed_authorization_header(admin, header):
    def change(request):
        request.headers.replace_header("Authorization", header)

    answer = raw.call_json(admin, *JSON_CALL, tamper=change)
    assert (answer.status, answer.code) == (400, "IncompleteSignatureException")
    query = raw.call_query(admin, "iam", "ListUsers", tamper=change)
    assert (query.status, query.code) == (400, "IncompleteSignature")


def test_a_signature_for_another_service(admin):
    request = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.ListSecrets"}
    answer = raw.post(admin, "logs", "{}", request)
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")


def test_session_credentials_without_or_with_a_wrong_token(admin):
    role = admin.role(allow("secretsmanager:ListSecrets"), trust(AWS=f"arn:aws:iam::{admin.id}:root"))
    session = admin.assume(role)
    assert raw.call_json(session, *JSON_CALL).status == 200
    bare = admin.as_keys(session.access_key, session.secret_key)
    for token in (None, "A" * 200):
        answer = raw.call_json(bare, *JSON_CALL, token=token)
        assert (answer.status, answer.code) == (400, "UnrecognizedClientException")


def test_an_expired_session(make_server):
    """The shortest session lasts 15 minutes: the server is restarted with a clock that is 20 minutes ahead."""
    server = make_server()
    owner = Account.from_env(server.env())
    token = owner.sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = owner.as_keys(token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    assert raw.call_json(session, *JSON_CALL).status == 200
    assert server.stop() == 0
    server.environment = clock.ahead(20 * 60)
    server.start()
    json_answer, query_answer = both(session, age=-timedelta(minutes=20))
    text = "The security token included in the request is expired"
    assert (json_answer.status, json_answer.code, json_answer.message) == (400, "ExpiredTokenException", text)
    assert (query_answer.status, query_answer.code, query_answer.message) == (403, "ExpiredToken", text)


# --- requests that are not well-formed, from a caller who may do everything ---


def test_an_unknown_operation(admin):
    answer = raw.call_json(admin, "ecs", "MakeCoffee", {})
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    query = raw.call_query(admin, "iam", "MakeCoffee")
    assert (query.status, query.code) == (400, "InvalidAction")


def test_an_unknown_target_prefix(admin):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Coffee_20200101.Make"}
    answer = raw.post(admin, "ecs", "{}", headers)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


BROKEN = ["{", "not json", '{"a": 1,}', "[]", '"text"', "3", b"\xff\xfe{}", '{"a":' * 5000, "[" * 100_000]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:10]))
def test_a_broken_body(admin, body):
    answer = raw.call_json(admin, "ecs", "DescribeTasks", body)
    assert (answer.status, answer.code) == (400, "SerializationException")


def test_no_body_is_an_empty_object(admin):
    assert raw.call_json(admin, "ecs", "ListClusters", "").status == 200


@pytest.mark.parametrize(
    "operation, body",
    [
        ("DescribeTasks", {"tasks": "one"}),
        ("DescribeTasks", {"tasks": [1]}),
        ("DescribeTasks", {"tasks": ["a"], "cluster": 5}),
        ("RunTask", {"taskDefinition": "a", "count": "two"}),
        ("RunTask", {"taskDefinition": "a", "count": 1.5}),
        ("RunTask", {"taskDefinition": "a", "networkConfiguration": []}),
        ("RunTask", {"taskDefinition": "a", "enableExecuteCommand": "yes"}),
        ("RegisterTaskDefinition", {"family": "a", "containerDefinitions": {}}),
        ("RegisterTaskDefinition", {"family": "a", "containerDefinitions": [{"name": "a", "memory": {}}]}),
    ],
)
def test_wrong_types(admin, operation, body):
    answer = raw.call_json(admin, "ecs", operation, body)
    assert (answer.status, answer.code) == (400, "SerializationException"), answer.body


def test_unknown_members_and_nulls_are_passed_over(admin):
    answer = raw.call_json(admin, "ecs", "ListClusters", {"nonsense": {"a": [1]}, "nextToken": None})
    assert answer.status == 200, answer.body


def test_a_body_that_is_too_large(server, admin):
    try:
        answer = raw.call_json(admin, "ecs", "ListClusters", '{"nonsense": "' + "x" * (32 << 20) + '"}')
        assert answer.status in (400, 413)
    except (BrokenPipeError, ConnectionResetError):
        pass  # The server may hang up on the rest instead of reading it.
    assert server.health()[0] == 200


def test_pages_that_are_not_there(admin):
    answer = raw.send(admin.endpoint, {}, b"", "GET", "/nothing/here")
    assert answer.status in (400, 403, 404)


def test_health_pages(server):
    status, body = server.health()
    assert status == 200
    assert body["status"] == "ready"
    assert body["version"] in run("--version").stdout
    assert server.health("/_localstack/health")[0] == 200


# --- the three modes ---


def nobody(owner):
    """A user without any permission."""
    return owner.user(prefix="nobody")


def test_enforce_is_the_default(admin):
    with refused("AccessDeniedException", contains=denied("secretsmanager:ListSecrets")):
        nobody(admin).secretsmanager.list_secrets()


def test_audit_lets_pass_but_records(make_server):
    server = make_server("--auth", "audit")
    user = nobody(Account.from_env(server.env()))
    user.secretsmanager.list_secrets()
    assert "audit" in server.log().splitlines()[0].lower() or "audit" in server.log().lower()
    assert "secretsmanager:ListSecrets" in server.log()


def test_off_takes_any_credential(make_server):
    server = make_server("--auth", "off")
    anybody = Account(server.endpoint, "test", "test")
    anybody.secretsmanager.list_secrets()
    anybody.iam.list_users()
    assert raw.call_json(anybody, *JSON_CALL, sign=False).status == 200


def test_a_public_address_with_enforcement_off_is_refused(tmp_path):
    done = run(
        "serve", "--listen", f"0.0.0.0:{free_port()}", "--data-dir", str(tmp_path / "d"), "--auth", "off", timeout=20
    )
    assert done.returncode != 0
    assert "--auth" in done.stderr or "auth" in done.stderr.lower()


def test_an_unknown_mode_is_refused(tmp_path):
    done = run("serve", "--data-dir", str(tmp_path / "d"), "--auth", "enforced", timeout=20)
    assert done.returncode != 0
    assert "enforce" in done.stderr
