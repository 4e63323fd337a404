use serde_json::{Value, json};

use super::super::stage::{self, ROLE, TASK_ID};
use super::*;

fn planned(containers: &Value, launch: LaunchKind, role: Option<&str>) -> LaunchPlan {
    let mut definition = stage::definition(containers);
    definition.execution_role_arn = role.map(str::to_owned);
    plan(&TaskFacts::from(&stage::task(&definition, launch)), &definition)
}

fn fargate(containers: &Value) -> LaunchPlan {
    planned(containers, LaunchKind::Fargate, Some(ROLE))
}

fn actions(plan: &LaunchPlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.action).collect()
}

fn logs(options: Value) -> Value {
    json!({"logDriver": "awslogs", "options": options})
}

#[test]
fn only_what_is_needed_is_planned() {
    let plain = fargate(&json!([{"name": "app", "image": "busybox"}]));
    assert_eq!(actions(&plain), ["sts:AssumeRole"]);
    assert_eq!(plain.steps[0].principal, "ecs-tasks.amazonaws.com");
    let none = planned(&json!([{"name": "app", "image": "busybox"}]), LaunchKind::Ec2, None);
    assert!(none.steps.is_empty());
}

#[test]
fn the_order_is_role_registries_secrets_files_logs() {
    let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-AbCdEf";
    let plan = fargate(&json!([{
        "name": "app", "image": "registry.example.com/app",
        "logConfiguration": logs(json!({"awslogs-group": "g", "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "p", "awslogs-create-group": "true"})),
        "environmentFiles": [{"value": "arn:aws:s3:::bucket/a/b.env", "type": "s3"}],
        "secrets": [{"name": "DB", "valueFrom": format!("{arn}:user:AWSPREVIOUS:")}, {"name": "P", "valueFrom": "param"}],
        "repositoryCredentials": {"credentialsParameter": "hub"}
    }]));
    assert_eq!(
        actions(&plan),
        [
            "sts:AssumeRole",
            "secretsmanager:GetSecretValue",
            "secretsmanager:GetSecretValue",
            "ssm:GetParameters",
            "s3:GetObject",
            "logs:CreateLogStream",
            "logs:CreateLogGroup",
            "logs:CreateLogStream"
        ]
    );
    let principal = format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}");
    assert!(plan.steps[1..].iter().all(|step| step.principal == principal));
    let places: Vec<_> =
        plan.steps[1..6].iter().map(|step| (step.region.as_str(), step.resource.as_str())).collect();
    let stream = format!("arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:p/app/{TASK_ID}");
    assert_eq!(
        places,
        [
            ("us-east-1", "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub"),
            ("eu-west-1", arn),
            ("us-east-1", "arn:aws:ssm:us-east-1:111122223333:parameter/param"),
            ("us-east-1", "arn:aws:s3:::bucket/a/b.env"),
            ("eu-west-1", stream.as_str()),
        ]
    );
    assert_eq!(plan.steps[2].context[1], ("secretsmanager:VersionStage", "AWSPREVIOUS".to_owned()));
    assert!(plan.steps[6..].iter().all(|step| step.when == When::LogGroupMissing));
}

#[test]
fn a_secret_is_fetched_once_for_all_who_name_it() {
    let hub = json!({"credentialsParameter": "hub"});
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf";
    let plan = fargate(&json!([
        {"name": "a", "image": "x/a", "repositoryCredentials": hub, "secrets": [{"name": "A", "valueFrom": arn}]},
        {"name": "b", "image": "x/b", "repositoryCredentials": hub, "secrets": [{"name": "B", "valueFrom": arn}]},
        {"name": "c", "image": "x/c", "repositoryCredentials": {"credentialsParameter": "other"}},
    ]));
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.name, step.containers.join(","))).collect();
    let step = |name, containers: &str| (name, containers.to_owned());
    assert_eq!(
        steps,
        [
            step("assume execution role", ""),
            step("fetch registry credential", "a,b"),
            step("fetch registry credential", "c"),
            step("fetch secret", "a,b")
        ]
    );
    let Work::Secret { variables, .. } = &plan.steps[3].work else { panic!("a secret") };
    assert_eq!(variables.len(), 2);
}

#[test]
fn repository_credentials_do_not_apply_to_ecr() {
    let ecr = "111122223333.dkr.ecr.us-east-1.amazonaws.com/app";
    let hub = json!({"credentialsParameter": "hub"});
    let plan = fargate(&json!([
        {"name": "a", "image": ecr, "repositoryCredentials": hub},
        {"name": "b", "image": ecr},
        {"name": "c", "image": "public.ecr.aws/x/y"},
    ]));
    assert_eq!(actions(&plan), ["sts:AssumeRole", "ecr:GetAuthorizationToken"]);
    assert_eq!(plan.steps[1].containers, ["a", "b"]);
}

#[test]
fn streams_are_named_after_prefix_container_and_task() {
    let named = |options: Value| {
        let definition =
            stage::definition(&json!([{"name": "app", "image": "x", "logConfiguration": logs(options)}]));
        let task = stage::task(&definition, LaunchKind::Ec2);
        let container = &definition.container_definitions.as_ref().unwrap()[0];
        log_destination(&TaskFacts::from(&task), container).unwrap()
    };
    let with =
        named(json!({"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}));
    assert_eq!((with.stream, with.create_group), (format!("web/app/{TASK_ID}"), false));
    let without =
        named(json!({"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-create-group": "1"}));
    assert_eq!((without.stream.as_str(), without.create_group), ("id-of-app", true));
}

#[test]
fn an_override_replaces_the_list_of_environment_files() {
    let mut definition = stage::definition(&json!([{"name": "app", "image": "x",
        "environmentFiles": [{"value": "arn:aws:s3:::b/one.env", "type": "s3"}]}]));
    definition.execution_role_arn = None;
    let mut task = stage::task(&definition, LaunchKind::Ec2);
    let file = api::EnvironmentFile {
        value: "arn:aws:s3:::b/two.env".to_owned(),
        r#type: api::EnvironmentFileType::S3,
    };
    let over = api::ContainerOverride {
        name: Some("app".to_owned()),
        environment_files: Some(vec![file]),
        ..Default::default()
    };
    task.overrides.0.container_overrides = Some(vec![over]);
    let steps = plan(&TaskFacts::from(&task), &definition).steps;
    let resources: Vec<_> = steps.iter().map(|step| step.resource.as_str()).collect();
    assert_eq!(resources, ["arn:aws:s3:::b/two.env"]);
}
