"""Each way a private task fails to start: `landfall check` says it before, `landfall explain` after, with the same headline and
the same kind of cause; and the fix that is printed, pasted into a shell, makes the task run."""

import json

import pytest

from harness import sensitive
from harness.account import allow, trust, unique
from harness.fixes import LOGS, READ, Case, assert_mended, bare_role, secret_case
from harness.tasks import container


def test_the_role_may_not_read_the_registry_credential(tasks, launch):
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=bare_role(tasks.account, LOGS))
    assert_mended(case, "PERMISSION", "secretsmanager:GetSecretValue", verified=True)


def test_the_role_may_not_read_a_secret(tasks, launch):
    role = bare_role(tasks.account, LOGS, allow("secretsmanager:GetSecretValue", tasks.secret))
    main = tasks.container(command="true", secrets=[{"name": "TOKEN", "valueFrom": tasks.account.secret("x")}])
    assert_mended(Case(tasks, launch, main, executionRoleArn=role), "PERMISSION", "GetSecretValue", verified=True)


def test_the_role_may_not_create_log_streams(tasks, launch):
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=bare_role(tasks.account, READ))
    assert_mended(case, "PERMISSION", "logs:CreateLogStream", verified=True)


def test_there_is_no_log_group(tasks, launch):
    group = unique("/missing")
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(group=group))
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    task = assert_mended(case, "CONFIGURATION", group)
    if launch == "EC2":
        assert task["stoppedReason"] == "Task failed to start"
        assert container(task)["reason"].startswith("CannotStartContainerError: Error response from daemon: ")


def test_the_user_has_another_key(tasks, launch, registry):
    case = secret_case(tasks, launch, {"user": registry.username, "password": registry.password})
    assert_mended(case, "CONTENT", "has no `username`")


@pytest.mark.parametrize(
    "form",
    [
        '{"user":"NAME","pass":"SECRET"}',
        "{'user': 1}",
        '{"nested":{"user":"x"},"user":"NAME","password":"SECRET"}',
        '{"user":"","password":"SECRET"}',
        '{"name":"app","user":"NAME","password":"SECRET"}',
        '{"username":7,"password":8}',
        "'{\"user\":\"NAME\",\"password\":\"SECRET\"}'",
    ],
)
def test_several_things_are_wrong_with_the_credential(tasks, registry, form):
    """One fix is enough, or the secret is written anew. (That numbers are in quotes does not make them the right ones.)"""
    value = form.replace("NAME", registry.username).replace("SECRET", registry.password)
    case = secret_case(tasks, "FARGATE", value)
    (found,) = case.findings()
    assert found["cause"] == "CONTENT" and registry.password not in json.dumps(found), found
    case.mend(found["fix"])
    if "8" in form:
        (found,) = case.findings()
        assert found["cause"] == "REGISTRY", found
    else:
        case.runs()


def test_a_shell_left_its_quotes(tasks, launch, registry):
    value = json.dumps({"username": registry.username, "password": registry.password})
    assert_mended(secret_case(tasks, launch, f"'{value}'"), "CONTENT", "is not a JSON object of strings")


def test_there_is_no_password(tasks, launch, registry):
    assert_mended(secret_case(tasks, launch, {"username": registry.username}), "CONTENT", "has no `password`")


def test_the_secret_is_to_be_deleted(tasks, launch, registry):
    account = tasks.account
    secret = account.secret({"username": registry.username, "password": registry.password})
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": secret})
    case = Case(tasks, launch, main, executionRoleArn=account.execution_role(secret))
    account.secretsmanager.delete_secret(SecretId=secret)
    assert_mended(case, "CONTENT", "marked for deletion")


def test_there_is_no_such_secret(tasks, launch):
    name = unique("missing")
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": name})
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    assert_mended(case, "CONTENT", f"no secret `{name}`")


def test_there_is_no_such_parameter(tasks, launch):
    name = unique("/team/missing")
    role = bare_role(tasks.account, LOGS, READ, allow("ssm:GetParameters"))
    main = tasks.container(command='test "$P" = mended', secrets=[{"name": "P", "valueFrom": name}])
    assert_mended(Case(tasks, launch, main, executionRoleArn=role), "CONTENT", name)


def test_the_role_may_not_read_a_parameter(tasks, launch):
    name = unique("p")
    tasks.account.client("ssm").put_parameter(Name=name, Value="hello", Type="SecureString")
    role = bare_role(tasks.account, LOGS, READ)
    main = tasks.container(command='test "$P" = hello', secrets=[{"name": "P", "valueFrom": name}])
    assert_mended(Case(tasks, launch, main, executionRoleArn=role), "PERMISSION", "ssm:GetParameters", verified=True)


def test_the_role_does_not_trust_tasks(tasks, launch):
    """RunTask itself refuses: there is nothing to explain."""
    account = tasks.account
    role = bare_role(account, LOGS, READ)
    other = trust("ecs.amazonaws.com")
    account.iam.update_assume_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyDocument=json.dumps(other))
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=role)
    (found,) = case.findings()
    assert found["cause"] == "PERMISSION" and "does not trust" in found["headline"]
    assert found["fix"]["verified"]
    with pytest.raises(account.ecs.exceptions.ClientException, match="unable to assume the role") as refused:
        tasks.run(case.definition, case.network)
    assert refused.value.response["Error"]["Message"] == found["message"]
    case.mend(found["fix"])
    kept = account.iam.get_role(RoleName=role.rsplit("/", 1)[1])["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert kept[0] == other["Statement"][0]
    case.runs()


def test_there_is_no_task_role(tasks, account_id):
    """The containers' role gets nothing of what the start needs."""
    name = unique("task-role")
    role = f"arn:aws:iam::{account_id}:role/{name}"
    case = Case(tasks, "FARGATE", tasks.container(command="true"), taskRoleArn=role)
    (found,) = case.findings()
    assert found["headline"] == f"there is no role `{role}`"
    case.mend(found["fix"])
    assert tasks.account.iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    case.runs()


def test_everything_at_once(tasks, launch, registry):
    """Eight things are wrong: `check` says them all, and says what it found nowhere else."""
    account = tasks.account
    hub = account.secret({"user": registry.username, "password": registry.password})
    db = account.secret({"user": "u"})
    group = unique("/missing")
    main = tasks.container(
        command="true",
        repositoryCredentials={"credentialsParameter": hub},
        logConfiguration=tasks.awslogs(group=group),
        secrets=[{"name": "A", "valueFrom": f"{db}:nope::"}, {"name": "B", "valueFrom": unique("none")}],
    )
    case = Case(tasks, launch, main, executionRoleArn=bare_role(account))
    causes = [(found["cause"], found["action"]) for found in case.findings()]
    read, parameters, stream = "secretsmanager:GetSecretValue", "ssm:GetParameters", "logs:CreateLogStream"
    assert causes == [
        ("PERMISSION", read),
        ("CONTENT", read),
        ("PERMISSION", read),
        ("CONTENT", read),
        ("PERMISSION", parameters),
        ("CONTENT", parameters),
        ("PERMISSION", stream),
        ("CONFIGURATION", stream),
    ]
    shown = case.check().stdout
    assert "would not start: 8 findings" in shown and registry.password not in shown


@pytest.mark.parametrize("create", [False, True])
def test_no_permission_and_no_log_group(tasks, launch, create):
    """Both are said at once, and mended at once."""
    options = {"awslogs-create-group": "true"} if create else {}
    logs = tasks.awslogs(group=unique("/missing"), **options)
    role = bare_role(tasks.account, READ)
    case = Case(tasks, launch, tasks.container(command="true", logConfiguration=logs), executionRoleArn=role)
    found = case.findings()
    second = ("PERMISSION", "logs:CreateLogGroup") if create else ("CONFIGURATION", "logs:CreateLogStream")
    assert [(it["cause"], it["action"]) for it in found] == [("PERMISSION", "logs:CreateLogStream"), second]
    for it in found:
        case.mend(it["fix"])
    case.runs()


def test_no_permission_and_no_environment_file(tasks, launch, tmp_path):
    bucket, file = unique("files").lower(), tmp_path / "a.env"
    file.write_text("V=hello\n")
    tasks.account.client("s3").create_bucket(Bucket=bucket)
    files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/a.env"}]
    main = tasks.container(command='test "$V" = hello', environmentFiles=files)
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    case.words["FILE"] = str(file)
    found = case.findings()
    assert [it["cause"] for it in found] == ["PERMISSION", "PERMISSION", "CONTENT"], found
    for it in found:
        case.mend(it["fix"])
    case.runs()


def test_no_permission_and_no_bucket(tasks, launch, tmp_path):
    """Who looks sees what is missing where the role is refused: one round is enough."""
    bucket, file = unique("files").lower(), tmp_path / "a.env"
    file.write_text("V=hello\n")
    files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/a.env"}]
    main = tasks.container(command='test "$V" = hello', environmentFiles=files)
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    case.words["FILE"] = str(file)
    found = case.mend_all()
    headlines = [it["headline"] for it in found]
    assert f"there is no bucket `{bucket}`" in headlines and len(headlines) == len(set(headlines)), headlines
    assert [it["action"] for it in found if it["cause"] == "PERMISSION"] == ["s3:GetBucketLocation", "s3:GetObject"]
    case.runs()


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ('{"user":"NAME","password":"SECRET"}', []),
        ('{"user":"NAME","password":"SECRET"}', ["other"]),
        ('{"username":"NAME","pass":"SECRET"}', []),
        ('{"password":"SECRET"}', []),
        ('{"password":"SECRET"}', ["other"]),
        ("'{\"user\":\"NAME\",\"password\":\"SECRET\"}'", ["other"]),
    ],
)
def test_a_credential_whose_parts_are_wanted_too(tasks, registry, form, more):
    """One secret for the registry and for variables: what mends it for one use is no harm to the other."""
    secret = tasks.account.secret(form.replace("NAME", registry.username).replace("SECRET", registry.password))
    keys = ["username", "password", *more]
    main = tasks.container(
        command=f'test "$USERNAME" = {registry.username}',
        repositoryCredentials={"credentialsParameter": secret},
        secrets=[{"name": key.upper(), "valueFrom": f"{secret}:{key}::"} for key in keys],
    )
    case = Case(tasks, "FARGATE", main, executionRoleArn=tasks.account.execution_role(secret))
    assert {it["cause"] for it in case.mend_all()} == {"CONTENT"}
    case.runs()


def test_the_password_is_wrong(tasks, launch, registry):
    case = secret_case(tasks, launch, {"username": registry.username, "password": sensitive.password()})
    assert_mended(case, "REGISTRY", "does not accept the user and password")


def test_the_registry_is_asked(tasks, launch, registry):
    main = tasks.container(image=f"{registry.host}/team/app:{unique('none')}", command="true")
    case = Case(tasks, launch, main)
    (before,) = case.findings()
    assert before["cause"] == "REGISTRY" and "has no image" in before["headline"]
    task = case.start()
    after = tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["cause"]) == (before["headline"], before["cause"])
    assert case.check("--skip-images").returncode == 0


def test_forms_of_the_file_and_of_the_answer(tasks, registry):
    account = tasks.account
    case = Case(tasks, "FARGATE", tasks.container(command="true"), executionRoleArn=bare_role(account, LOGS))
    sarif = json.loads(case.check("--sarif").stdout)
    assert sarif["version"] == "2.1.0"
    results = sarif["runs"][0]["results"]
    (result,) = [it for it in results if it["kind"] == "fail"]
    open = [it for it in results if it["kind"] == "open"]
    assert {(it["ruleId"], it["level"]) for it in open} == {("unknown", "none")}
    assert any("has an `ENTRYPOINT`, or else the program" in it["message"]["text"] for it in open), open
    assert result["ruleId"] == "permission" and "put-role-policy" in result["message"]["text"]
    template = f"""
Parameters: {{Role: {{Type: String}}}}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      Memory: 512
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ExecutionRoleArn: !Sub 'arn:aws:iam::${{AWS::AccountId}}:role/${{Role}}'
      ContainerDefinitions:
        - Name: main
          Image: {registry.image()}
          Command: ['true']
          RepositoryCredentials: {{CredentialsParameter: '{tasks.secret}'}}
"""
    bad, good = (role.rsplit("/", 1)[1] for role in (bare_role(account), tasks.role))
    assert case.check("--parameter", f"Role={bad}", file=template).returncode == 1
    assert case.check("--parameter", f"Role={good}", file=template).returncode == 0
    for text in ("{", "a: b", "[]"):
        done = case.check(file=text)
        assert done.returncode == 2 and "no task definition" in done.stderr, done.stderr


def test_a_reason_is_explained(tasks):
    text = "Asm fetching username: AuthorizationData is malformed, empty field"
    done = tasks.server.command("check", "--reason", text, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["cause"] == "CONTENT"
    assert tasks.server.command("check", "--reason", "nice weather").returncode == 2


def test_who_checks_must_be_allowed_to_pass_the_role(tasks):
    """Otherwise anybody could learn from answers what roles may read."""
    case = Case(tasks, "FARGATE", tasks.container(command="true"))
    case.account = tasks.account.user(allow(["landfall:CheckTaskStart", "ecs:DescribeTaskDefinition"]))
    done = case.check()
    assert done.returncode == 2 and "iam:PassRole" in done.stderr, done.stderr
