use landfall_acs::LaunchKind;
use landfall_api::ecs as api;
use serde_json::{Value, json};

use super::execute_tests::{failed, hint, put_parameter, reason, run};
use super::stage::{self, Stage};
use crate::testing::{AuditLog, root};

pub(super) fn with_logs(create_group: bool) -> api::TaskDefinition {
    stage::definition(
        &json!([{"name": "app", "image": "x", "logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web",
        "awslogs-create-group": create_group.to_string()}}}]),
    )
}

#[test]
fn log_streams_are_created_and_may_exist() {
    let stage = Stage::new();
    stage.allow(&["logs:CreateLogStream"]);
    stage.log_group("/app");
    for notes in [1, 2] {
        let execution = run(&stage, &with_logs(true), LaunchKind::Fargate);
        let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["assume execution role", "create log stream"]);
        assert_eq!(execution.steps[1].notes.len(), notes, "{:?}", execution.steps[1].notes);
        assert!(execution.result.is_ok());
    }
}

fn with_secret_options(options: &Value) -> api::TaskDefinition {
    stage::definition(
        &json!([{"name": "app", "image": "x", "logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"},
        "secretOptions": options}}]),
    )
}

#[test]
fn options_of_the_log_driver_come_from_secrets() {
    let stage = Stage::new();
    stage.allow(&["ssm:GetParameters", "logs:CreateLogStream", "logs:CreateLogGroup"]);
    put_parameter(&stage, "group", "/hunter1");
    put_parameter(&stage, "create", "true");
    let definition = with_secret_options(&json!([
        {"name": "awslogs-group", "valueFrom": "group"}, {"name": "awslogs-create-group", "valueFrom": "create"}]));
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    assert!(execution.result.is_ok(), "{execution:?}");
    let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "assume execution role",
            "fetch parameters",
            "create log stream",
            "create log group",
            "create log stream"
        ]
    );
    let said = format!("{:?}", execution.steps[1].notes);
    assert!(said.contains("log option `awslogs-group` of `app`"), "{said}");
    let options: Vec<_> = execution.log_options["app"].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(options, ["awslogs-group", "awslogs-create-group"]);
    assert!(execution.result.unwrap().containers[0].environment.is_empty());
    let group = landfall_api::logs::DescribeLogGroupsRequest::default();
    let groups = stage.call::<landfall_api::logs::DescribeLogGroups>(&root(), group).log_groups.unwrap();
    assert_eq!(groups[0].log_group_name.as_deref(), Some("/hunter1"));
}

#[test]
fn options_from_secrets_that_the_log_driver_does_not_take() {
    let stage = Stage::new();
    stage.allow(&["ssm:GetParameters", "logs:CreateLogStream"]);
    stage.log_group("/app");
    put_parameter(&stage, "value", "(");
    let daemon =
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: ";
    for (option, said) in [
        ("splunk-token", "unknown log opt 'splunk-token' for awslogs log driver"),
        ("awslogs-multiline-pattern", "awslogs could not parse multiline pattern key \"***\""),
        ("mode", "logger: logging mode not supported: ***"),
        ("max-buffer-size", "error parsing option max-buffer-size: invalid size: '***'"),
    ] {
        let definition = with_secret_options(&json!([{"name": option, "valueFrom": "value"}]));
        let execution = run(&stage, &definition, LaunchKind::Fargate);
        let fargate =
            format!("ResourceInitializationError: failed to validate logger args: {said} : exit status 1");
        assert_eq!(reason(&execution), fargate);
        assert!(failed(&execution).hint.is_some());
        let execution = run(&stage, &definition, LaunchKind::Ec2);
        assert_eq!(reason(&execution), format!("{daemon}{said}"));
    }
}

/// What names a stream is a secret here: the trace, the reason and the audit log are without it.
#[test]
fn names_from_secrets_are_told_nowhere() {
    for actions in [&["ssm:GetParameters"][..], &["ssm:GetParameters", "logs:CreateLogStream"][..]] {
        let stage = Stage::new();
        stage.allow(actions);
        put_parameter(&stage, "value", "hunter2");
        for option in ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"] {
            let definition = with_secret_options(&json!([{"name": option, "valueFrom": "value"}]));
            for launch in [LaunchKind::Fargate, LaunchKind::Ec2] {
                let log = AuditLog::start();
                let execution = run(&stage, &definition, launch);
                assert!(execution.result.is_err(), "{option}");
                let told = format!("{:?} {:?} {:?}", execution.steps, execution.result, log.lines());
                assert!(!told.contains("hunter2"), "{option}: {told}");
            }
        }
    }
}

#[test]
fn a_group_that_a_secret_names_is_created_without_saying_it() {
    let stage = Stage::new();
    stage.allow(&["ssm:GetParameters", "logs:CreateLogStream"]);
    put_parameter(&stage, "value", "hunter2");
    let definition = with_secret_options(&json!([{"name": "awslogs-group", "valueFrom": "value"}]));
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    let command = "aws logs create-log-group --log-group-name \"$(aws ssm get-parameter --name value --region us-east-1 \
                   --with-decryption --query Parameter.Value --output text)\" --region us-east-1";
    assert!(hint(&execution).contains(command), "{}", hint(&execution));
}

#[test]
fn a_log_group_that_is_missing() {
    let logs = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
                failed to create Cloudwatch log";
    let stage = Stage::new();
    stage.allow(&["logs:CreateLogStream"]);
    let execution = run(&stage, &with_logs(false), LaunchKind::Fargate);
    let missing = "ResourceNotFoundException: The specified log group does not exist.";
    assert_eq!(reason(&execution), format!("{logs} stream: {missing} : exit status 1"));
    assert!(hint(&execution).contains("aws logs create-log-group --log-group-name /app --region us-east-1"));

    let execution = run(&stage, &with_logs(true), LaunchKind::Fargate);
    let denied = format!("{logs} group: AccessDeniedException: User: ");
    assert!(reason(&execution).starts_with(&denied), "{}", reason(&execution));
    assert_eq!(failed(&execution).action, "logs:CreateLogGroup");
    assert!(hint(&execution).contains("logs:CreateLogGroup"), "{}", hint(&execution));

    stage.allow(&["logs:CreateLogStream", "logs:CreateLogGroup"]);
    let execution = run(&stage, &with_logs(true), LaunchKind::Fargate);
    let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        ["assume execution role", "create log stream", "create log group", "create log stream"]
    );
    assert!(execution.result.is_ok());
}

#[test]
fn a_role_that_may_not_create_streams_is_told_the_groups_statement() {
    let stage = Stage::new();
    stage.log_group("/app");
    let execution = run(&stage, &with_logs(false), LaunchKind::Ec2);
    let said = "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to \
                create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream, https response error \
                StatusCode: 400, RequestID: ";
    assert!(reason(&execution).starts_with(said), "{}", reason(&execution));
    assert!(reason(&execution).contains("api error AccessDeniedException: User: "));
    assert!(
        hint(&execution).contains(r#""Resource":"arn:aws:logs:us-east-1:111122223333:log-group:/app:*""#)
    );
}
