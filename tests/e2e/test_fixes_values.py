"""As `test_fixes.py`, for what a task is given: keys that values are under, JSON keys of secrets, versions, environment files."""

import json

import pytest

from harness.account import allow, deny, unique
from harness.errors import refused
from harness.fixes import LOGS, READ, Case, assert_mended, bare_role
from harness.tasks import exit_code


def key_policy(*principals):
    """A key policy that names who may do everything, and does not let IAM decide."""
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def customer_key(account, policy=None):
    more = {"Policy": policy} if policy else {}
    return account.kms.create_key(**more)["KeyMetadata"]["Arn"]


def under(account, key, value, service):
    """A value under a customer's key, by its ARN or name."""
    if service == "ssm":
        name = unique("p")
        account.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", KeyId=key)
        return name
    return account.secretsmanager.create_secret(Name=unique("s"), SecretString=value, KmsKeyId=key)["ARN"]


READS = {"secretsmanager": READ, "ssm": allow("ssm:GetParameters")}


def value_case(tasks, launch, value_from, *statements, expected="hello", kind="secrets"):
    role = bare_role(tasks.account, LOGS, READ, *statements)
    main = tasks.container(command=f'test "$V" = {expected}', secrets=[{"name": "V", "valueFrom": value_from}])
    return Case(tasks, launch, main, executionRoleArn=role)


@pytest.mark.parametrize("service", READS)
def test_the_role_may_not_use_the_key(tasks, launch, service):
    value = under(tasks.account, customer_key(tasks.account), "hello", service)
    case = value_case(tasks, launch, value, READS[service])
    assert_mended(case, "PERMISSION", "kms:Decrypt", verified=True)


def test_the_role_may_not_use_the_key_of_the_registry_credential(tasks, launch, registry):
    credential = json.dumps({"username": registry.username, "password": registry.password})
    secret = under(tasks.account, customer_key(tasks.account), credential, "secretsmanager")
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": secret})
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    assert_mended(case, "PERMISSION", "kms:Decrypt", verified=True)


@pytest.mark.parametrize("service", READS)
def test_the_keys_policy_does_not_let_the_role_in(tasks, launch, service):
    account = tasks.account
    key = customer_key(account, key_policy(account.client("sts").get_caller_identity()["Arn"]))
    case = value_case(tasks, launch, under(account, key, "hello", service), READS[service])
    task = assert_mended(case, "PERMISSION", "kms:Decrypt", verified=True)
    assert task["stopCode"] == "TaskFailedToStart"


@pytest.mark.parametrize("service", READS)
def test_the_key_is_switched_off(tasks, launch, service):
    key = customer_key(tasks.account)
    value = under(tasks.account, key, "hello", service)
    tasks.account.kms.disable_key(KeyId=key)
    case = value_case(tasks, launch, value, READS[service], allow("kms:Decrypt"))
    assert_mended(case, "CONFIGURATION", "is disabled")


def test_the_key_is_to_be_deleted(tasks, launch):
    key = customer_key(tasks.account)
    value = under(tasks.account, key, "hello", "secretsmanager")
    tasks.account.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    case = value_case(tasks, launch, value, allow("kms:Decrypt"))
    assert_mended(case, "CONFIGURATION", "is going to be deleted")


@pytest.mark.parametrize("stored", ['{"user": "u"}', "{}", '{\n  "user": "u"\n}\n'])
def test_the_secret_lacks_a_json_key(tasks, launch, stored):
    value = tasks.account.secret(stored)
    assert_mended(value_case(tasks, launch, f"{value}:token::", expected="mended"), "CONTENT", "has no key `token`")


def test_the_json_key_has_another_case(tasks, launch):
    """The corrected reference is in the fix; with it the task runs."""
    value = tasks.account.secret({"Token": "hello"})
    case = value_case(tasks, launch, f"{value}:token::")
    (found,) = case.findings()
    assert found["cause"] == "CONTENT" and "has no key `token`" in found["headline"]
    corrected = json.loads("{" + found["fix"]["document"] + "}")["valueFrom"]
    value_case(tasks, launch, corrected).runs()


def secrets_case(tasks, launch, *references, command="true"):
    role = bare_role(tasks.account, LOGS, READ)
    secrets = [{"name": f"V{number}", "valueFrom": reference} for number, reference in enumerate(references)]
    main = tasks.container(command=command, secrets=secrets)
    return Case(tasks, launch, main, executionRoleArn=role)


@pytest.mark.parametrize("key", ["Secret", "AWS"])
def test_the_json_key_is_a_word_of_the_arn(tasks, launch, key):
    value = tasks.account.secret({key: "hello"})
    (found,) = value_case(tasks, launch, f"{value}:{key.lower()}::").findings()
    assert corrected(found) == f"{value}:{key}::"
    value_case(tasks, launch, corrected(found)).runs()


@pytest.mark.parametrize("now", [{"token": "hello"}, {"user": "u"}, "text"])
def test_a_version_lacks_the_json_key(tasks, launch, now):
    """A version never gets another value: the current one is what a fix can mend."""
    account = tasks.account
    value = account.secret({"user": "u"})
    version = account.secretsmanager.get_secret_value(SecretId=value)["VersionId"]
    account.secretsmanager.put_secret_value(SecretId=value, SecretString=now if now == "text" else json.dumps(now))
    expected = "hello" if "token" in now else "mended"
    for named in (":AWSPREVIOUS:", f"::{version}"):
        (found,) = value_case(tasks, launch, f"{value}:token{named}").findings()
        assert corrected(found) == f"{value}:token::"
        assert (found["fix"]["command"] is None) == ("token" in now)
    case = value_case(tasks, launch, corrected(found), expected=expected)
    if found["fix"]["command"]:
        case.mend(found["fix"])
    case.runs()


@pytest.mark.parametrize("stored", ["text", "", {"user": "u"}, {}, None])
def test_two_json_keys_are_missing(tasks, account_id, launch, stored):
    """All fixes, one after the other: none takes away what the one before wrote."""
    account = tasks.account
    if stored is None:
        value = f"arn:aws:secretsmanager:us-east-1:{account_id}:secret:{unique('none')}"
    elif stored == "":
        value = account.secretsmanager.create_secret(Name=unique("empty"))["ARN"]
    else:
        value = account.secret(stored)
    case = secrets_case(tasks, launch, f"{value}:k1::", f"{value}:k2::", command='test "$V0$V1" = mendedmended')
    assert {found["cause"] for found in case.mend_all()} == {"CONTENT"}
    case.runs()


@pytest.mark.parametrize("like", [None, "app"])
def test_a_name_that_ends_like_an_arn(tasks, account_id, launch, like):
    """`app-config` may be the name; another secret `app` is no reason to take that one's value."""
    name = unique("app")
    arn = f"arn:aws:secretsmanager:us-east-1:{account_id}:secret:{name}-config"
    if like:
        tasks.account.secretsmanager.create_secret(Name=name, SecretString="of another")
    main = tasks.container(command='test "$V" = mended', secrets=[{"name": "V", "valueFrom": arn}])
    role = bare_role(tasks.account, LOGS, allow("secretsmanager:GetSecretValue", tasks.secret))
    case = Case(tasks, launch, main, executionRoleArn=role)
    denied, missing = case.findings()
    assert (denied["cause"], missing["cause"]) == ("PERMISSION", "CONTENT")
    assert missing["fix"]["document"] is None and f"secret `{name}`" in missing["fix"]["text"]
    for found in (denied, missing):
        case.mend(found["fix"])
    case.runs()


def test_neither_permission_nor_the_right_arn(tasks, launch):
    """The grant is for the secret that the corrected reference names."""
    right = tasks.account.secret("hello")
    wrong = right[:-6] + "AbCdEf"
    only_credential = allow("secretsmanager:GetSecretValue", tasks.secret)

    def case(reference, role):
        main = tasks.container(command='test "$V" = hello', secrets=[{"name": "V", "valueFrom": reference}])
        return Case(tasks, launch, main, executionRoleArn=role)

    role = bare_role(tasks.account, LOGS, only_credential)
    given = case(wrong, role)
    denied, nearly = given.findings()
    given.mend(denied["fix"])
    case(corrected(nearly), role).runs()


def test_the_secret_is_no_json(tasks, launch):
    value = tasks.account.secret("hello")
    case = value_case(tasks, launch, f"{value}:token::", expected="mended")
    assert_mended(case, "CONTENT", "is not a JSON object")


def test_colons_are_missing(tasks, launch):
    """Registering refuses it, so it is `check` alone that can say more."""
    value = tasks.account.secret({"token": "hello"})
    case = value_case(tasks, launch, f"{value}:token::")
    described = tasks.account.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]
    text = json.dumps({"taskDefinition": described}, default=str).replace(":token::", ":token")
    (answer,) = json.loads(case.check("--json", file=text).stdout)["task_definitions"]
    refused, found = answer["findings"]
    assert refused["message"] == "The Secrets Manager secret name specified for secret V is invalid.", refused
    assert (refused["cause"], found["cause"]) == ("CONFIGURATION", "CONFIGURATION")
    corrected = json.loads("{" + found["fix"]["document"] + "}")["valueFrom"]
    assert corrected == f"{value}:token::"


def test_the_secret_has_no_value(tasks, launch):
    value = tasks.account.secretsmanager.create_secret(Name=unique("empty"))["ARN"]
    assert_mended(value_case(tasks, launch, value, expected="mended"), "CONTENT", "has no value")


def test_the_secret_has_no_value_and_a_json_key_is_wanted(tasks, launch):
    value = tasks.account.secretsmanager.create_secret(Name=unique("empty"))["ARN"]
    assert_mended(value_case(tasks, launch, f"{value}:token::", expected="mended"), "CONTENT", "has no value")


def corrected(found):
    """The reference that the fix says instead."""
    (value,) = json.loads("{" + found["fix"]["document"] + "}").values()
    return value


def test_a_label_that_no_version_has(tasks, launch):
    """The value that is there stays: nothing is written over it."""
    value = tasks.account.secret("hello")
    case = value_case(tasks, launch, f"{value}::NOSTAGE:")
    (found,) = case.findings()
    assert found["cause"] == "CONTENT" and "no version with the label `NOSTAGE`" in found["headline"]
    assert found["fix"]["command"] is None and corrected(found) == value
    task = case.start()
    assert case.tasks.trace(task["taskArn"])["finding"]["headline"] == found["headline"]
    value_case(tasks, launch, corrected(found)).runs()


def test_an_arn_of_no_secret(tasks, launch, account_id):
    """Its six characters are new when it is made: the fix says how to name it then."""
    name = unique("none")
    arn = f"arn:aws:secretsmanager:us-east-1:{account_id}:secret:{name}"
    case = value_case(tasks, launch, f"{arn}-AbCdEf:k::", expected="mended")
    (found,) = case.findings()
    assert f"there is no secret `{name}-AbCdEf`" in found["headline"]
    case.mend(found["fix"])
    assert corrected(found) == f"{arn}:k::"
    value_case(tasks, launch, corrected(found), expected="mended").runs()


@pytest.mark.parametrize("wrong", ["suffix", "region"])
def test_an_arn_that_is_nearly_right(tasks, launch, wrong):
    right = tasks.account.secret("hello")
    given = right[:-6] + "AbCdEf" if wrong == "suffix" else right.replace("us-east-1", "eu-west-1")
    case = value_case(tasks, launch, given)
    (found,) = case.findings()
    assert found["fix"]["command"] is None and corrected(found) == right
    value_case(tasks, launch, corrected(found)).runs()


def test_a_secret_by_its_bare_name(tasks, launch):
    """A bare name is a parameter's."""
    right = tasks.account.secret("hello")
    name = tasks.account.secretsmanager.describe_secret(SecretId=right)["Name"]
    case = value_case(tasks, launch, name, READS["ssm"])
    (found,) = case.findings()
    assert found["fix"]["command"] is None and corrected(found) == right
    value_case(tasks, launch, corrected(found)).runs()


def test_a_reference_to_no_secret(tasks, launch):
    case = value_case(tasks, launch, f"/aws/reference/secretsmanager/{unique('none')}", READS["ssm"], expected="mended")
    assert_mended(case, "CONTENT", "there is no parameter")


def test_neither_permission_nor_secret(tasks, launch, registry):
    """Both are said at once; both fixes together are enough, whatever the new ARN will be."""
    name = unique("new-secret")
    main = tasks.container(command="true", repositoryCredentials={"credentialsParameter": name})
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS))
    denied, missing = case.findings()
    assert (denied["cause"], missing["cause"]) == ("PERMISSION", "CONTENT")
    assert denied["fix"]["verified"] and f":secret:{name}-??????" in denied["fix"]["command"]
    for found in (denied, missing):
        case.mend(found["fix"])
    case.runs()


def test_parameters_that_are_denied_and_missing(tasks, launch):
    there, missing = unique("p"), unique("none")
    tasks.account.client("ssm").put_parameter(Name=there, Value="hello", Type="SecureString")
    secrets = [{"name": "V", "valueFrom": there}, {"name": "W", "valueFrom": missing}]
    main = tasks.container(command='test "$V $W" = "hello mended"', secrets=secrets)
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    denied, absent = case.findings()
    assert denied["fix"]["verified"] and missing in denied["fix"]["command"]
    assert absent["headline"] == f"there is no parameter `{missing}` in us-east-1"
    for found in (denied, absent):
        case.mend(found["fix"])
    case.runs()


def test_a_boundary_keeps_the_key_away(tasks, launch):
    account = tasks.account
    value = under(account, customer_key(account), "hello", "secretsmanager")
    boundary = account.iam.create_policy(
        PolicyName=unique("boundary"), PolicyDocument=json.dumps(allow(["logs:*", "secretsmanager:*"]))
    )["Policy"]["Arn"]
    case = value_case(tasks, launch, value)
    role = account.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]["executionRoleArn"]
    account.iam.put_role_permissions_boundary(RoleName=role.rsplit("/", 1)[1], PermissionsBoundary=boundary)
    assert_mended(case, "PERMISSION", "kms:Decrypt", verified=True)


def bounded(account, case, *statements):
    """Puts a permissions boundary on the execution role."""
    document = {"Version": "2012-10-17", "Statement": [it for one in statements for it in one["Statement"]]}
    boundary = account.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    account.iam.put_role_permissions_boundary(RoleName=role_of(account, case), PermissionsBoundary=boundary)
    return boundary


def role_of(account, case):
    described = account.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]
    return described["executionRoleArn"].rsplit("/", 1)[1]


def test_a_boundary_keeps_the_logs_away(tasks, launch):
    """Each task has a log stream of its own: the fix is for the group."""
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=bare_role(tasks.account, LOGS, READ))
    bounded(tasks.account, case, allow("secretsmanager:*"))
    assert_mended(case, "PERMISSION", "logs:CreateLogStream", verified=True)


# --- several fixes that change one document ---


def test_a_boundary_keeps_several_things_away(tasks, launch):
    account = tasks.account
    value = under(account, customer_key(account), "hello", "secretsmanager")
    case = value_case(tasks, launch, value, allow("kms:Decrypt"))
    boundary = bounded(account, case, allow("s3:*"))
    findings = case.mend_all()
    assert len(findings) >= 3 and all(found["fix"]["verified"] for found in findings), findings
    assert len(account.iam.list_policy_versions(PolicyArn=boundary)["Versions"]) == 2
    case.runs()


@pytest.mark.parametrize("kept", [True, False])
def test_one_policy_denies_several_things(tasks, launch, kept):
    account = tasks.account
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=bare_role(account, LOGS, READ))
    name = role_of(account, case)
    guard = deny("secretsmanager:*")
    guard["Statement"] += [*deny("logs:CreateLogStream")["Statement"], *(deny("s3:*")["Statement"] if kept else [])]
    account.iam.put_role_policy(RoleName=name, PolicyName="guard", PolicyDocument=json.dumps(guard))
    assert len(case.mend_all()) == 2
    assert ("guard" in account.iam.list_role_policies(RoleName=name)["PolicyNames"]) == kept
    case.runs()


def test_one_managed_policy_denies_several_things(tasks, launch):
    account = tasks.account
    case = Case(tasks, launch, tasks.container(command="true"), executionRoleArn=bare_role(account, LOGS, READ))
    guard = deny("secretsmanager:*")
    guard["Statement"] += [*deny("logs:CreateLogStream")["Statement"], *deny("s3:*")["Statement"]]
    policy = account.iam.create_policy(PolicyName=unique("guard"), PolicyDocument=json.dumps(guard))["Policy"]["Arn"]
    account.iam.attach_role_policy(RoleName=role_of(account, case), PolicyArn=policy)
    assert len(case.mend_all()) == 2
    case.runs()


def test_one_key_keeps_two_values_away(tasks, launch):
    account = tasks.account
    key = customer_key(account, key_policy(account.client("sts").get_caller_identity()["Arn"]))
    values = [under(account, key, "hello", service) for service in ("secretsmanager", "ssm")]
    secrets = [{"name": f"V{number}", "valueFrom": value} for number, value in enumerate(values)]
    main = tasks.container(command='test "$V0$V1" = hellohello', secrets=secrets)
    case = Case(tasks, launch, main, executionRoleArn=bare_role(account, LOGS, READ, READS["ssm"]))
    case.mend_all()
    case.runs()


def test_two_files_of_a_bucket_that_is_not_there(tasks, launch, good_file):
    """The bucket is made once."""
    bucket = unique("none").lower()
    files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/{name}.env"} for name in ("one", "two")]
    role = bare_role(tasks.account, LOGS, READ, FILES)
    case = Case(tasks, launch, tasks.container(command='test "$V" = hello', environmentFiles=files), executionRoleArn=role)
    case.words["FILE"] = str(good_file)
    case.mend_all()
    case.runs()


def test_there_is_no_role(tasks, account_id, launch):
    """What is missing beside it is said at once, and the role that is made has all that the task needs."""
    group = unique("/missing")
    value = tasks.account.secret("hello")
    role = f"arn:aws:iam::{account_id}:role/{unique('none')}"
    main = tasks.container(
        command='test "$V" = hello',
        secrets=[{"name": "V", "valueFrom": value}],
        logConfiguration=tasks.awslogs(group=group),
    )
    case = Case(tasks, launch, main, executionRoleArn=role)
    no_role, no_group = case.findings()
    assert no_role["headline"] == f"there is no role `{role}`"
    assert no_group["headline"] == f"there is no log group `{group}` in us-east-1"
    for found in (no_role, no_group):
        case.mend(found["fix"])
    case.runs()


def test_a_statement_denies(tasks, launch):
    """What denies is named, and the command takes away that statement alone."""
    account = tasks.account
    value = account.secret("hello")
    case = value_case(tasks, launch, value)
    role = account.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]["executionRoleArn"]
    name = role.rsplit("/", 1)[1]
    both = deny("secretsmanager:*", value)
    both["Statement"].append(deny("s3:*")["Statement"][0])
    account.iam.put_role_policy(RoleName=name, PolicyName="guard", PolicyDocument=json.dumps(both))
    assert_mended(case, "PERMISSION", "guard", "denies `secretsmanager:GetSecretValue`")
    kept = account.iam.get_role_policy(RoleName=name, PolicyName="guard")["PolicyDocument"]["Statement"]
    assert [it["Action"] for it in kept] == [both["Statement"][1]["Action"]]


def test_the_secret_denies(tasks, launch):
    value = tasks.account.secret("hello")
    case = value_case(tasks, launch, value)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
                 "Condition": {"StringLike": {"aws:PrincipalArn": "*:role/exec-*"}}}  # fmt: skip
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    tasks.account.secretsmanager.put_resource_policy(SecretId=value, ResourcePolicy=json.dumps(policy))
    assert_mended(case, "PERMISSION", "denies `secretsmanager:GetSecretValue`")
    assert "ResourcePolicy" not in tasks.account.secretsmanager.get_resource_policy(SecretId=value)


def test_a_managed_policy_denies(tasks, launch):
    account = tasks.account
    value = account.secret("hello")
    case = value_case(tasks, launch, value)
    role = account.ecs.describe_task_definition(taskDefinition=case.definition)["taskDefinition"]["executionRoleArn"]
    policy = account.iam.create_policy(PolicyName=unique("guard"), PolicyDocument=json.dumps(deny("secretsmanager:*", value)))
    account.iam.attach_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyArn=policy["Policy"]["Arn"])
    assert_mended(case, "PERMISSION", "denies `secretsmanager:GetSecretValue`")


# --- zero bytes ---


@pytest.mark.parametrize("key", [None, "token"])
def test_a_secret_with_a_zero_byte(tasks, launch, key):
    """No program can be given one; the command takes it out without showing the value."""
    text = "hel\0lo"
    value = tasks.account.secret(json.dumps({key: text}) if key else text)
    case = value_case(tasks, launch, f"{value}:{key}::" if key else value)
    task = assert_mended(case, "CONTENT", "the variable `V` would contain a zero byte")
    assert "the variable `V` contains a zero byte" in json.dumps(task, default=str)


# --- environment files ---


@pytest.fixture(scope="module")
def bucket(admin):
    name = unique("files").lower()
    admin.client("s3").create_bucket(Bucket=name)
    return name


def file_case(tasks, launch, bucket, key, *statements):
    role = bare_role(tasks.account, LOGS, READ, *statements)
    file = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/{key}"}]
    main = tasks.container(command='test "$V" = hello', environmentFiles=file)
    return Case(tasks, launch, main, executionRoleArn=role)


FILES = allow(["s3:GetObject", "s3:GetBucketLocation"])


@pytest.fixture
def good_file(tmp_path):
    path = tmp_path / "good.env"
    path.write_text("# a comment\nV=hello\n")
    return path


def test_the_role_may_not_ask_where_the_bucket_is(tasks, admin, launch, bucket):
    admin.client("s3").put_object(Bucket=bucket, Key="good.env", Body=b"V=hello")
    case = file_case(tasks, launch, bucket, "good.env", allow("s3:GetObject"))
    assert_mended(case, "PERMISSION", "s3:GetBucketLocation", verified=True)


def test_the_role_may_not_read_the_file(tasks, admin, launch, bucket):
    admin.client("s3").put_object(Bucket=bucket, Key="good.env", Body=b"V=hello")
    case = file_case(tasks, launch, bucket, "good.env", allow("s3:GetBucketLocation"))
    assert_mended(case, "PERMISSION", "s3:GetObject", verified=True)


def test_there_is_no_file(tasks, launch, bucket, good_file):
    case = file_case(tasks, launch, bucket, f"{unique('none')}.env", FILES)
    case.words["FILE"] = str(good_file)
    assert_mended(case, "CONTENT", "there is no object")


def test_there_is_no_bucket(tasks, launch, good_file):
    case = file_case(tasks, launch, unique("none").lower(), "good.env", FILES)
    case.words["FILE"] = str(good_file)
    assert_mended(case, "CONTENT", "there is no bucket")


def test_the_file_is_no_text(tasks, admin, launch, bucket, good_file):
    key = f"{unique('binary')}.env"
    admin.client("s3").put_object(Bucket=bucket, Key=key, Body=b"\xff\xfe")
    case = file_case(tasks, launch, bucket, key, FILES)
    case.words["FILE"] = str(good_file)
    assert_mended(case, "CONTENT", "cannot be read")


def test_a_file_with_a_zero_byte(tasks, admin, launch, bucket):
    key = f"{unique('zero')}.env"
    admin.client("s3").put_object(Bucket=bucket, Key=key, Body=b"V=hel\0lo\n")
    assert_mended(file_case(tasks, launch, bucket, key, FILES), "CONTENT", "the variable `V` would contain a zero byte")


def test_the_files_key_may_not_be_used(tasks, admin, launch, bucket):
    key = f"{unique('kms')}.env"
    admin.client("s3").put_object(
        Bucket=bucket, Key=key, Body=b"V=hello", ServerSideEncryption="aws:kms", SSEKMSKeyId=customer_key(admin)
    )
    assert_mended(file_case(tasks, launch, bucket, key, FILES), "PERMISSION", "kms:Decrypt", verified=True)


# --- logs ---


def test_the_role_may_not_create_the_log_group(tasks, launch):
    group = unique("/made")
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(group=group, **{"awslogs-create-group": "true"}))
    case = Case(tasks, launch, main, executionRoleArn=bare_role(tasks.account, LOGS, READ))
    assert_mended(case, "PERMISSION", "logs:CreateLogGroup", verified=True)


def test_a_log_option_from_a_secret(tasks, admin, launch):
    """The pattern in the secret cannot be read; a better one can be stored."""
    secret = admin.secret("(")
    options = [{"name": "awslogs-multiline-pattern", "valueFrom": secret}]
    main = tasks.container(command="true", logConfiguration={**tasks.awslogs(), "secretOptions": options})
    case = Case(tasks, launch, main, executionRoleArn=bare_role(admin, LOGS, READ))
    assert_mended(case, "CONFIGURATION", "`awslogs-multiline-pattern`", "that a secret gives")


@pytest.mark.parametrize("member", ["awslogs-group", "awslogs-stream-prefix"])
def test_a_log_stream_that_a_secret_names(tasks, admin, launch, member):
    """The role may not make it, and the group of that name is missing: what is to be pasted does not show the name."""
    name = unique("hunter2")
    main = tasks.container(
        command="true",
        logConfiguration={**tasks.awslogs(), "secretOptions": [{"name": member, "valueFrom": admin.secret(name)}]},
    )
    allowed = [LOGS] if member == "awslogs-group" else []
    case = Case(tasks, launch, main, executionRoleArn=bare_role(admin, READ, *allowed))
    (found,) = case.findings()
    assert name not in json.dumps(found)
    cause = "CONFIGURATION" if member == "awslogs-group" else "PERMISSION"
    task = assert_mended(case, cause)
    assert name not in json.dumps([task, tasks.trace(task["taskArn"])], default=str)


def test_options_that_the_log_driver_does_not_take(tasks, launch):
    for options, text in [
        ({"awslogs-foo": "x"}, "Log driver awslogs disallows options: awslogs-foo"),
        ({"mode": "bogus"}, "Log driver option 'mode' must be one of [blocking,non-blocking]"),
    ]:
        with refused("ClientException", text):
            tasks.define(tasks.container(command="true", logConfiguration=tasks.awslogs(**options)))
    main = tasks.container(command="true", logConfiguration=tasks.awslogs(**{"max-buffer-size": "xx"}))
    case = Case(tasks, launch, main)
    (found,) = case.findings()
    task = case.start()
    assert "error parsing option max-buffer-size: invalid size: 'xx'" in (task.get("stoppedReason", "") + str(task["containers"]))
    assert found["headline"].startswith("the log driver does not take the option `max-buffer-size`: error parsing")
    corrected = tasks.awslogs(**json.loads("{" + found["fix"]["document"] + "}"))
    Case(tasks, launch, {**main, "logConfiguration": corrected}).runs()
    assert case.tasks.trace(task["taskArn"])["finding"]["headline"] == found["headline"]
