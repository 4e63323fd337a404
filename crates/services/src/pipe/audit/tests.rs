//! What is decided in the middle of an operation is in the audit log like what is decided before it.

use landfall_api::{ecr, iam, kms, logs, secretsmanager};
use serde_json::{Value, json};

use crate::pipe::{AuthMode, Caller};
use crate::s3::{get_object_for, tests as s3};
use crate::testing::{AuditLine, AuditLog, TestInstallation, account, caller, root};

fn installation() -> TestInstallation {
    TestInstallation::new(crate::TABLES)
}

/// A user `ci` with these statements.
fn user(it: &TestInstallation, statements: Value) -> Caller {
    let name = "ci".to_owned();
    let input = iam::CreateUserRequest { user_name: name.clone(), ..Default::default() };
    let made = it.call.call::<iam::CreateUser>(&root(), input).result.unwrap().user.unwrap();
    let policy_document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let input = iam::PutUserPolicyRequest { user_name: name, policy_name: "own".to_owned(), policy_document };
    it.call.call::<iam::PutUserPolicy>(&root(), input).result.unwrap();
    caller(landfall_iam::Principal::user(made.arn.parse().unwrap(), &account(), made.user_id))
}

fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

/// The decisions that refused: what was called, and principal, action, resource, layer and deciding statement.
fn refusals(log: &AuditLog) -> Vec<(String, Value)> {
    log.lines().iter().filter_map(refusal).collect()
}

fn refusal(line: &AuditLine) -> Option<(String, Value)> {
    let mut decision: Value = serde_json::from_str(line.get("decision")?).unwrap();
    assert_eq!(decision["action"], json!(line["refused"]));
    assert!(decision["message"].is_string() && decision["trace"].is_object(), "{decision}");
    assert!(decision["context"].as_array().unwrap().iter().any(|key| key[0] == "aws:CurrentTime"));
    let parts = ["principal", "action", "resource", "allowed", "layer", "deciding"];
    let kept = parts.map(|part| (part.to_owned(), decision[part].take()));
    Some((format!("{}:{}", line["service"], line["operation"]), Value::Object(kept.into_iter().collect())))
}

fn decided(principal: &str, action: &str, resource: &str, by: (&str, Value)) -> Value {
    let (layer, deciding) = by;
    json!({"principal": principal, "action": action, "resource": resource, "allowed": false, "layer": layer,
        "deciding": deciding})
}

const CI: &str = "arn:aws:iam::111122223333:user/ci";
const SILENT: (&str, Value) = ("identity", Value::Null);

#[test]
fn whether_a_missing_key_may_be_known_of() {
    let it = installation();
    s3::make_bucket(&it, "bucket");
    let ci = user(
        &it,
        json!([allow("s3:GetObject"),
        {"Sid": "Blind", "Effect": "Deny", "Action": "s3:ListBucket", "Resource": "*"}]),
    );
    let log = AuditLog::start();
    let outcome = get_object_for(it.call.installation(), &ci, "bucket", "no-such-key", 100);
    assert_eq!(outcome.result.unwrap_err().code, "AccessDenied");
    let by = ("identity", json!("policy own, statement 2 (Blind)"));
    let expected = decided(CI, "s3:ListBucket", "arn:aws:s3:::bucket", by);
    assert_eq!(refusals(&log), [("s3:GetObject".to_owned(), expected)]);
}

#[test]
fn each_secret_of_a_batch() {
    let it = installation();
    let mut arns = Vec::new();
    for name in ["a", "b"] {
        let input = secretsmanager::CreateSecretRequest {
            name: name.to_owned(),
            secret_string: Some("x".to_owned().into()),
            client_request_token: Some("0123456789abcdef0123456789abcdef".to_owned()),
            ..Default::default()
        };
        let made = it.call.call::<secretsmanager::CreateSecret>(&root(), input).result.unwrap();
        arns.push(made.arn.unwrap());
    }
    let ci = user(&it, json!([allow("secretsmanager:BatchGetSecretValue")]));
    let log = AuditLog::start();
    let input = secretsmanager::BatchGetSecretValueRequest {
        secret_id_list: Some(vec!["a".to_owned(), "b".to_owned()]),
        ..Default::default()
    };
    it.call.call::<secretsmanager::BatchGetSecretValue>(&ci, input).result.unwrap();
    let refused = |arn: &String| {
        let decision = decided(CI, "secretsmanager:GetSecretValue", arn, SILENT);
        ("secretsmanager:BatchGetSecretValue".to_owned(), decision)
    };
    assert_eq!(refusals(&log), arns.iter().map(refused).collect::<Vec<_>>());
}

#[test]
fn a_key_that_does_not_let_a_service_in() {
    let it = installation();
    let made = it.call.call::<kms::CreateKey>(&root(), kms::CreateKeyRequest::default()).result.unwrap();
    let key = made.key_metadata.unwrap().arn.unwrap();
    let log = AuditLog::start();
    let input = logs::CreateLogGroupRequest {
        log_group_name: "/ecs/app".to_owned(),
        kms_key_id: Some(key.clone()),
        ..Default::default()
    };
    it.call.call::<logs::CreateLogGroup>(&root(), input).result.unwrap_err();
    let service = "logs.us-east-1.amazonaws.com";
    let expected = decided(service, "kms:GenerateDataKey", &key, ("resource", Value::Null));
    assert_eq!(refusals(&log), [("logs:CreateLogGroup".to_owned(), expected)]);
}

/// Whether a policy would shut its author out is no decision about what the author does now.
#[test]
fn a_question_is_no_decision() {
    let it = installation();
    let create = ecr::CreateRepositoryRequest { repository_name: "app".to_owned(), ..Default::default() };
    it.call.call::<ecr::CreateRepository>(&root(), create).result.unwrap();
    let ci = user(&it, json!([allow("ecr:SetRepositoryPolicy")]));
    let log = AuditLog::start();
    let denied = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "ecr:SetRepositoryPolicy"}]});
    let input = ecr::SetRepositoryPolicyRequest {
        repository_name: "app".to_owned(),
        policy_text: denied.to_string(),
        ..Default::default()
    };
    let error = it.call.call::<ecr::SetRepositoryPolicy>(&ci, input).result.unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    assert_eq!(refusals(&log), []);
}

#[test]
fn what_is_not_enforced_is_written_too() {
    let it = TestInstallation::with_auth(crate::TABLES, AuthMode::Audit);
    s3::make_bucket(&it, "bucket");
    let ci = user(&it, json!([allow("s3:GetObject")]));
    let log = AuditLog::start();
    let outcome = get_object_for(it.call.installation(), &ci, "bucket", "no-such-key", 100);
    assert_eq!(outcome.result.unwrap_err().code, "NoSuchKey");
    let lines = log.lines();
    let expected = decided(CI, "s3:ListBucket", "arn:aws:s3:::bucket", SILENT);
    let refused: Vec<_> = lines.iter().filter_map(refusal).collect();
    assert_eq!(refused, [("s3:GetObject".to_owned(), expected)]);
    let passed = lines.iter().find(|line| line.get("message").is_some_and(|it| it == "would be refused"));
    let passed = passed.expect("it is said that enforcement would have refused");
    assert_eq!((&*passed["service"], &*passed["operation"]), ("s3", "GetObject"));
    assert!(passed["denied"].contains("is not authorized to perform: s3:ListBucket"));
}
