"""`landfall check` of templates and plans: what a file does not know before it is deployed, and what it creates itself, is no
finding. And `check --reason`: a text pasted from a real account."""

import json

from harness.account import allow, trust, unique
from harness.fixes import PULL_TELLS

TEMPLATE = """
Resources:
  Exec: {Type: 'AWS::IAM::Role', Properties: {RoleName: cf-exec}}
  Credential: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: cf-credential}}
  Parameter: {Type: 'AWS::SSM::Parameter', Properties: {Name: /cf/parameter, Type: String, Value: x}}
  Log: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: /cf}}
  Repository: {Type: 'AWS::ECR::Repository', Properties: {RepositoryName: cf-app}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: cf
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 256
      Memory: 512
      ExecutionRoleArn: ROLE
      ContainerDefinitions:
        - Name: app
          Image: !Sub '${Repository.RepositoryUri}:1'
          Secrets:
            - {Name: A, ValueFrom: !Sub '${Credential}:password::'}
            - {Name: B, ValueFrom: !Ref Parameter}
          LogConfiguration:
            LogDriver: awslogs
            Options: {awslogs-group: !Ref Log, awslogs-region: !Ref 'AWS::Region', awslogs-stream-prefix: p}
"""
CREATED = ["secret `cf-credential`", "parameter `/cf/parameter`", "log group `/cf`", "repository `cf-app`"]


def check(tasks, text, *arguments, account=None):
    done = tasks.server.command(
        "check", "-", "--skip-images", "--json", *arguments, input=text,
        environment=(account or tasks.account).env(),
    )
    assert done.returncode in (0, 1), done.stderr
    (answer,) = json.loads(done.stdout)["task_definitions"]
    assert answer["would_start"] == (done.returncode == 0) == (answer["findings"] == [])
    return answer


def created(*names):
    return {f"the {name} is created by this template: not looked at" for name in names}


def what_it_may(why):
    return f"what the execution role may do: {why}. What it would fetch was looked at with your own permissions"


NOT_KNOWN_YET = what_it_may("the execution role is not known yet")


def test_what_a_template_creates_is_not_known(tasks):
    answer = check(tasks, TEMPLATE.replace("ROLE", "!GetAtt Exec.Arn"))
    told = {what_it_may("the role `cf-exec` is created by this template"), *created(*CREATED)}
    assert (answer["findings"], set(answer["unknown"])) == ([], told)


def test_what_another_stack_exports_is_not_known(tasks):
    answer = check(tasks, TEMPLATE.replace("ROLE", "!ImportValue exec"))
    told = created(*CREATED) | {"`Fn::ImportValue` is not known before deployment", NOT_KNOWN_YET}
    assert (answer["findings"], set(answer["unknown"])) == ([], told)


def test_what_is_known_of_a_template_is_looked_at(tasks):
    name = unique("none")
    role = f"arn:aws:iam::{tasks.account.id}:role/{name}"
    (finding,) = check(tasks, TEMPLATE.replace("ROLE", role))["findings"]
    assert finding["headline"] == f"there is no role `{role}`"
    role = tasks.account.execution_role()
    text = TEMPLATE.replace("ROLE", role).replace("!Ref Parameter", "/cf/other")
    headlines = [finding["headline"] for finding in check(tasks, text)["findings"]]
    assert headlines and all("cf/other" in it for it in headlines), headlines


BESIDE = """
Resources:
  Exec:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: TRUST
  Read:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: read
      Roles: [!Ref Exec]
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: 'SECRET'}]
  Logs:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Exec]
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Action: 'logs:*', Resource: '*'}]
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: cf
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 256
      Memory: 512
      ExecutionRoleArn: !GetAtt Exec.Arn
      ContainerDefinitions:
        - Name: app
          Image: registry.example/app:1
          Secrets:
            - {Name: A, ValueFrom: 'SECRET'}
            - {Name: B, ValueFrom: 'PARAMETER'}
"""


def test_policies_beside_a_role_count(tasks):
    """What the role may not do is found, and the policy that is printed is enough."""
    name = unique("/parameter")
    tasks.account.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    trusting = json.dumps(trust("ecs-tasks.amazonaws.com"))
    text = BESIDE.replace("TRUST", trusting).replace("SECRET", tasks.account.secret("x")).replace("PARAMETER", name)
    answer = check(tasks, text)
    (finding,) = answer["findings"]
    resource = f"arn:aws:ssm:us-east-1:{tasks.account.id}:parameter{name}"
    assert finding["headline"] == f"the role `Exec` of the template may not `ssm:GetParameters` on `{resource}`"
    assert (finding["cause"], answer["unknown"]) == ("PERMISSION", [])
    policies = f"      Policies: [{finding['fix']['document']}]\n"
    mended = text.replace("    Properties:\n      AssumeRole", f"    Properties:\n{policies}      AssumeRole", 1)
    assert (check(tasks, mended)["findings"], check(tasks, mended)["unknown"]) == ([], [])
    distrusted = check(tasks, mended.replace("ecs-tasks", "ecs"))["findings"]
    assert [it["headline"] for it in distrusted] == [
        "the role `Exec` of the template does not trust `ecs-tasks.amazonaws.com`"
    ]


def resource(address, values, unknown=(), refers=None):
    """A resource that a plan creates: in its values, its changes and its configuration."""
    of = {"address": address, "mode": "managed", "type": address.split(".")[0], "name": address.split(".")[1]}
    change = {"actions": ["create"], "before": None, "after": values, "after_unknown": dict.fromkeys(unknown, True)}
    expressions = {name: {"references": [f"{to}.arn", to]} for name, to in (refers or {}).items()}
    return {**of, "values": values}, {**of, "change": change}, {**of, "expressions": expressions}


def plan_of(*resources):
    planned, changes, configured = zip(*resources)
    return json.dumps({
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    })


def test_policies_of_a_plan_count(tasks):
    secret = tasks.account.secret("x")
    container = {"name": "app", "image": "registry.example/app:1", "secrets": [{"name": "A", "valueFrom": secret}]}
    role = "aws_iam_role.exec"
    task = resource(
        "aws_ecs_task_definition.app",
        {"family": "tf", "requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", "cpu": "256", "memory": "512",
         "container_definitions": json.dumps([container])},
        ["execution_role_arn", "arn"],
        {"execution_role_arn": role},
    )  # fmt: skip
    exec_role = resource(role, {"name": "exec", "assume_role_policy": json.dumps(trust("ecs-tasks.amazonaws.com"))}, ["arn", "id"])

    def policy(name, resource_arn):
        document = json.dumps(allow("secretsmanager:GetSecretValue", resource_arn))
        return resource(f"aws_iam_policy.{name}", {"name": name, "policy": document}, ["arn"])

    def attached(name):
        return resource(
            f"aws_iam_role_policy_attachment.{name}", {}, ["role", "policy_arn"],
            {"role": role, "policy_arn": f"aws_iam_policy.{name}"},
        )  # fmt: skip

    answer = check(tasks, plan_of(task, exec_role, policy("read", secret), attached("read")))
    assert (answer["findings"], answer["unknown"]) == ([], [])
    answer = check(tasks, plan_of(task, exec_role, policy("read", "arn:aws:secretsmanager:*:*:secret:x-*"), attached("read")))
    (finding,) = answer["findings"]
    assert finding["headline"] == f"the role `exec` of the plan may not `secretsmanager:GetSecretValue` on `{secret}`"
    assert finding["fix"]["document"].startswith('resource "aws_iam_role_policy" "task_start_1" {\n  role   = aws_iam_role.exec.name\n')
    statement = json.loads(finding["fix"]["document"].split("jsonencode(")[1].rsplit(")", 1)[0])["Statement"]
    assert statement == [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}]
    answer = check(tasks, plan_of(task, exec_role))
    assert answer["unknown"] == [what_it_may("the role `exec` is created by this plan")]


def encrypted(account):
    """A secret under a key of its own, and that key's ARN."""
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    return account.client("secretsmanager").create_secret(Name=unique("s"), SecretString="x", KmsKeyId=key)["ARN"], key


def test_a_key_decides_about_a_role_that_there_will_be(tasks):
    """What the role lacks is written into the template; what the key's policy lacks is the key's."""
    secret, key = encrypted(tasks.account)
    trusting = json.dumps(trust("ecs-tasks.amazonaws.com"))
    text = BESIDE.replace("TRUST", trusting).replace("SECRET", secret).replace("PARAMETER", secret)
    answer = check(tasks, text)
    (finding,) = answer["findings"]
    assert finding["headline"] == f"the role `Exec` of the template may not `kms:Decrypt` on `{key}`"
    assert (finding["cause"], answer["unknown"]) == ("PERMISSION", [])
    policies = f"      Policies: [{finding['fix']['document']}]\n"
    mended = text.replace("    Properties:\n      AssumeRole", f"    Properties:\n{policies}      AssumeRole", 1)
    assert check(tasks, mended)["findings"] == []
    owner = {"AWS": tasks.account.role()}
    owners = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}]}
    tasks.account.client("kms").put_key_policy(KeyId=key, Policy=json.dumps(owners), BypassPolicyLockoutSafetyCheck=True)
    (finding,) = check(tasks, mended)["findings"]
    assert (finding["cause"], finding["action"], finding["resource"]) == ("PERMISSION", "kms:Decrypt", key)


def reading(secret, role):
    """A plan whose tasks have a role that there is, and read a secret."""
    container = {"name": "app", "image": "registry.example/app:1", "secrets": [{"name": "A", "valueFrom": secret}]}
    return resource(
        "aws_ecs_task_definition.app",
        {"family": "tf", "requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", "cpu": "256", "memory": "512",
         "execution_role_arn": role, "container_definitions": json.dumps([container])},
        ["arn"],
    )  # fmt: skip


def test_what_a_plan_gives_to_a_role_that_there_is(tasks):
    secret, key = encrypted(tasks.account)
    role = tasks.account.role(allow("secretsmanager:GetSecretValue", secret))
    name = role.rsplit("/", 1)[1]
    task = reading(secret, role)

    def policy(document, role=name):
        values = {"name": "more", "role": role, "policy": document}
        return resource("aws_iam_role_policy.more", values, [] if document else ["policy"])

    decrypt = json.dumps(allow("kms:Decrypt", key))
    (finding,) = check(tasks, plan_of(task))["findings"]
    assert (finding["cause"], finding["action"]) == ("PERMISSION", "kms:Decrypt")
    for more, findings in [(policy(decrypt), 0), (policy(decrypt, "other"), 1), (policy(json.dumps(allow("kms:Encrypt", key))), 1)]:
        answer = check(tasks, plan_of(task, more))
        assert (len(answer["findings"]), answer["unknown"]) == (findings, [])
    # A Deny counts as well, and what goes goes.
    tasks.account.iam.put_role_policy(RoleName=name, PolicyName="there", PolicyDocument=decrypt)
    assert check(tasks, plan_of(task))["findings"] == []
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}
    (finding,) = check(tasks, plan_of(task, policy(json.dumps(deny))))["findings"]
    assert finding["action"] == "kms:Decrypt"
    gone = json.loads(plan_of(task))
    before = {"name": "there", "role": name, "policy": decrypt}
    change = {"actions": ["delete"], "before": before, "after": None}
    gone["resource_changes"].append({"address": "aws_iam_role_policy.there", "type": "aws_iam_role_policy", "change": change})
    (finding,) = check(tasks, json.dumps(gone))["findings"]
    assert finding["action"] == "kms:Decrypt"
    # What is not known yet may be what is wanted.
    tasks.account.iam.delete_role_policy(RoleName=name, PolicyName="there")
    answer = check(tasks, plan_of(task, policy(None)))
    told = f"whether the execution role may `kms:Decrypt` on `{key}`: `more` is not known yet"
    assert (answer["findings"], answer["unknown"]) == ([], [told])


def test_who_may_not_give_a_role_policies_does_not_learn_what_they_would_do(tasks):
    secret, key = encrypted(tasks.account)
    role = tasks.account.role(allow("secretsmanager:GetSecretValue", secret))
    values = {"name": "more", "role": role.rsplit("/", 1)[1], "policy": json.dumps(allow("kms:Decrypt", key))}
    text = plan_of(reading(secret, role), resource("aws_iam_role_policy.more", values))
    checker = tasks.account.user(allow(["landfall:CheckTaskStart", "iam:PassRole", "sts:GetCallerIdentity"]))
    answer = check(tasks, text, account=checker)
    (told,) = answer["unknown"]
    assert answer["findings"] == [] and told.startswith(f"whether the execution role may `kms:Decrypt` on `{key}`: you may not `iam:PutRolePolicy`")


def test_what_a_template_gives_to_a_role_that_there_is(tasks):
    secret = tasks.account.secret("x")
    role = tasks.account.role()
    container = {"Name": "app", "Image": "registry.example/app:1", "Secrets": [{"Name": "A", "ValueFrom": secret}]}
    task = {"RequiresCompatibilities": ["FARGATE"], "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512",
            "ExecutionRoleArn": role, "ContainerDefinitions": [container]}  # fmt: skip
    resources = {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task}}
    (finding,) = check(tasks, json.dumps({"Resources": resources}))["findings"]
    assert finding["action"] == "secretsmanager:GetSecretValue"
    properties = {"PolicyName": "read", "Roles": [role.rsplit("/", 1)[1]], "PolicyDocument": allow("secretsmanager:GetSecretValue", secret)}
    resources["Read"] = {"Type": "AWS::IAM::Policy", "Properties": properties}
    answer = check(tasks, json.dumps({"Resources": resources}))
    assert (answer["findings"], answer["unknown"]) == ([], [])


def plan(values, unknown):
    resource = {"address": "aws_ecs_task_definition.a", "mode": "managed", "type": "aws_ecs_task_definition"}
    values = {"family": "tf", "requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", **values}
    change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {"arn": True, **unknown}}
    return json.dumps({
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [{**resource, "values": values}]}},
        "resource_changes": [{**resource, "change": change}],
    })


def test_what_a_plan_does_not_know_is_no_finding(tasks):
    size = {"cpu": "256", "memory": "512"}
    container = {"name": "app", "image": "registry.example/app:1", "secrets": [{"name": "A", "valueFrom": "/none"}]}
    document = {"container_definitions": json.dumps([container])}
    role = {"execution_role_arn": tasks.account.execution_role()}
    for values, unknown, missing in [
        ({**size, **document}, ["execution_role_arn"], 1),
        ({**size, **role}, ["container_definitions"], 0),
        ({**role, "memory": "512"}, ["cpu", "container_definitions"], 0),
    ]:
        answer = check(tasks, plan(values, dict.fromkeys(unknown, True)))
        told = {f"`{name}` is not known before it is applied" for name in unknown}
        told |= {NOT_KNOWN_YET} if "execution_role_arn" in unknown else set()
        assert (len(answer["findings"]), set(answer["unknown"])) == (missing, told)
    # Which role will ask is not known; that there is nothing to be had is.
    (finding,) = check(tasks, plan({**size, **document}, {"execution_role_arn": True}))["findings"]
    assert (finding["headline"], finding["cause"]) == ("there is no parameter `/none` in us-east-1", "CONTENT")
    wrong = {**size, "container_definitions": json.dumps([{"name": "app", "image": "x y"}])}
    (finding,) = check(tasks, plan(wrong, {"execution_role_arn": True}))["findings"]
    assert finding["headline"] == "Container.image contains invalid characters."


def reason(server, text, *arguments):
    done = server.command("check", "--reason", text, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_text_becomes_a_command(server):
    user = "arn:aws:iam::111122223333:user/alice"
    role = "arn:aws:iam::111122223333:role/exec"
    text = f"User: {user} is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy allows the iam:PassRole action"
    found = reason(server, text, "--json")
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    assert json.loads(found["fix"]["document"]) == {"Version": "2012-10-17", "Statement": [statement]}
    assert found["fix"]["command"].startswith("aws iam put-user-policy --user-name alice --policy-name allow-iam-PassRole ")
    assert "execution role" not in found["fix"]["text"]
    sarif = reason(server, text, "--sarif")
    (result,) = sarif["runs"][0]["results"]
    assert (result["ruleId"], result["properties"]["awsMessage"]) == ("permission", text)


def test_a_cluster_that_is_not_there(tasks):
    role = tasks.account.execution_role()
    text = json.dumps({"family": "app", "executionRoleArn": role, "containerDefinitions": [{"name": "a", "image": "x", "memory": 64}]})
    (finding,) = check(tasks, text, "--cluster", "nope")["findings"]
    assert (finding["headline"], finding["message"]) == ("there is no active cluster `nope`", "Cluster not found.")
    assert finding["fix"]["command"] == "aws ecs create-cluster --cluster-name nope"


def test_a_task_that_is_too_large(tasks):
    container = {"name": "a", "image": "x", "memory": 2_000_000_000}
    (finding,) = check(tasks, json.dumps({"family": "app", "containerDefinitions": [container]}))["findings"]
    assert finding["headline"].startswith("the task wants 2000000000 MiB of memory, and of the machine's ")
    assert (finding["cause"], finding["message"]) == ("CAPACITY", "RESOURCE:MEMORY")
    assert finding["fix"]["text"] == "lower `memory` or `memoryReservation`, or stop other tasks"


CONTENT = """
Resources:
  Exec: {Type: 'AWS::IAM::Role', Properties: {RoleName: cf-exec}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: cf
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 256
      Memory: 512
      ExecutionRoleArn: !GetAtt Exec.Arn
      ContainerDefinitions:
        - Name: app
          Image: 'ACCOUNT.dkr.ecr.REGION.amazonaws.com/cf-none:1'
          Secrets:
            - {Name: A, ValueFrom: 'SECRET:nope::'}
            - {Name: B, ValueFrom: NONE}
            - {Name: C, ValueFrom: /cf/none}
          EnvironmentFiles: [{Type: s3, Value: 'arn:aws:s3:::BUCKET/none.env'}]
          LogConfiguration:
            LogDriver: awslogs
            Options: {awslogs-group: /cf/none, awslogs-region: REGION, awslogs-stream-prefix: p}
"""


def content(account):
    secret, bucket = account.secret({"user": "u"}), unique("files")
    account.client("s3").create_bucket(Bucket=bucket)
    none = secret.rsplit(":", 1)[0] + ":cf-none-AbCdEf"
    text = CONTENT
    for word, value in {
        "ACCOUNT": account.id, "REGION": "us-east-1", "SECRET": secret, "NONE": none, "BUCKET": bucket,
    }.items():
        text = text.replace(word, value)
    return text, secret, none, bucket


def test_what_a_new_role_would_fetch_is_looked_at_as_the_one_who_asks(tasks):
    text, secret, none, bucket = content(tasks.account)
    answer = check(tasks, text)
    assert answer["unknown"] == [what_it_may("the role `cf-exec` is created by this template")]
    assert [(finding["headline"], finding["cause"]) for finding in answer["findings"]] == [
        (f"there is no repository `cf-none` in the registry of {tasks.account.id}", "REGISTRY"),
        (f"the secret `{secret.rsplit(':', 1)[1]}` has no key `nope`", "CONTENT"),
        ("there is no secret `cf-none-AbCdEf` in us-east-1", "CONTENT"),
        ("there is no parameter `/cf/none` in us-east-1", "CONTENT"),
        (f"there is no object `none.env` in the bucket `{bucket}`", "CONTENT"),
        ("there is no log group `/cf/none` in us-east-1", "CONFIGURATION"),
    ]


def test_what_the_one_who_asks_may_not_see_is_not_known(tasks):
    text, secret, none, bucket = content(tasks.account)
    reader = tasks.account.user(allow("landfall:CheckTaskStart"))
    answer = check(tasks, text, account=reader)
    who = reader.client("sts").get_caller_identity()["Arn"]
    arn = f"arn:aws:{{}}:us-east-1:{tasks.account.id}:{{}}".format
    assert answer["findings"] == []
    assert answer["unknown"] == [
        what_it_may("the role `cf-exec` is created by this template"),
        *(
            f"whether `{resource}` is as the tasks want it: `{who}` is not allowed `{action}`"
            for resource, action in [
                (arn("ecr", "repository/cf-none"), "ecr:BatchGetImage"),
                (secret, "secretsmanager:GetSecretValue"),
                (none, "secretsmanager:GetSecretValue"),
                (arn("ssm", "parameter/cf/none"), "ssm:GetParameters"),
                (f"arn:aws:s3:::{bucket}", "s3:GetBucketLocation"),
                (f"arn:aws:s3:::{bucket}/none.env", "s3:GetObject"),
                (arn("logs", "log-group:/cf/none:log-stream:p/app/" + "0" * 32), "logs:CreateLogStream"),
            ]
        ),
    ]


def test_the_verdict_says_that_not_all_is_known(tasks):
    """What only a pull would tell is listed, and is no finding."""
    container = {"name": "a", "image": "r.example/a:1", "memory": 64, "command": ["/nope"], "user": "nosuchuser:staff"}
    text = json.dumps({"family": "app", "containerDefinitions": [container]})
    answer = check(tasks, text, "--launch-type", "EC2")
    known = ("an `ENTRYPOINT`, or else the program `/nope`", "the user `nosuchuser`", "the group `staff`")
    told = [f"whether the image `r.example/a:1` has {it}{PULL_TELLS}" for it in known]
    assert (answer["findings"], answer["unknown"]) == ([], told)
    shown = tasks.server.command(
        "check", "-", "--skip-images", input=text, environment=tasks.account.env()
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        "app (EC2): would start, as far as can be known: 3 things are not known",
        *(f"  not known {it}" for it in told),
    ]
    known = {**container, "command": None, "user": "1000:0"}
    known = json.dumps({"family": "app", "containerDefinitions": [{k: v for k, v in known.items() if v}]})
    shown = tasks.server.command("check", "-", "--skip-images", input=known, environment=tasks.account.env())
    assert shown.stdout == "app (EC2): would start\n"
