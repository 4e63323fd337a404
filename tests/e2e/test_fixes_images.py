"""As `test_fixes.py`, for images that are not on this machine: `check` asks their registry for manifest, config and layers, as
the start would, and brings no layer."""

import pytest

from harness.fixes import PULL_TELLS, Case
from harness.registries import with_files
from harness.server import free_port
from harness.tasks import container
from support import images


def case_of(tasks, launch, hostile, **members):
    """A task whose image is in a registry that misbehaves, or was made wrong."""
    main, role = tasks.hostile_container(hostile, **members)
    return Case(tasks, launch, main, executionRoleArn=role)


def told(case, cause, words):
    """Said before and after, with the same words and the same fix."""
    (before,) = case.findings()
    assert before["cause"] == cause and words in before["headline"], before
    task = case.start()
    after = case.tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["cause"], after["fix"]) == (before["headline"], before["cause"], before["fix"])
    assert before["message"] == after["message"] == container(task)["reason"], (before, task)
    return before["fix"]


def test_an_image_for_another_machine(tasks, launch, hostile):
    registry = hostile("wrong-platform-config")
    case = case_of(tasks, launch, registry)
    fix = told(case, "CONFIGURATION", "was not built for the platform of the task")
    assert "build it for it" in fix["text"]
    registry.mode = "ok"
    case.runs()


def test_an_index_without_this_machine(tasks, launch, hostile):
    registry = hostile("wrong-platform")
    case = case_of(tasks, launch, registry)
    told(case, "CONFIGURATION", "was not built for the platform of the task")
    registry.mode = "ok"
    case.runs()


def test_an_image_without_a_program(tasks, launch, hostile):
    case = case_of(tasks, launch, hostile("ok"), command=None)
    fix = told(case, "CONFIGURATION", "has no program: neither the image nor the task definition names one")
    assert fix["text"] == "name a `command` that the image has"
    case_of(tasks, launch, hostile("ok"), command="true").runs()


def test_a_layer_that_the_registry_lost(tasks, launch, hostile):
    registry = hostile("ok")
    case = case_of(tasks, launch, registry)
    registry.lost.add(registry.last_layer())
    told(case, "REGISTRY", "the registry has no image")
    registry.lost.clear()
    case.runs()


def test_layers_that_lie_where_nobody_gets(tasks, launch, hostile):
    registry = hostile("redirect-layer", redirect_to=f"http://127.0.0.1:{free_port()}")
    case = case_of(tasks, launch, registry)
    told(case, "NETWORK", "cannot be reached")
    registry.mode = "ok"
    case.runs()


@pytest.mark.parametrize("mode", ["denied", "not-found", "server-error", "html", "unauthorized"])
def test_a_registry_that_refuses(tasks, launch, hostile, mode):
    registry = hostile(mode)
    case = case_of(tasks, launch, registry)
    causes = {"unauthorized": "does not accept", "denied": "does not let him pull", "not-found": "has no image"}
    told(case, "REGISTRY", causes.get(mode, "what is no usable image"))
    registry.mode = "ok"
    case.runs()


def test_a_registry_that_is_not_there(tasks, launch):
    main = tasks.container(image=f"127.0.0.1:{free_port()}/team/app:1", command="true")
    told(Case(tasks, launch, main), "NETWORK", "cannot be reached")


def test_what_the_config_leaves_open(tasks, hostile):
    """The config says what a command is. The files of the image are not brought."""
    plain, with_entry_point = hostile("ok"), hostile("ok", image=busybox_with(entrypoint=["/bin/sh"]))
    program = f"whether the image `{plain.reference}` has the program `/nope`{PULL_TELLS}"
    user = f"whether the image `{plain.reference}` has the user `nobody`{PULL_TELLS}"
    case = case_of(tasks, "FARGATE", plain, command=["/nope"], user="nobody")
    assert (case.findings(), case.unknown()) == ([], [program, user])
    case = case_of(tasks, "FARGATE", with_entry_point, command=["/nope"])
    assert (case.findings(), case.unknown()) == ([], [])
    for registry in (plain, with_entry_point):
        asked = [one for one in registry.requests_for("/blobs/") if one.range]
        assert asked and registry.layer_bytes == len(asked), asked


def busybox_with(**settings):
    layers = [images.layer(images.busybox_archive()), images.layer(images.files_archive({"fresh": "x" * 1000}))]
    return images.build(layers, **settings)


def test_a_working_directory_that_is_a_file(tasks, launch, hostile):
    """Once the image is on this machine `check` looks into it."""
    registry = hostile("ok", image=with_files({"app": "no directory"}))
    case_of(tasks, launch, registry, command="true").runs()
    for directory in ("/app", "/app/below"):
        case = case_of(tasks, launch, registry, command="true", workingDirectory=directory)
        fix = told(case, "CONFIGURATION", "the working directory of `main` cannot be entered")
        assert fix["document"] == '"workingDirectory": "/"'
    case_of(tasks, launch, registry, command="true", workingDirectory="/").runs()
    case_of(tasks, launch, registry, command="true", workingDirectory="/not/there/yet").runs()
