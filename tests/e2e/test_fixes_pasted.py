"""As `test_fixes.py`, for what has to be right in a command whatever it is about: values and keys of every form, names that
are nearly right, quotas that the command itself would run into."""

import json

import pytest

from harness.account import allow, deny, unique
from harness.fixes import LOGS, READ, Case, bare_role
from harness.tasks import exit_code


def secret_case(tasks, launch, reference, role=None, command="true"):
    role = role or bare_role(tasks.account, LOGS, READ)
    main = tasks.container(command=command, secrets=[{"name": "V", "valueFrom": reference}])
    return Case(tasks, launch, main, executionRoleArn=role)


def stored(account, secret):
    return json.loads(account.secretsmanager.get_secret_value(SecretId=secret)["SecretString"])


# --- values and keys of every form ---

VALUES = ["a&b", "p/w", "a$b$(id)`id`", "back\\slash\\n", 'quo"te', "it's 'quoted'", "a!b c ;|>", "two\nlines\n\nof", "-n", "%s*", "ключ"]


@pytest.mark.parametrize("value", VALUES)
def test_a_missing_key_gets_the_value_that_was_written(tasks, value):
    secret = tasks.account.secret({"u": "1\\2&"})
    case = secret_case(tasks, "FARGATE", f"{secret}:pw::")
    case.words["VALUE"] = value
    (found,) = case.findings()
    case.mend(found["fix"])
    assert stored(tasks.account, secret) == {"u": "1\\2&", "pw": value}
    assert case.findings() == []


@pytest.mark.parametrize("value", VALUES)
def test_a_missing_parameter_gets_the_value_that_was_written(tasks, value):
    name = unique("/p")
    case = secret_case(tasks, "FARGATE", name, bare_role(tasks.account, LOGS, READ, allow("ssm:GetParameters")))
    case.words["VALUE"] = value
    (found,) = case.findings()
    case.mend(found["fix"])
    parameter = tasks.account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert parameter["Value"] == value


@pytest.mark.parametrize("key", ["a b", "it's", "$HOME", "`id`", "ключ", 'quo"te', "a\\b", "a!b", "db.pass"])
def test_a_missing_key_of_any_name(tasks, launch, key):
    secret = tasks.account.secret({"u": "1"})
    case = secret_case(tasks, launch, f"{secret}:{key}::", command='test "$V" = mended')
    (found,) = case.findings()
    assert found["cause"] == "CONTENT" and found["fix"]["command"], found
    case.mend(found["fix"])
    assert stored(tasks.account, secret) == {"u": "1", key: "mended"}
    case.runs()


# --- parameters that have a slash or none ---


@pytest.mark.parametrize(("there", "asked"), [("/{}", "{}"), ("{}", "/{}")])
def test_a_parameter_but_for_its_slash(tasks, launch, there, asked):
    """The two names are one to Parameter Store, which does not make the other."""
    name = unique("near")
    there, asked = there.format(name), asked.format(name)
    tasks.account.client("ssm").put_parameter(Name=there, Value="hello", Type="SecureString")
    role = bare_role(tasks.account, LOGS, READ, allow("ssm:GetParameters"))
    case = secret_case(tasks, launch, asked, role)
    (found,) = case.findings()
    assert found["cause"] == "CONTENT" and found["fix"]["command"] is None, found
    task = case.start()
    after = tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["fix"]) == (found["headline"], found["fix"])
    member = found["fix"]["document"]
    assert member in case.shown() and member in case.shown(task)
    corrected = json.loads("{" + member + "}")["valueFrom"]
    assert corrected == there
    secret_case(tasks, launch, corrected, role, 'test "$V" = hello').runs()


# --- quotas ---


def versions_of(account, document, *others):
    """A managed policy with five versions, `document` in force."""
    arn = account.iam.create_policy(PolicyName=unique("five"), PolicyDocument=json.dumps(others[0]))["Policy"]["Arn"]
    for version in [*others[1:], document]:
        account.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(version), SetAsDefault=True)
    return arn


def role_name(role):
    return role.rsplit("/", 1)[1]


def assert_pasted(case, words):
    """Said before and after, and the commands work."""
    findings = case.findings()
    assert any(words in json.dumps(found["fix"]) for found in findings), findings
    task = case.start()
    after = case.tasks.trace(task["taskArn"])["finding"]
    assert (after["headline"], after["fix"]["text"]) == (findings[0]["headline"], findings[0]["fix"]["text"])
    assert words in after["fix"]["command"], after
    for fix in (found["fix"] for found in findings):
        if fix["command"]:
            case.mend(fix)
    case.runs()


def test_a_policy_that_denies_has_all_its_versions(tasks, launch):
    account = tasks.account
    secret = account.secret("hello")
    both = deny("secretsmanager:GetSecretValue", secret)
    both["Statement"] += deny("s3:*")["Statement"]
    guard = versions_of(account, both, *[deny(f"s3:Get{number}*") for number in range(4)])
    role = bare_role(account, LOGS, READ)
    account.iam.attach_role_policy(RoleName=role_name(role), PolicyArn=guard)
    assert_pasted(secret_case(tasks, launch, secret, role), f"delete-policy-version --policy-arn {guard} --version-id v1")
    kept = account.iam.list_policy_versions(PolicyArn=guard)["Versions"]
    assert sorted(it["VersionId"] for it in kept) == ["v2", "v3", "v4", "v5", "v6"]


def test_a_boundary_has_all_its_versions(tasks, launch):
    """The oldest that is not in force goes."""
    account = tasks.account
    secret = account.secret("hello")
    boundary = versions_of(account, allow("logs:*"), *[allow(["logs:*", f"s3:Get{number}*"]) for number in range(4)])
    account.iam.set_default_policy_version(PolicyArn=boundary, VersionId="v1")
    role = bare_role(account, LOGS, READ)
    account.iam.put_role_permissions_boundary(RoleName=role_name(role), PermissionsBoundary=boundary)
    assert_pasted(secret_case(tasks, launch, secret, role), "--version-id v2")


def compact(document):
    return json.dumps(document, separators=(",", ":"))


def full_role(account, *statements):
    """A role whose own policies have no room for another."""
    role = bare_role(account, *statements)
    room = 10_240 - sum(len(compact(statement)) for statement in statements)
    buckets = [f"arn:aws:s3:::bucket-{number:03}-{'x' * 50}/*" for number in range(130)]
    while len(filler := compact(allow("s3:GetObject", buckets))) > room:
        buckets.pop()
    account.iam.put_role_policy(RoleName=role_name(role), PolicyName="filler", PolicyDocument=filler)
    return role


def test_a_roles_own_policies_are_full(tasks, launch):
    account = tasks.account
    value = account.secret("hello")
    role = full_role(account, LOGS)
    assert_pasted(secret_case(tasks, launch, value, role), "aws iam attach-role-policy")
    attached = account.iam.list_attached_role_policies(RoleName=role_name(role))["AttachedPolicies"]
    assert len(attached) == 2
    # Another role gets what is there by now.
    case = secret_case(tasks, launch, value, full_role(account, LOGS))
    assert "create-policy" not in json.dumps(case.findings())
    assert_pasted(case, "aws iam attach-role-policy")


def test_a_full_role_that_has_to_log_in(tasks, launch):
    main = tasks.container(command="true", repositoryCredentials=None)
    role = full_role(tasks.account, LOGS)
    case = Case(tasks, launch, main, executionRoleArn=role)
    (found,) = case.findings()
    case.mend(found["fix"])
    main["repositoryCredentials"] = json.loads("{" + found["fix"]["document"] + "}")["repositoryCredentials"]
    case = Case(tasks, launch, main, executionRoleArn=role)
    case.runs()
    assert exit_code(case.start()) == 0


def test_a_role_that_can_have_no_further_policy(tasks):
    """No command would work: the statement is there to be put elsewhere."""
    account = tasks.account
    role = full_role(account, LOGS)
    for number in range(10):
        document = json.dumps(allow(f"s3:Get{number}*"))
        arn = account.iam.create_policy(PolicyName=unique("one"), PolicyDocument=document)["Policy"]["Arn"]
        account.iam.attach_role_policy(RoleName=role_name(role), PolicyArn=arn)
    found = secret_case(tasks, "FARGATE", account.secret("hello"), role).findings()
    for fix in (it["fix"] for it in found):
        assert fix["command"] is None and not fix["verified"] and "as many policies as it may" in fix["text"]
        assert json.loads(fix["document"])["Statement"][0]["Action"] == "secretsmanager:GetSecretValue"
