"""Builds and runs the official conformance suites of the OCI distribution specification."""

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tests" / "registry" / "conformance"
PACKAGE = "github.com/opencontainers/distribution-spec/conformance"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "conformance"


def build(suite):
    """The path of a suite's program."""
    TARGET.mkdir(parents=True, exist_ok=True)
    program = TARGET / suite
    command = ["go", "test", "-c"] if suite == "categories" else ["go", "build"]
    environment = os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false"}
    subprocess.run([*command, "-o", program, PACKAGE], cwd=MODULES / suite, env=environment, check=True, timeout=170)
    return program


def categories(program, *, url, names, username, password, results, more=()):
    """Runs the four categories. Returns the names of specs that ran, and of those that failed with what they said."""
    environment = os.environ | {
        "OCI_ROOT_URL": url,
        "OCI_NAMESPACE": names[0],
        "OCI_CROSSMOUNT_NAMESPACE": names[1],
        "OCI_USERNAME": username,
        "OCI_PASSWORD": password,
        "OCI_TEST_PULL": "1",
        "OCI_TEST_PUSH": "1",
        "OCI_TEST_CONTENT_DISCOVERY": "1",
        "OCI_TEST_CONTENT_MANAGEMENT": "1",
        "OCI_HIDE_SKIPPED_WORKFLOWS": "0",
        "OCI_REPORT_DIR": str(results),
        **dict(more),
    }
    subprocess.run([program, "--ginkgo.no-color"], cwd=results, env=environment, capture_output=True, timeout=170)
    return verdicts(results / "junit.xml")


def whole(program, *, host, names, username, password, results, more=()):
    """Runs the suite of every API and kind of content. Returns as `categories` does."""
    environment = os.environ | {
        "OCI_VERSION": "1.1",
        "OCI_REGISTRY": host,
        "OCI_TLS": "disabled",
        "OCI_REPO1": names[0],
        "OCI_REPO2": names[1],
        "OCI_USERNAME": username,
        "OCI_PASSWORD": password,
        "OCI_RESULTS_DIR": str(results),
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_API_BLOBS_DIGEST_HEADER": "true",
        "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
        "OCI_DATA_SHA512": "false",
        **dict(more),
    }
    subprocess.run([program], cwd=results, env=environment, capture_output=True, timeout=170)
    return verdicts(results / "junit.xml")


def verdicts(report):
    """Names of the test cases that ran, and the failures among them by name."""
    ran, failed = set(), {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            continue
        ran.add(case.get("name"))
        for kind in ("failure", "error"):
            problem = case.find(kind)
            if problem is not None:
                failed[case.get("name")] = (problem.text or problem.get("message") or "")[:600]
    return ran, failed
