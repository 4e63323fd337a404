//! Fixes as they are printed: what is in them for whoever pastes them, all of them, in order.

use landfall_acs::{Fix, LaunchKind};
use landfall_api::{ecs as api, iam, secretsmanager as secrets};
use serde_json::{Value, json};

use super::execute::RoleToBe;
use super::log_tests::with_logs;
use super::stage::{self, ROLE, Stage};
use super::{TaskFacts, look, plan};
use crate::testing::root;

const GET: &str = "secretsmanager:GetSecretValue";
const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:";

/// Headlines and fixes of all that is found.
fn found(stage: &Stage, definition: &api::TaskDefinition) -> Vec<(String, Fix)> {
    let task = stage::task(definition, LaunchKind::Fargate);
    let looked =
        look(stage.it.call.calls(), &plan(&TaskFacts::from(&task), definition), &root(), RoleToBe::default());
    let findings = looked.steps.into_iter().filter_map(|step| step.finding);
    findings.map(|it| (it.headline, it.fix.unwrap())).collect()
}

fn fixes(stage: &Stage, definition: &api::TaskDefinition) -> Vec<Fix> {
    found(stage, definition).into_iter().map(|(_, fix)| fix).collect()
}

fn with_secrets(references: &[String]) -> api::TaskDefinition {
    let secrets: Vec<_> = references
        .iter()
        .enumerate()
        .map(|(at, it)| json!({"name": format!("V{at}"), "valueFrom": it}))
        .collect();
    stage::definition(&json!([{"name": "app", "image": "x", "secrets": secrets}]))
}

fn value_from(fix: &Fix) -> String {
    let document: Value = serde_json::from_str(&format!("{{{}}}", fix.document.as_ref().unwrap())).unwrap();
    document["valueFrom"].as_str().unwrap().to_owned()
}

fn put(stage: &Stage, id: &str, value: &str) {
    let input = secrets::PutSecretValueRequest {
        secret_id: id.to_owned(),
        secret_string: Some(value.into()),
        client_request_token: Some(landfall_base::random::uuid()),
        ..Default::default()
    };
    stage.call::<secrets::PutSecretValue>(&root(), input);
}

#[test]
fn the_key_alone_is_corrected_and_not_the_arn() {
    for (key, wanted) in [("Secret", "secret"), ("AWS", "aws"), ("ARN", "arn")] {
        let stage = Stage::new();
        stage.allow(&[GET]);
        let arn = stage.secret("hub", &json!({key: "hunter2"}).to_string());
        let fixes = fixes(&stage, &with_secrets(&[format!("{arn}:{wanted}:AWSCURRENT:")]));
        assert_eq!(value_from(&fixes[0]), format!("{arn}:{key}:AWSCURRENT:"));
    }
}

/// A version never gets another value: the reference has to let it go, and the current one has to have the key.
#[test]
fn a_version_is_not_mended() {
    for (now, command) in [
        (r#"{"token":"hunter2"}"#, None),
        (r#"{"user":"hunter2"}"#, Some(r#"',"token":"'"$v0"'"}'"#)),
        ("hunter2", Some(r#"--secret-string '{"token":"VALUE"}'"#)),
    ] {
        for before in [r#"{"a":"hunter1"}"#, "hunter1"] {
            let stage = Stage::new();
            stage.allow(&[GET]);
            let arn = stage.secret("hub", before);
            put(&stage, &arn, now);
            for reference in [":token:AWSPREVIOUS:", ":token:NOSTAGE:"] {
                let fixes = fixes(&stage, &with_secrets(&[format!("{arn}{reference}")]));
                assert_eq!(value_from(&fixes[0]), format!("{arn}:token::"), "{before} {now}");
                let shown = fixes[0].command.as_deref();
                assert_eq!(shown.is_some(), command.is_some(), "{before} {now}: {shown:?}");
                assert!(shown.unwrap_or_default().contains(command.unwrap_or_default()), "{shown:?}");
            }
        }
    }
}

/// What one command writes holds all that the task wants of the secret.
#[test]
fn a_secret_is_written_with_all_keys() {
    let both = r#"--secret-string '{"k1":"VALUE","k2":"VALUE"}'"#;
    for (value, expected) in [
        (Some("hunter2"), both),
        (Some(""), both),
        (Some(r#"{"a":"hunter2"}"#), r#"',"k1":"'"$v0"'","k2":"'"$v1"'"}'"#),
        (Some("{}"), r#"'"k1":"'"$v0"'","k2":"'"$v1"'"}'"#),
        (None, both),
    ] {
        let stage = Stage::new();
        stage.allow(&[GET]);
        let arn = value.map_or_else(|| format!("{ARN}hub"), |value| stage.secret("hub", value));
        let references = [format!("{arn}:k1::"), format!("{arn}:k2::")];
        let fixes = fixes(&stage, &with_secrets(&references));
        assert!(fixes[0].command.as_ref().unwrap().contains(expected), "{fixes:?}");
    }
}

/// Who reads one secret as a credential and for a key of it gets both, and no second `username`.
#[test]
fn a_credential_that_has_more_keys() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("hub", r#"{"user":"hunter1","password":"hunter2"}"#);
    let definition = stage::definition(&json!([{"name": "app", "image": "registry.example.com/app",
        "repositoryCredentials": {"credentialsParameter": arn},
        "secrets": [{"name": "V", "valueFrom": format!("{arn}:token::")}]}]));
    let commands: Vec<_> = fixes(&stage, &definition).into_iter().filter_map(|it| it.command).collect();
    assert!(commands[0].contains(r#"/"username"\1/"#) && !commands[0].contains("token"), "{commands:?}");
    assert!(commands[1].contains(r#"',"token":"'"$v0"'"}'"#), "{commands:?}");
    put(&stage, &arn, "hunter2");
    let anew = fixes(&stage, &definition)[0].command.clone().unwrap();
    assert!(anew.contains(r#"'{"username":"USER","password":"PASSWORD","token":"VALUE"}'"#), "{anew}");
}

/// An end like `-secret` belongs to the name, as far as one can tell.
#[test]
fn a_name_that_ends_like_an_arn() {
    let stage = Stage::new();
    let fixes = fixes(&stage, &with_secrets(&[format!("{ARN}db-secret")]));
    let grant = fixes[0].command.as_ref().unwrap();
    assert!(grant.contains(&format!(r#""Resource":["{ARN}db-secret","{ARN}db-secret-??????"]"#)), "{grant}");
    let create = fixes[1].command.as_ref().unwrap();
    assert!(create.contains("create-secret --name db-secret "), "{create}");
    assert_eq!(fixes[1].document, None);
    assert!(fixes[1].text.contains("of a secret `db`"), "{}", fixes[1].text);

    let other = stage.secret("db", "hunter2");
    let fixes = self::fixes(&stage, &with_secrets(&[format!("{ARN}db-secret")]));
    assert!(fixes[1].command.as_ref().unwrap().contains("--name db-secret "), "{fixes:?}");
    assert_eq!(fixes[1].document, None);
    assert!(
        fixes[1].text.contains(&format!(
            "or, if the secret `db` is meant, name that by its ARN: `\"valueFrom\": \"{other}\"`"
        )),
        "{}",
        fixes[1].text
    );
}

/// With the six characters, the grant is for the secret that is going to be named.
#[test]
fn an_arn_of_another_secret_of_the_name() {
    let stage = Stage::new();
    let definition = with_secrets(&[format!("{ARN}db-AbCdEf:k::")]);
    let fixes = fixes(&stage, &definition);
    assert!(fixes[0].command.as_ref().unwrap().contains(&format!("\"{ARN}db-??????\"")), "{fixes:?}");
    assert_eq!(value_from(&fixes[1]), format!("{ARN}db:k::"));
    let right = stage.secret("db", r#"{"k":"hunter2"}"#);
    let fixes = self::fixes(&stage, &definition);
    assert!(fixes[0].command.as_ref().unwrap().contains(&format!("\"{right}\"")), "{fixes:?}");
    assert_eq!(value_from(&fixes[1]), format!("{right}:k::"));
}

#[test]
fn a_task_role_gets_nothing_of_the_execution_role() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("hub", "hunter2");
    let mut definition = with_secrets(&[arn]);
    definition.task_role_arn = Some(ROLE.replace("exec", "task"));
    let fixes = fixes(&stage, &definition);
    let command = fixes[0].command.as_ref().unwrap();
    assert!(command.starts_with("aws iam create-role --role-name task "), "{command}");
    assert!(!command.contains("put-role-policy"), "{command}");
}

#[test]
fn a_boundary_names_no_stream_of_one_task() {
    let stage = Stage::new();
    stage.allow(&["logs:*"]);
    stage.log_group("/app");
    boundary(
        &stage,
        &json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}),
    );
    let fixes = fixes(&stage, &with_logs(false));
    let command = fixes[0].command.as_ref().unwrap();
    assert!(command.contains("create-policy-version") && !command.contains("log-stream"), "{command}");
    assert!(command.contains(r#""Action":["logs:CreateLogStream","logs:PutLogEvents"]"#), "{command}");
    assert!(command.contains(r#":log-group:/app:*""#), "{command}");
}

fn boundary(stage: &Stage, document: &Value) {
    let input = iam::CreatePolicyRequest {
        policy_name: "boundary".to_owned(),
        policy_document: document.to_string(),
        ..Default::default()
    };
    let boundary = stage.call::<iam::CreatePolicy>(&root(), input).policy.unwrap().arn.unwrap();
    let input = iam::PutRolePermissionsBoundaryRequest {
        role_name: "exec".to_owned(),
        permissions_boundary: boundary,
    };
    stage.call::<iam::PutRolePermissionsBoundary>(&root(), input);
}

/// One version of the policy, with all that it lacks; a customer's policy has five versions at most.
#[test]
fn a_boundary_is_written_once() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let secrets = ["a", "b"].map(|name| stage.secret(name, "hunter2"));
    boundary(
        &stage,
        &json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}),
    );
    let found = found(&stage, &with_secrets(&secrets));
    let (headline, first) = &found[0];
    let command = first.command.as_ref().unwrap();
    assert_eq!(command.lines().count(), 1, "{command}");
    for wanted in [&secrets[0], &secrets[1], "s3:*"] {
        assert!(command.contains(wanted) && first.document.as_ref().unwrap().contains(wanted), "{first:?}");
    }
    assert_eq!(
        found[1].1,
        Fix {
            verified: true,
            ..Fix::advice(format!(
                "in the permissions boundary; the commands under \"{headline}\" are for this, too"
            ))
        }
    );
}

/// What is taken out of one policy for two findings is taken out together; what denies nothing stays.
#[test]
fn statements_that_deny_are_removed_together() {
    let stage = Stage::new();
    stage.allow(&[GET, "logs:*"]);
    stage.log_group("/app");
    let secret = stage.secret("hub", "hunter2");
    let deny = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
    let mut definition = with_logs(false);
    let app = &mut definition.container_definitions.as_mut().unwrap()[0];
    app.secrets = with_secrets(&[secret]).container_definitions.unwrap()[0].secrets.take();
    for (more, expected) in [
        (
            Some(deny("s3:*")),
            r#"--policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","#,
        ),
        (None, "aws iam delete-role-policy --role-name exec --policy-name guard"),
    ] {
        let mut statements = vec![deny("secretsmanager:*"), deny("logs:CreateLogStream")];
        statements.extend(more);
        stage.policy("guard", &json!({"Version": "2012-10-17", "Statement": statements}).to_string());
        let fixes = fixes(&stage, &definition);
        assert!(fixes[0].command.as_ref().unwrap().contains(expected), "{fixes:?}");
        assert_eq!(fixes[1].command, None);
    }
}

#[test]
fn what_is_missing_is_made_once() {
    let stage = Stage::new();
    stage.allow(&["s3:*"]);
    let files: Vec<_> = ["a", "b"]
        .iter()
        .map(|key| json!({"value": format!("arn:aws:s3:::files/{key}.env"), "type": "s3"}))
        .collect();
    let definition = stage::definition(&json!([{"name": "app", "image": "x", "environmentFiles": files}]));
    let commands: Vec<_> = fixes(&stage, &definition).into_iter().filter_map(|it| it.command).collect();
    let all = commands.join("\n");
    for once in
        ["aws s3 mb s3://files ", "aws s3 cp FILE s3://files/a.env", "aws s3 cp FILE s3://files/b.env"]
    {
        assert_eq!(all.matches(once).count(), 1, "{all}");
    }
}
