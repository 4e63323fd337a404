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
            "s3:GetBucketLocation",
            "s3:GetObject",
            "logs:CreateLogStream",
            "logs:CreateLogGroup",
            "logs:CreateLogStream"
        ]
    );
    let principal = format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}");
    assert!(plan.steps[1..].iter().all(|step| step.principal == principal));
    let places: Vec<_> =
        plan.steps[1..7].iter().map(|step| (step.region.as_str(), step.resource.as_str())).collect();
    let stream = format!("arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:p/app/{TASK_ID}");
    assert_eq!(
        places,
        [
            ("us-east-1", "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub"),
            ("eu-west-1", arn),
            ("us-east-1", "arn:aws:ssm:us-east-1:111122223333:parameter/param"),
            ("us-east-1", "arn:aws:s3:::bucket"),
            ("us-east-1", "arn:aws:s3:::bucket/a/b.env"),
            ("eu-west-1", stream.as_str()),
        ]
    );
    assert_eq!(plan.steps[2].context[1], ("secretsmanager:VersionStage", "AWSPREVIOUS".to_owned()));
    assert!(plan.steps[7..].iter().all(|step| step.when == When::LogGroupMissing));
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
    let Work::Secret { targets, .. } = &plan.steps[3].work else { panic!("a secret") };
    assert_eq!(targets.len(), 2);
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
    assert_eq!(actions(&plan), ["sts:AssumeRole", "ecr:GetAuthorizationToken", "ecr:BatchGetImage"]);
    assert_eq!(plan.steps[1].containers, ["a", "b"]);
    assert_eq!(plan.steps[2].resource, "arn:aws:ecr:us-east-1:111122223333:repository/app");
}

/// Each registry has a token of its own, and the Region is that of the image.
#[test]
fn a_token_is_of_a_registry() {
    let plan = fargate(&json!([
        {"name": "a", "image": "444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app:1"},
        {"name": "b", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app"},
    ]));
    let places: Vec<_> = plan.steps[1..].iter().map(|it| (it.action, it.region.as_str())).collect();
    assert_eq!(
        places,
        [
            ("ecr:GetAuthorizationToken", "eu-west-1"),
            ("ecr:BatchGetImage", "eu-west-1"),
            ("ecr:GetAuthorizationToken", "us-east-1"),
            ("ecr:BatchGetImage", "us-east-1"),
        ]
    );
}

#[test]
fn machines_pull_from_ecr_as_themselves_where_there_is_no_execution_role() {
    let containers = json!([{"name": "a", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app"}]);
    for (launch, role) in
        [(LaunchKind::Ec2, "ecsInstanceRole"), (LaunchKind::External, "ecsExternalInstanceRole")]
    {
        let plan = planned(&containers, launch, None);
        let steps: Vec<_> = plan.steps.iter().map(|it| it.name).collect();
        assert_eq!(steps, ["assume instance role", "fetch ECR token", "find image in ECR"]);
        assert_eq!(plan.steps[0].resource, format!("arn:aws:iam::111122223333:role/{role}"));
        assert!(
            plan.steps[1].principal.contains(&format!("assumed-role/{role}/")),
            "{}",
            plan.steps[1].principal
        );
    }
    assert_eq!(planned(&containers, LaunchKind::Ec2, Some(ROLE)).steps[0].name, "assume execution role");
}

#[test]
fn parameters_are_fetched_ten_at_a_time_and_by_region() {
    let secret = |at: usize| json!({"name": format!("V{at}"), "valueFrom": format!("p{at}")});
    let mut secrets: Vec<Value> = (0..11).map(secret).collect();
    secrets.push(json!({"name": "AGAIN", "valueFrom": "p3"}));
    secrets.push(json!({"name": "FAR", "valueFrom": "arn:aws:ssm:eu-west-1:444455556666:parameter/far"}));
    let plan = fargate(&json!([{"name": "app", "image": "x", "secrets": secrets}]));
    let batches: Vec<_> = plan.steps[1..]
        .iter()
        .map(|step| match &step.work {
            Work::Parameters(all) => (step.region.as_str(), all.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(batches, [("us-east-1", 10), ("us-east-1", 1), ("eu-west-1", 1)]);
    let Work::Parameters(all) = &plan.steps[1].work else { panic!("parameters") };
    let names: Vec<_> = all[3].targets.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["V3", "AGAIN"]);
}

#[test]
fn a_bucket_is_located_once_and_a_file_is_shared() {
    let file = |key: &str| json!({"value": format!("arn:aws:s3:::bucket/{key}.env"), "type": "s3"});
    let plan = fargate(&json!([
        {"name": "a", "image": "x", "environmentFiles": [file("one"), file("two")]},
        {"name": "b", "image": "x", "environmentFiles": [file("one")]},
    ]));
    let steps: Vec<_> = plan.steps[1..].iter().map(|it| (it.action, it.containers.join(","))).collect();
    let step = |action, containers: &str| (action, containers.to_owned());
    assert_eq!(
        steps,
        [step("s3:GetBucketLocation", "a"), step("s3:GetObject", "a,b"), step("s3:GetObject", "a")]
    );
}

#[test]
fn streams_are_named_after_prefix_container_and_task() {
    let named = |options: Value| {
        let definition =
            stage::definition(&json!([{"name": "app", "image": "x", "logConfiguration": logs(options)}]));
        let task = stage::task(&definition, LaunchKind::Ec2);
        let container = &definition.container_definitions.as_ref().unwrap()[0];
        log_source(&TaskFacts::from(&task), container).unwrap().destination(&[])
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
    assert_eq!(resources, ["arn:aws:s3:::b", "arn:aws:s3:::b/two.env"]);
}
