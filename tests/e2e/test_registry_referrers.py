"""What is about an image, in pages that real clients follow."""

import json

import pytest
from support import images, oras

from harness import ecr
from harness.account import unique

SBOM = "application/vnd.test.sbom+json"
SIGNATURE = "application/vnd.test.signature"


@pytest.fixture(scope="module")
def client(tmp_path_factory, admin):
    program = oras.Oras(oras.build(), tmp_path_factory.mktemp("oras"))
    program.login(admin.endpoint.removeprefix("http://"), *ecr.login(admin))
    return program


def attach(registry, path, subject, number, artifact_type, annotation):
    """Pushes a manifest about another one; its digest."""
    document = {
        "schemaVersion": 2,
        "mediaType": images.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": images.descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.manifest)},
        "annotations": {"number": str(number), "text": annotation},
    }
    body = json.dumps(document).encode()
    digest = images.digest_of(body)
    answer = registry.send("PUT", f"{path}/manifests/{digest}", {"Content-Type": images.OCI_MANIFEST}, body=body)
    assert (answer.status, answer.headers["OCI-Subject"]) == (201, subject.digest), answer.data
    return digest


def test_oras_finds_all_of_them_over_several_pages(admin, client):
    registry = ecr.Registry.of(admin)
    uri = ecr.repository(admin)["repositoryUri"]
    path = "/v2/" + registry.path(uri)
    subject = ecr.several_layers(unique("subject"))
    registry.push(subject, uri, "v1")
    upload = registry.send("POST", f"{path}/blobs/uploads/").headers["Location"]
    assert registry.send("PUT", f"{upload}?digest={images.digest_of(b'{}')}", body=b"{}").status == 201
    # Six megabytes of annotations: no client reads an answer as long as that.
    attached = {
        attach(registry, path, subject, number, SBOM if number % 3 else SIGNATURE, "x" * 500_000): SBOM if number % 3 else SIGNATURE
        for number in range(12)
    }

    found, pages, where = [], 0, f"{path}/referrers/{subject.digest}?artifactType={SBOM.replace('+', '%2B')}"
    while where:
        answer = registry.send("GET", where)
        assert (answer.status, answer.headers["OCI-Filters-Applied"]) == (200, "artifactType")
        assert len(answer.data) <= 4 << 20
        found += [it["digest"] for it in json.loads(answer.data)["manifests"]]
        link, pages = answer.headers.get("Link"), pages + 1
        where = link and link[1 : link.index(">")]
    assert found == sorted(digest for digest, kind in attached.items() if kind == SBOM)
    assert pages > 1

    for kind in (None, SBOM):
        filtered = ("--artifact-type", kind) if kind else ()
        text = client.command("discover", "--plain-http", "--format", "json", "--depth", "1", *filtered, f"{uri}:v1")
        listed = {it["digest"] for it in json.loads(text)["referrers"]}
        assert listed == {digest for digest, is_kind in attached.items() if kind in (None, is_kind)}
