"""`landfall check --pull`: images that are not on this machine are fetched as a task's start would fetch them, and looked into."""

import json
import os
import threading

import pytest
from harness.account import allow, unique
from harness.fixes import PULL_TELLS
from harness.registries import with_files
from harness.waiting import until
from test_fixes_definition import Corrected, told_by


@pytest.fixture
def new_image(registry):
    """An image that no server has yet."""

    def push(**settings):
        files = {"fresh": os.urandom(1000).hex(), "etc/passwd": "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"}
        return registry.push(with_files(files, cmd=["true"], **settings), f"team/{unique('app')}")

    return push


def pulled(case):
    """What `--pull` finds, and nothing is left open."""
    answer = case.answer("--pull")
    assert answer["unknown"] == []
    return answer["findings"]


def test_a_program_that_is_not_in_the_image(tasks, launch, new_image):
    image = new_image()
    case = Corrected(tasks, launch, tasks.container(image=image, command=["/nope", "x"]))
    open_ = f"whether the image `{image}` has the program `/nope`"
    assert (case.findings(), case.unknown()) == ([], [open_ + PULL_TELLS])
    fix = told_by(case, pulled(case), "CONFIGURATION", "the program of `main` is not in the image")
    assert fix["document"] == '"command": ["true"]'
    case.correct(fix).runs()


def test_a_user_that_is_not_in_the_image(tasks, launch, new_image):
    image = new_image()
    case = Corrected(tasks, launch, tasks.container(image=image, command="true", user="bob"))
    program, user = (f"whether the image `{image}` has the {what}" for what in ("program `sh`", "user `bob`"))
    assert (case.findings(), case.unknown()) == ([], [program + PULL_TELLS, user + PULL_TELLS])
    fix = told_by(case, pulled(case), "CONFIGURATION", "the user of `main` is not in the image")
    assert fix["document"] == '"user": "0"'
    case.correct(fix).runs()
    Corrected(tasks, launch, tasks.container(image=new_image(), command="true", user="alice")).runs()


def test_everything_is_told_at_once(tasks, new_image, tmp_path):
    main = tasks.container(
        image=new_image(),
        command=["/nope"],
        user="bob",
        workingDirectory="/fresh",
        mountPoints=[{"sourceVolume": "v", "containerPath": "/bin/busybox"}],
    )
    case = Corrected(tasks, "EC2", main, volumes=[{"name": "v", "host": {"sourcePath": str(tmp_path)}}])
    findings = pulled(case)
    assert [it["headline"] for it in findings] == [
        "`main` cannot be set up: cannot mount `/bin/busybox`: not a directory",
        "the user of `main` is not in the image",
        "the working directory of `main` cannot be entered",
        "the program of `main` is not in the image",
    ]
    for found in findings:
        case = case.correct(found["fix"])
    case.runs()


def test_a_volume_over_a_file_of_the_image(tasks, launch, new_image):
    image = new_image()
    main = tasks.container(image=image, command="true", mountPoints=[{"sourceVolume": "v", "containerPath": "/fresh"}])
    case = Corrected(tasks, launch, main, volumes=[{"name": "v"}])
    assert f"whether the image `{image}` takes a mount on `/fresh`{PULL_TELLS}" in case.unknown()
    fix = told_by(case, pulled(case), "CONFIGURATION", "cannot mount `/fresh`: not a directory")
    case.correct(fix).runs()


def test_what_a_volume_hides_is_not_known(tasks, new_image):
    points = [{"sourceVolume": "v", "containerPath": "/opt"}]
    main = tasks.container(image=new_image(), command=["/opt/app"], mountPoints=points)
    answer = Corrected(tasks, "FARGATE", main, volumes=[{"name": "v"}]).answer("--pull")
    assert answer["unknown"] == ["whether there is the program `/opt/app`: a volume may hide it"]


def test_it_is_fetched_with_the_credential_of_the_tasks(tasks, launch, new_image):
    """Without one the registry refuses, as it will refuse the task."""
    main = tasks.container(image=new_image(), command="true", repositoryCredentials=None)
    case = Corrected(tasks, launch, main)
    told_by(case, case.findings("--pull"), "REGISTRY", "wants a login")


def test_how_far_it_is(tasks, hostile):
    """One line for each layer, beside what is asked for."""
    registry = hostile("gated-layer")
    main, role = tasks.hostile_container(registry)
    case = Corrected(tasks, "FARGATE", main, executionRoleArn=role)
    done = []
    checking = threading.Thread(target=lambda: done.append(case.check("--pull", "--json")))
    checking.start()
    until("the layer is under way", lambda: registry.requests_for("/blobs/"), 60, 0.1)
    # Progress is asked for a few times a second.
    threading.Event().wait(2)
    assert checking.is_alive()
    registry.let_go()
    checking.join(60)
    (answer,) = json.loads(done[0].stdout)["task_definitions"]
    assert (answer["findings"], answer["unknown"]) == ([], [])
    assert "checking" in done[0].stderr and "pulling: " in done[0].stderr, done[0].stderr


def test_sarif_and_text(tasks, new_image):
    case = Corrected(tasks, "FARGATE", tasks.container(image=new_image(), command=["/nope"]))
    assert PULL_TELLS in case.check().stdout and PULL_TELLS in case.check("--sarif").stdout
    shown = case.check("--pull")
    assert shown.returncode == 1 and "the program of `main` is not in the image" in shown.stdout
    (run,) = json.loads(case.check("--pull", "--sarif").stdout)["runs"]
    assert ["the program of `main` is not in the image" in it["message"]["text"] for it in run["results"]] == [True]


def test_whoever_has_images_fetched_must_be_allowed_to_run_them(tasks, new_image):
    case = Corrected(tasks, "FARGATE", tasks.container(image=new_image(), command="true"))
    may, text = ["landfall:CheckTaskStart", "landfall:DescribePull", "iam:PassRole"], case.described()
    case.account = tasks.account.user(allow(may))
    assert case.check(file=text).returncode == 0
    refused = case.check("--pull", file=text)
    assert refused.returncode == 2 and "not authorized to perform: ecs:RunTask" in refused.stderr, refused.stderr
    case.account = tasks.account.user(allow([*may, "ecs:RunTask"]))
    assert case.check("--pull", file=text).returncode == 0
