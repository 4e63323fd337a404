use landfall_shape::ServiceError;
use serde_json::json;

use super::super::plan::{TaskFacts, plan};
use super::super::stage;
use super::plain::Plain;
use super::secret::{is_same_secret, secret_names};
use super::*;

#[test]
fn words_are_quoted_for_a_shell() {
    for (text, expected) in [
        ("hub", "hub"),
        ("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's; rm", r"'it'\''s; rm'"),
    ] {
        assert_eq!(quote(text), expected);
    }
}

#[test]
fn a_secrets_name_is_its_arn_without_the_suffix() {
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:";
    for (id, likely, other) in [
        (format!("{arn}team/hub-AbCdEf"), "team/hub", None),
        (format!("{arn}team/hub-9bQd0f"), "team/hub", None),
        (format!("{arn}hub"), "hub", None),
        (format!("{arn}db-secret"), "db-secret", Some("db")),
        (format!("{arn}my-Secret"), "my-Secret", Some("my")),
        (format!("{arn}my-PROD01"), "my-PROD01", Some("my")),
        (format!("{arn}app-config-AbCdEf"), "app-config", None),
        ("hub-AbCdEf".to_owned(), "hub-AbCdEf", None),
    ] {
        let names = secret_names(&id);
        assert_eq!((names.likely, names.other), (likely, other), "{id}");
    }
}

#[test]
fn one_secret_can_be_named_with_and_without_the_suffix() {
    for (one, other, same) in [
        ("db", "db", true),
        ("db", "db-AbCdEf", true),
        ("db-AbCdEf", "db", true),
        ("db", "db-replica", false),
        ("db-AbCdEf", "db-GhIjKl", false),
    ] {
        assert_eq!(is_same_secret(one, other), same, "{one} {other}");
    }
}

#[test]
fn every_refusal_of_a_secret_has_a_remedy() {
    let definition = stage::definition(&json!([{"name": "app", "image": "x",
        "repositoryCredentials": {"credentialsParameter": "hub"}}]));
    let task = stage::task(&definition, landfall_acs::LaunchKind::Fargate);
    let plan = plan(&TaskFacts::from(&task), &definition);
    let plain = Plain::new();
    for (code, message, expected) in [
        ("AccessDeniedException", "Access to KMS is not allowed", "kms:Decrypt"),
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "create-secret"),
        ("InvalidRequestException", "… it was marked for deletion.", "restore-secret"),
        (
            "InvalidRequestException",
            "You can't access a secret from a different AWS account …",
            "--kms-key-id KEY",
        ),
    ] {
        let problem = Problem::Refused(ServiceError::client(code, message));
        let text = advise(plain.of(&plan.steps[1]), &problem).remedy.unwrap().fix().line();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_policy_loses_statements_and_keeps_the_rest() {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a"},{"Sid":"b"},{"Sid":"c"}]}"#;
    let kept = |places: &[usize]| super::policy::without(policy, &super::policy::statements(policy, places));
    assert_eq!(kept(&[0, 2]).as_deref(), Some(r#"{"Version":"2012-10-17","Statement":[{"Sid":"b"}]}"#));
    assert_eq!(kept(&[0, 1, 2]), None);
    assert_eq!(super::policy::without(r#"{"Statement":{"Sid":"a"}}"#, &[json!({"Sid": "a"})]), None);
    assert_eq!(super::policy::without("{", &[]), None);
}

#[test]
fn colons_of_a_reference_are_filled_in() {
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf";
    for (wrong, right) in [
        (format!("{arn}:key"), Some(format!(r#""valueFrom": "{arn}:key::""#))),
        (format!("{arn}:key:AWSCURRENT"), Some(format!(r#""valueFrom": "{arn}:key:AWSCURRENT:""#))),
        (format!("{arn}:a:b:c:d"), None),
    ] {
        assert_eq!(super::secret::malformed_arn(&wrong).document, right, "{wrong}");
    }
}
