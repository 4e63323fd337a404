"""iam:PassRole: who hands a role to a task must be allowed to."""

import pytest

from harness.account import AWSVPC, allow, unique
from harness.errors import refused
from harness.tasks import FARGATE_SIZE, exit_code

ECS = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def passing(role, **condition):
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    return {**statement, "Condition": condition} if condition else statement


def refusal(user, role):
    me = user.sts.get_caller_identity()["Arn"]
    action = "iam:PassRole"
    return f"User: {me} is not authorized to perform: {action} on resource: {role} because no identity-based policy allows the {action} action"


def register(account, **roles):
    container = {"name": "main", "image": "127.0.0.1:1/none", "command": ["true"]}
    answer = account.ecs.register_task_definition(
        family=unique("family"),
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        **FARGATE_SIZE,
        containerDefinitions=[container],
        **roles,
    )
    return answer["taskDefinition"]["taskDefinitionArn"]


def run(account, definition, **more):
    return account.ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=AWSVPC, **more)


@pytest.fixture
def cluster(tasks):
    return tasks.cluster


@pytest.mark.parametrize("which", ["executionRoleArn", "taskRoleArn"])
def test_running_needs_permission_for_each_role(admin, cluster, which):
    role = admin.role()
    definition = register(admin, **{which: role})
    user = admin.user(policy(ECS))
    with refused("AccessDeniedException", refusal(user, role)):
        run(user, definition, cluster=cluster)
    assert admin.ecs.list_tasks(cluster=cluster, family=definition.split("/")[1].split(":")[0])["taskArns"] == []


@pytest.mark.parametrize("which", ["executionRoleArn", "taskRoleArn"])
def test_registering_needs_permission_for_each_role(admin, which):
    role = admin.role()
    user = admin.user(policy(ECS))
    with refused("AccessDeniedException", refusal(user, role)):
        register(user, **{which: role})
    allowed = admin.user(policy(ECS, passing(role)))
    register(allowed, **{which: role})


def test_one_role_allowed_is_not_both(admin, cluster):
    execution, task = admin.role(), admin.role()
    definition = register(admin, executionRoleArn=execution, taskRoleArn=task)
    user = admin.user(policy(ECS, passing(execution)))
    with refused("AccessDeniedException", refusal(user, task)):
        run(user, definition, cluster=cluster)


def test_a_role_in_an_override_counts(admin, cluster):
    definition, role = register(admin), admin.role()
    user = admin.user(policy(ECS))
    with refused("AccessDeniedException", refusal(user, role)):
        run(user, definition, cluster=cluster, overrides={"taskRoleArn": role})


def test_passed_to_another_service(admin, cluster):
    role = admin.role()
    definition = register(admin, executionRoleArn=role)
    user = admin.user(policy(ECS, passing(role, StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})))
    with refused("AccessDeniedException", refusal(user, role)):
        run(user, definition, cluster=cluster)


def test_passed_to_ecs_tasks(tasks, admin):
    user = admin.user(policy(ECS, passing(tasks.role, StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"})))
    definition = tasks.define(tasks.container(command="true"))
    answer = run(user, definition, cluster=tasks.cluster)
    arn = answer["tasks"][0]["taskArn"]
    tasks.started.append(arn)
    assert exit_code(tasks.wait_stopped(arn)) == 0


def test_without_ecs_permission_the_refusal_is_about_ecs(admin, cluster):
    definition = register(admin)
    user = admin.user(allow("iam:PassRole"))
    with refused(
        "AccessDeniedException", contains=f"is not authorized to perform: ecs:RunTask on resource: {definition} because"
    ):
        run(user, definition, cluster=cluster)


@pytest.mark.parametrize(
    "pattern, passes", [("{family}:*", True), ("{family}:1", True), ("{family}:2", False), ("other:*", False)]
)
def test_run_task_is_allowed_by_definition(admin, cluster, account_id, pattern, passes):
    definition = register(admin)
    family = definition.split("/")[1].split(":")[0]
    resource = f"arn:aws:ecs:us-east-1:{account_id}:task-definition/{pattern.format(family=family)}"
    statement = {
        "Effect": "Allow",
        "Action": "ecs:RunTask",
        "Resource": resource,
        "Condition": {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:us-east-1:{account_id}:cluster/{cluster}"}},
    }
    user = admin.user(policy(statement))
    if passes:
        arn = run(user, definition, cluster=cluster)["tasks"][0]["taskArn"]
        admin.ecs.stop_task(cluster=cluster, task=arn)
    else:
        with refused("AccessDeniedException"):
            run(user, definition, cluster=cluster)


def test_run_task_in_another_cluster(admin, cluster, account_id):
    definition = register(admin)
    statement = {
        "Effect": "Allow",
        "Action": "ecs:RunTask",
        "Resource": "*",
        "Condition": {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:us-east-1:{account_id}:cluster/other"}},
    }
    with refused("AccessDeniedException"):
        run(admin.user(policy(statement)), definition, cluster=cluster)
