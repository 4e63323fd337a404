use landfall_shape::ServiceError;
use serde_json::json;

use super::super::plan::{TaskFacts, plan};
use super::super::stage;
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
    for (id, name) in [
        ("arn:aws:secretsmanager:us-east-1:111122223333:secret:team/hub-AbCdEf", "team/hub"),
        ("arn:aws:secretsmanager:us-east-1:111122223333:secret:hub", "hub"),
        ("hub-AbCdEf", "hub-AbCdEf"),
    ] {
        assert_eq!(secret_name(id), name);
    }
}

#[test]
fn every_refusal_of_a_secret_has_a_remedy() {
    let definition = stage::definition(&json!([{"name": "app", "image": "x",
        "repositoryCredentials": {"credentialsParameter": "hub"}}]));
    let task = stage::task(&definition, landfall_acs::LaunchKind::Fargate);
    let plan = plan(&TaskFacts::from(&task), &definition);
    let of = || Circumstances { step: &plan.steps[1], role: None, policy: None, denied: None, mend: None };
    for (code, message, expected) in [
        ("AccessDeniedException", "Access to KMS is not allowed", "kms:Decrypt"),
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "create-secret"),
        ("InvalidRequestException", "… it was marked for deletion.", "restore-secret"),
        (
            "InvalidRequestException",
            "You can't access a secret from a different AWS account …",
            "customer managed key",
        ),
    ] {
        let problem = Problem::Refused(ServiceError::client(code, message));
        let text = advise(of(), &problem).fix.unwrap().line();
        assert!(text.contains(expected), "{text}");
    }
}
