"""`landfall check` of templates and plans: what a file does not know before it is deployed, and what it creates itself, is no
finding. And `check --reason`: a text pasted from a real account."""

import json

from harness.account import unique

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


def check(tasks, text, *arguments):
    done = tasks.server.command(
        "check", "-", "--skip-images", "--json", *arguments, input=text, environment=tasks.account.env()
    )
    assert done.returncode in (0, 1), done.stderr
    (answer,) = json.loads(done.stdout)["task_definitions"]
    assert answer["would_start"] == (done.returncode == 0) == (answer["findings"] == [])
    return answer


def created(*names):
    return {f"the {name} is created by this template: not looked at" for name in names}


def test_what_a_template_creates_is_not_known(tasks):
    answer = check(tasks, TEMPLATE.replace("ROLE", "!GetAtt Exec.Arn"))
    assert (answer["findings"], set(answer["unknown"])) == ([], created("role `cf-exec`", *CREATED))


def test_what_another_stack_exports_is_not_known(tasks):
    answer = check(tasks, TEMPLATE.replace("ROLE", "!ImportValue exec"))
    told = created(*CREATED) | {"`Fn::ImportValue` is not known before deployment"}
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
    for values, unknown in [
        ({**size, **document}, ["execution_role_arn"]),
        ({**size, **role}, ["container_definitions"]),
        ({**role, "memory": "512"}, ["cpu", "container_definitions"]),
    ]:
        answer = check(tasks, plan(values, dict.fromkeys(unknown, True)))
        told = {f"`{name}` is not known before it is applied" for name in unknown}
        assert (answer["findings"], set(answer["unknown"])) == ([], told)
    wrong = {**size, "container_definitions": json.dumps([{**container, "image": "x y"}])}
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
