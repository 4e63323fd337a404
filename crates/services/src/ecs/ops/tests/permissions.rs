use super::*;
use landfall_iam::Principal;

/// The action and resource in the refusal of a call by somebody without policies.
fn denied<O: Operation>(world: &World, input: O::Input) -> String
where
    O::Output: std::fmt::Debug,
{
    let error = world.call::<O>(&nobody(), input).expect_err(O::SCHEMA.name);
    assert_eq!(error.code, "AccessDeniedException", "{}", O::SCHEMA.name);
    let text = error.message.split("not authorized to perform: ").nth(1).unwrap().to_owned();
    text.split(" because ").next().unwrap().replace("arn:aws:ecs:us-east-1:111122223333:", "")
}

#[test]
fn every_operation_asks_for_its_permission() {
    let world = World::new();
    world.register(fargate());
    let cluster = || "default".to_owned();
    let instance = "container-instance/default/*";
    let task = |action: &str| format!("ecs:{action} on resource: task/default/0123");
    assert_eq!(
        denied::<api::CreateCluster>(&world, Default::default()),
        "ecs:CreateCluster on resource: cluster/default"
    );
    assert_eq!(
        denied::<api::DeleteCluster>(&world, api::DeleteClusterRequest { cluster: cluster() }),
        "ecs:DeleteCluster on resource: cluster/default"
    );
    assert_eq!(denied::<api::ListClusters>(&world, Default::default()), "ecs:ListClusters on resource: *");
    assert_eq!(
        denied::<api::RegisterTaskDefinition>(&world, fargate()),
        "ecs:RegisterTaskDefinition on resource: task-definition/app:*"
    );
    assert_eq!(
        denied::<api::RunTask>(&world, on_fargate()),
        "ecs:RunTask on resource: task-definition/app:1"
    );
    assert_eq!(
        denied::<api::RunTask>(
            &world,
            api::RunTaskRequest { task_definition: "nope:3".to_owned(), ..on_fargate() }
        ),
        "ecs:RunTask on resource: task-definition/nope:3"
    );
    assert_eq!(
        denied::<api::ListTasks>(&world, Default::default()),
        format!("ecs:ListTasks on resource: {instance}")
    );
    let tasks = vec!["0123".to_owned()];
    let describe = api::DescribeTasksRequest { tasks, ..Default::default() };
    assert_eq!(denied::<api::DescribeTasks>(&world, describe), task("DescribeTasks"));
    let stop = api::StopTaskRequest { task: "0123".to_owned(), ..Default::default() };
    assert_eq!(denied::<api::StopTask>(&world, stop), task("StopTask"));
}

fn user(world: &World, statements: &str) -> Caller {
    let created = world.ok::<iam_api::CreateUser>(iam_api::CreateUserRequest {
        user_name: "dev".to_owned(),
        ..Default::default()
    });
    world.ok::<iam_api::PutUserPolicy>(iam_api::PutUserPolicyRequest {
        user_name: "dev".to_owned(),
        policy_name: "inline".to_owned(),
        policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#),
    });
    let user = created.user.unwrap();
    crate::testing::caller(Principal::user(
        user.arn.parse().unwrap(),
        &crate::testing::account(),
        user.user_id,
    ))
}

const RUN: &str =
    r#"{"Effect":"Allow","Action":["ecs:RunTask","ecs:RegisterTaskDefinition"],"Resource":"*"}"#;

#[test]
fn running_and_registering_need_the_right_to_pass_the_roles() {
    let world = World::new();
    world.register(fargate());
    let dev = user(&world, RUN);
    let expected = "iam:PassRole on resource: arn:aws:iam::111122223333:role/exec because no identity-based policy \
                    allows the iam:PassRole action";
    let run = world.call::<api::RunTask>(&dev, on_fargate()).unwrap_err();
    assert!(run.message.ends_with(expected), "{}", run.message);
    let register = world.call::<api::RegisterTaskDefinition>(&dev, fargate()).unwrap_err();
    assert!(register.message.ends_with(expected), "{}", register.message);
}

#[test]
fn a_role_may_be_passed_to_ecs_tasks_only() {
    let world = World::new();
    world.register(fargate());
    let pass = |service: &str| {
        format!(
            r#"{RUN},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"*",
               "Condition":{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}}}"#
        )
    };
    let dev = user(&world, &pass("ecs-tasks.amazonaws.com"));
    assert!(world.call::<api::RunTask>(&dev, on_fargate()).is_ok());
    let world = World::new();
    world.register(fargate());
    let dev = user(&world, &pass("ec2.amazonaws.com"));
    assert_eq!(world.call::<api::RunTask>(&dev, on_fargate()).unwrap_err().code, "AccessDeniedException");
}

#[test]
fn the_cluster_condition_holds_for_run_task() {
    let world = World::new();
    world.register(bridge(64));
    world.ok::<api::CreateCluster>(api::CreateClusterRequest {
        cluster_name: text("blue"),
        ..Default::default()
    });
    let dev = user(
        &world,
        r#"{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*",
            "Condition":{"ArnEquals":{"ecs:cluster":"arn:aws:ecs:us-east-1:111122223333:cluster/blue"}}}"#,
    );
    assert!(
        world.call::<api::RunTask>(&dev, api::RunTaskRequest { cluster: text("blue"), ..plain() }).is_ok()
    );
    assert_eq!(world.call::<api::RunTask>(&dev, plain()).unwrap_err().code, "AccessDeniedException");
}

#[test]
fn tags_need_a_permission_of_their_own() {
    let world = World::new();
    world.register(bridge(64));
    let dev = user(&world, RUN);
    let tagged = || api::RunTaskRequest {
        tags: Some(vec![api::Tag { key: text("team"), value: text("blue") }]),
        ..plain()
    };
    let error = world.call::<api::RunTask>(&dev, tagged()).unwrap_err();
    assert!(error.message.contains("ecs:TagResource on resource: "), "{}", error.message);
    world.ok::<api::PutAccountSettingDefault>(api::PutAccountSettingDefaultRequest {
        name: api::SettingName::TagResourceAuthorization,
        value: "off".to_owned(),
    });
    assert!(world.call::<api::RunTask>(&dev, tagged()).is_ok());
}

#[test]
fn the_fix_of_a_refusal_allows_the_whole_call() {
    let world = World::new();
    let dev = user(&world, RUN);
    let mut definition = fargate();
    definition.task_role_arn = text("arn:aws:iam::111122223333:role/other");
    let outcome = world.0.call.call::<api::RegisterTaskDefinition>(&dev, definition);
    let refused = outcome.checks.iter().find(|check| !check.allowed).unwrap();
    let fix = refused.fix.as_ref().unwrap();
    assert!(fix.verified && fix.smallest, "{fix:?}");
    let roles = ["arn:aws:iam::111122223333:role/exec", "arn:aws:iam::111122223333:role/other"];
    let expected = serde_json::json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": roles});
    assert_eq!(fix.steps.iter().map(|step| &step.statement).collect::<Vec<_>>(), [&expected]);
}

#[test]
fn roles_are_passed_for_the_task_definition() {
    let world = World::new();
    world.register(fargate());
    let dev = user(
        &world,
        &format!(
            r#"{RUN},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"*",
               "Condition":{{"ArnLike":{{"iam:AssociatedResourceArn":"arn:aws:ecs:*:*:task-definition/app*"}}}}}}"#
        ),
    );
    let definition =
        |family: &str| api::RegisterTaskDefinitionRequest { family: family.to_owned(), ..fargate() };
    assert!(world.call::<api::RegisterTaskDefinition>(&dev, definition("app")).is_ok());
    let other = world.call::<api::RegisterTaskDefinition>(&dev, definition("other")).unwrap_err();
    assert_eq!(other.code, "AccessDeniedException");
    let run = |family: &str| api::RunTaskRequest { task_definition: family.to_owned(), ..on_fargate() };
    world.ok::<api::RegisterTaskDefinition>(definition("other"));
    assert!(world.call::<api::RunTask>(&dev, run("app")).is_ok());
    assert_eq!(world.call::<api::RunTask>(&dev, run("other")).unwrap_err().code, "AccessDeniedException");
}
