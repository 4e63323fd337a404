//! Every row of what can keep a task from starting, made to happen with real services, and the whole text of it: Fargate's,
//! and the container agent's on EC2 and external instances.

use landfall_acs::LaunchKind;
use landfall_api::{ecs as api, kms, secretsmanager as secrets};
use serde_json::{Value, json};

use super::execute_tests::{put_parameter, reason, run};
use super::stage::{self, ROLE, Stage, TASK_ID};
use crate::testing::root;

/// What is done to a stage, the definition that is run then, and both texts.
struct Row {
    name: &'static str,
    definition: Box<dyn Fn(&Stage) -> api::TaskDefinition>,
    fargate: String,
    agent: String,
}

const RESOURCES: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";
const REGISTRY: &str = "unable to get registry auth from asm: service call has been retried 1 time(s): ";
const SECRET: &str = "unable to retrieve secret from asm: service call has been retried 1 time(s): ";
const PARAMETER: &str = "unable to retrieve secrets from ssm: service call has been retried 1 time(s): ";
const TOKEN: &str = "unable to retrieve ecr registry auth: service call has been retried 1 time(s): ";
const LOGS: &str = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
                    failed to create Cloudwatch log ";
const DAEMON: &str = "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to \
                      create Cloudwatch log ";
const ANSWERED: &str = "https response error StatusCode: 400, RequestID: <id>, ";
/// What Fargate's older SDK puts behind codes that it does not know.
const STATUS: &str = " status code: 400, request id: <id>";

const EVERYTHING: &[&str] = &[
    "secretsmanager:GetSecretValue",
    "ssm:GetParameters",
    "kms:Decrypt",
    "logs:CreateLogStream",
    "ecr:GetAuthorizationToken",
];

fn row(
    name: &'static str,
    definition: impl Fn(&Stage) -> api::TaskDefinition + 'static,
    fargate: impl Into<String>,
    agent: impl Into<String>,
) -> Row {
    Row { name, definition: Box::new(definition), fargate: fargate.into(), agent: agent.into() }
}

fn with_credential(parameter: &str) -> api::TaskDefinition {
    stage::definition(&json!([{"name": "app", "image": "registry.example.com/app",
        "repositoryCredentials": {"credentialsParameter": parameter}}]))
}

fn with_secrets(value_from: &[&str]) -> api::TaskDefinition {
    let secrets: Vec<Value> = value_from
        .iter()
        .enumerate()
        .map(|(at, value_from)| json!({"name": format!("V{at}"), "valueFrom": value_from}))
        .collect();
    stage::definition(&json!([{"name": "app", "image": "x", "secrets": secrets}]))
}

fn with_logs() -> api::TaskDefinition {
    stage::definition(&json!([{"name": "app", "image": "x", "logConfiguration": {"logDriver": "awslogs",
        "options": {"awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}}}]))
}

/// A secret that has the name `hub` and this content, read as a registry credential.
fn credential_row(name: &'static str, content: &'static str, tail: &str) -> Row {
    let definition = move |stage: &Stage| {
        stage.secret("hub", content);
        with_credential("hub")
    };
    row(name, definition, format!("{RESOURCES}{REGISTRY}asm fetching {tail}"), format!("Asm fetching {tail}"))
}

/// A registry credential that Secrets Manager does not give out.
fn refused_row(
    name: &'static str,
    definition: impl Fn(&Stage) -> api::TaskDefinition + 'static,
    modelled: bool,
    error: &str,
) -> Row {
    let (status, kind) = if modelled { ("", "") } else { (STATUS, "api error ") };
    row(
        name,
        definition,
        format!("{RESOURCES}{REGISTRY}asm fetching secret from the service for hub: {error}{status}"),
        format!(
            "Asm fetching secret from the service for hub: operation error Secrets Manager: GetSecretValue, \
             {ANSWERED}{kind}{error}"
        ),
    )
}

fn session() -> String {
    format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}")
}

fn denied(action: &str, resource: &str) -> String {
    format!(
        "AccessDeniedException: User: {} is not authorized to perform: {action} on resource: {resource} because no \
         identity-based policy allows the {action} action",
        session()
    )
}

fn deny(stage: &Stage, action: &str) {
    let document =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}});
    stage.policy("deny", &document.to_string());
}

/// The same ARN in every run: its six characters are random otherwise.
fn suffix_hidden(text: &str) -> String {
    const BEFORE: &str = ":secret:";
    let mut parts = text.split(BEFORE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end =
            part.find(|it: char| !(it.is_ascii_alphanumeric() || "-/_".contains(it))).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let name = name.rsplit_once('-').filter(|(_, it)| it.len() == 6).map_or(name, |(name, _)| name);
        out.push_str(BEFORE);
        out.push_str(name);
        out.push_str(rest);
    }
    out
}

fn ids_hidden(text: &str) -> String {
    let mut out = text.to_owned();
    for before in ["RequestID: ", "request id: "] {
        let mut parts = out.split(before);
        let mut next = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            next.push_str(before);
            next.push_str("<id>");
            next.push_str(part.get(36..).unwrap_or_default());
        }
        out = next;
    }
    out
}

const HUB: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub";

fn registry_rows() -> Vec<Row> {
    let schema = "authorization data: unable to unmarshal secret value, invalid schema";
    let username = "username: AuthorizationData is malformed, empty field";
    let password = "password: AuthorizationData is malformed, empty field";
    let mut rows = vec![
        credential_row("username missing", r#"{"password":"p"}"#, username),
        credential_row("username empty", r#"{"username":"","password":"p"}"#, username),
        credential_row("password missing", r#"{"username":"u"}"#, password),
        credential_row("password empty", r#"{"username":"u","password":""}"#, password),
        credential_row("not JSON", "u:p", schema),
        credential_row("the quotes of a shell", r#"'{"username":"u","password":"p"}'"#, schema),
        credential_row("a number", r#"{"username":"u","password":1}"#, schema),
        credential_row("a list", r#"["u","p"]"#, schema),
    ];
    let binary = |stage: &Stage| {
        let input = secrets::CreateSecretRequest {
            name: "hub".to_owned(),
            secret_binary: Some(b"{}".to_vec().into()),
            client_request_token: Some(landfall_base::random::uuid()),
            ..Default::default()
        };
        stage.call::<secrets::CreateSecret>(&root(), input);
        with_credential("hub")
    };
    let empty = "authorization data: empty secrets value";
    let texts = (format!("{RESOURCES}{REGISTRY}asm fetching {empty}"), format!("Asm fetching {empty}"));
    rows.push(row("binary", binary, texts.0, texts.1));
    rows.extend(refusals());
    rows
}

fn refusals() -> Vec<Row> {
    let missing = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    vec![
        refused_row("no such secret", |_| with_credential("hub"), true, missing),
        refused_row(
            "no value",
            |stage| {
                stage.secret("hub", "");
                with_credential("hub")
            },
            true,
            "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        ),
        refused_row(
            "marked for deletion",
            |stage| {
                stage.secret("hub", "x");
                let gone = secrets::DeleteSecretRequest { secret_id: "hub".to_owned(), ..Default::default() };
                stage.call::<secrets::DeleteSecret>(&root(), gone);
                with_credential("hub")
            },
            true,
            "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
        ),
        refused_row(
            "no permission",
            |stage| {
                stage.secret("hub", "x");
                stage.policy("launch", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
                with_credential("hub")
            },
            false,
            &denied("secretsmanager:GetSecretValue", "hub"),
        ),
        refused_row(
            "no permission for the key",
            |stage| {
                under_a_key(stage);
                deny(stage, "kms:Decrypt");
                with_credential("hub")
            },
            false,
            "AccessDeniedException: Access to KMS is not allowed",
        ),
    ]
}

fn under_a_key(stage: &Stage) -> String {
    let made = stage.call::<kms::CreateKey>(&root(), kms::CreateKeyRequest::default());
    let input = secrets::CreateSecretRequest {
        name: "hub".to_owned(),
        secret_string: Some("x".into()),
        kms_key_id: made.key_metadata.unwrap().arn,
        client_request_token: Some(landfall_base::random::uuid()),
        ..Default::default()
    };
    stage.call::<secrets::CreateSecret>(&root(), input).arn.unwrap()
}

fn secret_rows() -> Vec<Row> {
    let operation = format!("operation error Secrets Manager: GetSecretValue, {ANSWERED}");
    let missing = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    let no_secret = |arn: &str| {
        format!(
            "ResourceNotFoundException: The task can't retrieve the secret with ARN '{arn}' from AWS Secrets Manager. Check \
             whether the secret exists in the specified Region: {operation}{missing}"
        )
    };
    let no = denied("secretsmanager:GetSecretValue", HUB);
    let once = format!("{operation}api error {no}");
    let no_key = "etrieved secret from Secrets Manager did not contain json key k";
    let parts = "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again.";
    let fetch = |error: &str| {
        format!("{RESOURCES}{SECRET}failed to fetch secret {HUB} from secrets manager: {error}")
    };
    vec![
        row(
            "a key that the JSON does not have",
            |stage| {
                let arn = stage.secret("hub", r#"{"a":1}"#);
                with_secrets(&[&format!("{arn}:k::")])
            },
            format!("{RESOURCES}{SECRET}r{no_key}"),
            format!("R{no_key}"),
        ),
        row(
            "no JSON",
            |stage| {
                let arn = stage.secret("hub", "'{'");
                with_secrets(&[&format!("{arn}:k::")])
            },
            format!("{RESOURCES}{SECRET}invalid character '\\'' looking for beginning of value"),
            "Invalid character '\\'' looking for beginning of value",
        ),
        row("no such secret", |_| with_secrets(&[HUB]), fetch(missing), no_secret(HUB)),
        row(
            "no permission",
            |stage| {
                let arn = stage.secret("hub", "x");
                deny(stage, "s3:*");
                stage.policy("launch", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
                with_secrets(&[&arn])
            },
            fetch(&format!("{no}{STATUS}")),
            format!("Secret {HUB}: {once}: {once}"),
        ),
        row(
            "wrong number of parts",
            |_| with_secrets(&[&format!("{HUB}:k")]),
            format!("{RESOURCES}{SECRET}{parts}"),
            format!("Trying to retrieve secret with value {HUB}:k resulted in error: {parts}"),
        ),
        row(
            "several failures",
            |stage| {
                let arn = stage.secret("hub", r#"{"a":1}"#);
                with_secrets(&[
                    &format!("{arn}:k::"),
                    &format!("{arn}:l::"),
                    &arn.replace("secret:hub", "secret:none"),
                ])
            },
            format!("{RESOURCES}{SECRET}r{no_key}"),
            format!(
                "R{no_key};retrieved secret from Secrets Manager did not contain json key l;{}",
                no_secret(&HUB.replace("hub", "none"))
            ),
        ),
    ]
}

fn parameter_rows() -> Vec<Row> {
    let agent = "Fetching secret data from SSM Parameter Store in us-east-1: ";
    let no = denied("ssm:GetParameters", "arn:aws:ssm:us-east-1:111122223333:parameter/p");
    vec![
        row(
            "no such parameters",
            |_| with_secrets(&["a", "/b/c"]),
            format!("{RESOURCES}{PARAMETER}invalid parameters: a,/b/c"),
            format!("{agent}invalid parameters: a,/b/c"),
        ),
        row(
            "no permission for a parameter",
            |stage| {
                put_parameter(stage, "p", "x");
                stage.policy("launch", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
                with_secrets(&["p"])
            },
            format!("{RESOURCES}{PARAMETER}{no}{STATUS}"),
            format!("{agent}operation error SSM: GetParameters, {ANSWERED}api error {no}"),
        ),
    ]
}

fn other_rows() -> Vec<Row> {
    let group = "ResourceNotFoundException: The specified log group does not exist.";
    let cannot = |role: &str| {
        format!(
            "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being passed \
         has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
        )
    };
    let no = denied("ecr:GetAuthorizationToken", "*");
    vec![
        row(
            "no log group",
            |_| with_logs(),
            format!("{LOGS}stream: {group} : exit status 1"),
            format!("{DAEMON}stream: operation error CloudWatch Logs: CreateLogStream, {ANSWERED}{group}"),
        ),
        row(
            "a role that trusts another service",
            |stage| {
                stage.trust(&stage::TRUST.replace("ecs-tasks", "ec2"));
                with_credential("hub")
            },
            cannot(ROLE),
            cannot(ROLE),
        ),
        row(
            "no permission for ECR's token",
            |stage| {
                stage.policy("launch", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
                stage::definition(
                    &json!([{"name": "app", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1"}]),
                )
            },
            format!("{RESOURCES}{TOKEN}{no}{STATUS}"),
            format!(
                "CannotPullECRContainerError: operation error ECR: GetAuthorizationToken, {ANSWERED}api error {no}"
            ),
        ),
    ]
}

#[test]
fn every_row_has_its_text() {
    let rows = registry_rows().into_iter().chain(secret_rows()).chain(parameter_rows()).chain(other_rows());
    let mut different = Vec::new();
    for Row { name, definition, fargate, agent } in rows {
        for (launch, expected) in
            [(LaunchKind::Fargate, &fargate), (LaunchKind::Ec2, &agent), (LaunchKind::External, &agent)]
        {
            let stage = Stage::new();
            stage.allow(EVERYTHING);
            let execution = run(&stage, &definition(&stage), launch);
            let said = suffix_hidden(&ids_hidden(reason(&execution)));
            if said != *expected {
                different.push(format!("{name}, {launch:?}\n  said     {said}\n  expected {expected}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
