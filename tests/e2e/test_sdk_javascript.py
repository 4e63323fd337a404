"""The AWS SDK for JavaScript v3, unmodified, against every service: another implementation of the protocols than botocore's."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support import npm

from harness.account import unique

HERE = Path(__file__).parent / "sdk_javascript"


@pytest.fixture(scope="session")
def sdk():
    return npm.install(HERE, "sdk-javascript")


@pytest.fixture
def use(sdk, admin):
    def run(service):
        environment = {**os.environ, **admin.env()}
        command = [npm.tool("node"), HERE / "use.mjs", sdk, service, unique("js")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_secrets_manager(use):
    seen = use("secrets-manager")
    text = "Secrets Manager can't find the specified secret."
    missing = {"code": "ResourceNotFoundException", "message": text, "status": 400}
    assert seen == {"binary": [0, 255, 7], "before": "one", "versions": [True, True], "listed": True, "missing": missing}


def test_kms(use):
    seen = use("kms")
    assert (seen["opened"], seen["verified"], seen["created"]) == ("plain", True, True)
    assert seen["otherContext"]["code"] == "InvalidCiphertextException"


def test_ssm(use):
    seen = use("ssm")
    assert (seen["values"], seen["sealed"]) == (["v1", "v2", "v3"], True)
    text = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    assert seen["exists"] == {"code": "ParameterAlreadyExists", "message": text, "status": 400}


def test_cloudwatch_logs(use):
    seen = use("cloudwatch-logs")
    assert seen["read"] == ["one", "ERROR two", "ERROR three"]
    assert seen["found"] == ["ERROR two", "ERROR three"]
    text = "The specified log stream does not exist."
    assert seen["missing"] == {"code": "ResourceNotFoundException", "message": text, "status": 400}


def test_s3(use):
    seen = use("s3")
    assert (seen["text"], seen["range"], seen["listed"]) == ("A=1\n", [1, 2, 2], ["a b/ü.env", "large"])
    assert seen["missing"] == {"code": "NoSuchKey", "message": "The specified key does not exist.", "status": 404}


def test_ecr(use):
    seen = use("ecr")
    assert (seen["uri"], seen["token"], seen["expires"]) == (True, True, True)
    assert seen["noPolicy"]["code"] == "RepositoryPolicyNotFoundException"


def test_ecs(use):
    seen = use("ecs")
    assert (seen["revision"], seen["registered"], seen["clusters"]) == (1, True, True)
    assert seen["withoutRole"]["code"] == "ClientException"
    assert "executionRoleArn" in seen["withoutRole"]["message"]


def test_iam_and_sts(use):
    seen = use("iam")
    assert seen["assumed"]
    assert seen["denied"]["code"] == "AccessDeniedException"
    assert "because no identity-based policy allows the secretsmanager:ListSecrets action" in seen["denied"]["message"]
    assert (seen["missing"]["code"], seen["missing"]["status"]) == ("NoSuchEntityException", 404)


def test_lightsail(use):
    seen = use("lightsail")
    assert seen["name"].startswith("js") and seen["state"] == "READY"
    assert seen["again"]["code"] == "InvalidInputException"
