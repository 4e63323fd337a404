"""`landfall image`: images moved without docker, taken by the tools that others use."""

import base64
import json
import subprocess

import pytest
from support import images

from harness import clients, ecr
from harness.account import unique


@pytest.fixture
def run(server, admin):
    def run(*arguments, **environment):
        done = server.command("image", *map(str, arguments), environment={**admin.env(), **environment}, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def registry(admin):
    return ecr.Registry.of(admin)


def repository(admin):
    return ecr.repository(admin)


def manifest(registry, uri, tag):
    read = registry.send("GET", f"/v2/{registry.path(uri)}/manifests/{tag}")
    assert read.status == 200, read.data
    return read.data


def aws_name(made, tag):
    return f"{made['registryId']}.dkr.ecr.us-east-1.amazonaws.com/{made['repositoryName']}:{tag}"


def test_cp_keeps_every_byte_of_every_platform(admin, run, registry):
    source, target = repository(admin), repository(admin)
    image = ecr.several_platforms(unique("cp"))
    registry.push(image, source["repositoryUri"], "v1")
    # In each of the three forms in which a repository of one's own can be named.
    short = f"{source['repositoryName']}:v1"
    done = run("cp", short, aws_name(target, "v2"), "--json")
    assert json.loads(done.stdout)["digest"] == image.digest
    assert manifest(registry, target["repositoryUri"], "v2") == image.manifest
    again = run("cp", f"{source['repositoryUri']}:v1", f"{target['repositoryUri']}:v3")
    assert again.stdout.strip() == image.digest and "is there already" in again.stderr


def test_cp_into_another_region(admin, run, registry):
    source = repository(admin)
    image = ecr.several_layers(unique("far"))
    registry.push(image, source["repositoryUri"], "v1")
    far = admin.client("ecr", region="eu-west-1").create_repository(repositoryName=unique("far"))["repository"]
    run("cp", aws_name(source, "v1"), f"{admin.id}.dkr.ecr.eu-west-1.amazonaws.com/{far['repositoryName']}:v1")
    assert manifest(registry, far["repositoryUri"], "v1") == image.manifest


def test_pull_and_push_by_file(admin, run, registry, tmp_path):
    source, target = repository(admin), repository(admin)
    image = ecr.several_layers(unique("file"))
    registry.push(image, source["repositoryUri"], "v1")
    file = tmp_path / "image.tar"
    done = run("pull", aws_name(source, "v1"), file)
    assert done.stdout.strip() == image.digest
    # Both forms are in the one file.
    for form in (f"oci-archive:{file}", f"docker-archive:{file}"):
        raw = subprocess.run(["skopeo", "inspect", "--config", form], capture_output=True, text=True)
        assert raw.returncode == 0, raw.stderr
    assert run("push", file, f"{target['repositoryName']}:v1").stdout.strip() == image.digest
    assert manifest(registry, target["repositoryUri"], "v1") == image.manifest


def test_every_platform_by_file(admin, run, registry, tmp_path):
    source, target = repository(admin), repository(admin)
    image = ecr.several_platforms(unique("all"))
    registry.push(image, source["repositoryUri"], "v1")
    run("pull", "--all", f"{source['repositoryUri']}:v1", tmp_path / "all.tar")
    assert run("push", tmp_path / "all.tar", f"{target['repositoryUri']}:v1").stdout.strip() == image.digest
    assert manifest(registry, target["repositoryUri"], "v1") == image.manifest


def test_what_docker_save_wrote_before_docker_25(admin, run, registry, tmp_path):
    source, target = repository(admin), repository(admin)
    image = ecr.several_layers(unique("save"))
    registry.push(image, source["repositoryUri"], "v1")
    skopeo = clients.Skopeo(tmp_path)
    skopeo.login(registry.host, *ecr.login(admin))
    file = tmp_path / "saved.tar"
    skopeo.command(
        "copy", "--src-tls-verify=false", "--authfile", skopeo.auth,
        f"docker://{source['repositoryUri']}:v1", f"docker-archive:{file}:app:v1",
    )  # fmt: skip
    run("push", file, f"{target['repositoryName']}:saved")
    pushed = json.loads(manifest(registry, target["repositoryUri"], "saved"))
    assert pushed["config"]["digest"] == json.loads(image.manifest)["config"]["digest"]
    assert len(pushed["layers"]) == len(json.loads(image.manifest)["layers"])


def test_from_a_registry_of_others_with_the_login_of_docker(server, admin, run, registry, tmp_path):
    from support.docker_registry import HtpasswdRegistry

    with HtpasswdRegistry() as other:
        image = ecr.several_layers(unique("other"))
        images.push(image, other.host, "team/app", "v1", other.username, other.password)
        auth = base64.b64encode(f"{other.username}:{other.password}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {other.host: {"auth": auth}}}))
        target = repository(admin)
        name = f"{target['repositoryName']}:v1"
        refused = server.command("image", "cp", f"{other.host}/team/app:v1", name, environment=admin.env())
        assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr, refused.stderr
        assert "hint: log in with `docker login`" in refused.stderr and "repositoryCredentials" not in refused.stderr, refused.stderr
        run("cp", f"{other.host}/team/app:v1", name, DOCKER_CONFIG=str(tmp_path))
    assert manifest(registry, target["repositoryUri"], "v1") == image.manifest


def test_ls_shows_repositories_and_images(server, admin, run, registry, tmp_path):
    made = repository(admin)
    image = ecr.several_layers(unique("ls"))
    registry.push(image, made["repositoryUri"], "v1")
    assert made["repositoryUri"] in run("ls").stdout.splitlines()
    assert image.digest[:19] in run("ls", made["repositoryName"]).stdout
    listed = json.loads(run("ls", made["repositoryName"], "--json").stdout)["images"]
    assert [(it["digest"], it["tags"]) for it in listed] == [(image.digest, ["v1"])]
    name = f"{made['repositoryUri']}:v1"
    assert listed[0]["names"] == [name]
    aws = f"{admin.id}.dkr.ecr.us-east-1.amazonaws.com/{made['repositoryName']}"
    for asked in (made["repositoryName"], made["repositoryUri"], name, aws, aws.upper().replace(made["repositoryName"].upper(), made["repositoryName"])):
        shown = run("ls", asked).stdout
        assert shown.split()[-1] == name, (asked, shown)
    run("pull", name, tmp_path / "one.tar")
    elsewhere = server.command("image", "ls", "registry.example/team/app", environment=admin.env())
    assert elsewhere.returncode == 1 and "`registry.example` is another registry" in elsewhere.stderr, elsewhere.stderr


def test_what_goes_wrong_is_told(server, admin, tmp_path):
    def refused(*arguments):
        done = server.command("image", *map(str, arguments), environment=admin.env())
        assert done.returncode == 1, done.stdout
        return done.stderr

    text = tmp_path / "text"
    text.write_text("hello")
    passwords = refused("push", "/etc/passwd", "app:1")
    assert "no tar archive" in passwords and "root:" not in passwords, passwords
    assert "there is no image in" in refused("push", tmp_path, "app:1")
    assert "no tar archive" in refused("push", text, "app:1") or "no image" in refused("push", text, "app:1")
    assert "invalid reference format" in refused("pull", "APP:1", tmp_path / "out.tar")
    assert "repository with name 'no/such' does not exist" in refused("pull", "no/such:1", tmp_path / "out.tar")
    assert not (tmp_path / "out.tar").exists()
    assert sorted(it.name for it in tmp_path.iterdir()) == ["text"]
