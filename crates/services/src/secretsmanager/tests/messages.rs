//! Codes and words of refusals.

use super::*;

const GONE: &str = "Secrets Manager can't find the specified secret.";

fn assert_refused(found: (String, String), code: &str, message: &str) {
    assert_eq!((found.0.as_str(), found.1.as_str()), (code, message));
}

#[test]
fn unknown_secrets_and_versions() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture
        .root::<api::CreateSecret>(api::CreateSecretRequest { name: "empty".into(), ..Default::default() });
    let not_found = "ResourceNotFoundException";
    assert_refused(fixture.refused::<api::GetSecretValue>(get("b")), not_found, GONE);
    assert_refused(fixture.refused::<api::PutSecretValue>(put("b", 1)), not_found, GONE);
    assert_refused(fixture.refused::<api::DeleteSecret>(delete("b")), not_found, GONE);
    let label = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    assert_refused(fixture.refused::<api::GetSecretValue>(get("empty")), not_found, label);
    let id = "Secrets Manager can't find the specified secret value for VersionId";
    let get_9 = api::GetSecretValueRequest { version_id: Some(token(9)), ..get("a") };
    assert_refused(fixture.refused::<api::GetSecretValue>(get_9), not_found, &format!("{id}: {}", token(9)));
    let disagree = api::GetSecretValueRequest {
        version_id: Some(token(1)),
        version_stage: Some("AWSPREVIOUS".into()),
        ..get("a")
    };
    assert_refused(
        fixture.refused::<api::GetSecretValue>(disagree),
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    );
}

#[test]
fn names_that_cannot_be() {
    let fixture = Fixture::new();
    let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: \
                   -/_+=.@!";
    assert_refused(fixture.refused::<api::CreateSecret>(create("a b")), "ValidationException", message);
    let with_key = format!("{}:password::", fixture.secret("a"));
    assert_refused(fixture.refused::<api::GetSecretValue>(get(&with_key)), "ValidationException", message);
}

#[test]
fn names_and_tokens_that_are_taken() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let other = api::CreateSecretRequest { client_request_token: Some(token(2)), ..create("a") };
    let exists = "The operation failed because the secret a already exists.";
    assert_refused(fixture.refused::<api::CreateSecret>(other), "ResourceExistsException", exists);
    let mut other = put("a", 1);
    other.secret_string = Some(Sensitive::from("other"));
    let taken = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {arn}.",
        token(1)
    );
    assert_refused(fixture.refused::<api::PutSecretValue>(other), "ResourceExistsException", &taken);
    let other = api::CreateSecretRequest {
        client_request_token: Some(token(1)),
        secret_string: Some(Sensitive::from("other")),
        ..create("a")
    };
    assert_refused(fixture.refused::<api::CreateSecret>(other), "ResourceExistsException", &taken);
}

#[test]
fn values_that_are_missing_or_too_much() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let nothing = api::PutSecretValueRequest { secret_string: None, ..put("a", 2) };
    assert_refused(
        fixture.refused::<api::PutSecretValue>(nothing),
        "InvalidRequestException",
        "You must provide either SecretString or SecretBinary.",
    );
    let both = api::PutSecretValueRequest { secret_binary: Some(Sensitive::new(vec![1])), ..put("a", 2) };
    assert_refused(
        fixture.refused::<api::PutSecretValue>(both),
        "InvalidParameterException",
        "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
    let no_token = api::PutSecretValueRequest { client_request_token: None, ..put("a", 2) };
    assert_refused(
        fixture.refused::<api::PutSecretValue>(no_token),
        "InvalidRequestException",
        "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
    );
    let mut long = put("a", 2);
    long.secret_string = Some(Sensitive::new("é".repeat(32_768)));
    fixture.root::<api::PutSecretValue>(long.clone());
    long.client_request_token = Some(token(3));
    long.secret_string = Some(Sensitive::new("é".repeat(32_769)));
    assert_eq!(fixture.refused::<api::PutSecretValue>(long).0, "ValidationException");
}

#[test]
fn deletion_options_that_contradict() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let cases = [
        (Some(6), None, "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."),
        (Some(31), Some(false), "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."),
        (
            Some(7),
            Some(true),
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ),
    ];
    for (window, force, message) in cases {
        let input = api::DeleteSecretRequest {
            recovery_window_in_days: window,
            force_delete_without_recovery: force,
            ..delete("a")
        };
        assert_refused(fixture.refused::<api::DeleteSecret>(input), "InvalidParameterException", message);
    }
}

#[test]
fn keys_that_do_not_exist() {
    let fixture = Fixture::new();
    let default = ["alias/aws/secretsmanager", "arn:aws:kms:us-east-1:111122223333:alias/aws/secretsmanager"];
    for (number, key) in default.into_iter().enumerate() {
        let input =
            api::CreateSecretRequest { kms_key_id: Some(key.into()), ..create(&format!("s{number}")) };
        fixture.root::<api::CreateSecret>(input);
        assert_eq!(fixture.describe(&format!("s{number}")).kms_key_id, None);
    }
    let id = "12345678-1234-1234-1234-123456789012";
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
    let cases = [
        ("my-key", "Invalid keyId 'my-key'".to_owned()),
        (id, format!("Key '{arn}' does not exist")),
        (arn.as_str(), format!("Key '{arn}' does not exist")),
        ("alias/mine", "Alias arn:aws:kms:us-east-1:111122223333:alias/mine is not found.".to_owned()),
        ("arn:aws:kms:us-west-2:111122223333:key/k", "Invalid arn us-west-2".to_owned()),
        (
            "arn:aws:kms:us-east-1:444455556666:alias/aws/secretsmanager",
            "Alias arn:aws:kms:us-east-1:444455556666:alias/aws/secretsmanager is not found.".to_owned(),
        ),
    ];
    for (key, reason) in cases {
        let message = format!("The operation failed because of an invalid KMS key: {reason}");
        let new = api::CreateSecretRequest { kms_key_id: Some(key.into()), ..create("new") };
        assert_refused(fixture.refused::<api::CreateSecret>(new), "InvalidParameterException", &message);
        let update = api::UpdateSecretRequest {
            secret_id: "s0".into(),
            kms_key_id: Some(key.into()),
            ..Default::default()
        };
        assert_refused(fixture.refused::<api::UpdateSecret>(update), "InvalidParameterException", &message);
    }
    assert!(fixture.row("new").is_none());
}

#[test]
fn what_the_installation_cannot_do_is_refused() {
    let fixture = Fixture::new();
    let typed = api::CreateSecretRequest { r#type: Some("Partner".into()), ..create("a") };
    assert_eq!(fixture.refused::<api::CreateSecret>(typed).0, "InvalidParameterException");
    fixture.secret("a");
    let rotate = api::RotateSecretRequest {
        secret_id: "a".into(),
        external_secret_rotation_role_arn: Some("arn:aws:iam::111122223333:role/r".to_owned()),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::RotateSecret>(rotate).0, "InvalidParameterException");
}

#[test]
fn policies_that_are_none() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let malformed = "MalformedPolicyDocumentException";
    let no_json = api::PutResourcePolicyRequest { resource_policy: "{".into(), ..policy("a", "[]") };
    let syntax = "This resource policy contains a syntax error.";
    assert_refused(fixture.refused::<api::PutResourcePolicy>(no_json), malformed, syntax);
    let stranger = r#"{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*",
        "Principal":{"AWS":"arn:aws:iam::111122223333:user/ghost"}}"#;
    let unsupported = "This resource policy contains an unsupported principal.";
    assert_refused(fixture.refused::<api::PutResourcePolicy>(policy("a", stranger)), malformed, unsupported);
}

#[test]
fn labels_that_cannot_move() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture.put("a", 2);
    let invalid = "InvalidParameterException";
    let holder_not_named = format!(
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version \
         {}, so you must explicitly reference that version in RemoveFromVersionId.",
        token(2)
    );
    let not_the_holder = "When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set \
                          to the version that currently has the staging label AWSCURRENT.";
    let removed = "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.";
    let unknown =
        format!("Secrets Manager can't find the specified secret value for VersionId: {}", token(7));
    let cases = [
        (None, Some(1), invalid, holder_not_named.as_str()),
        (Some(1), Some(1), invalid, not_the_holder),
        (Some(2), None, invalid, removed),
        (None, None, invalid, "You must provide MoveToVersionId or RemoveFromVersionId."),
        (Some(2), Some(7), "ResourceNotFoundException", unknown.as_str()),
    ];
    for (from, to, code, message) in cases {
        let input = api::UpdateSecretVersionStageRequest {
            secret_id: "a".into(),
            version_stage: "AWSCURRENT".into(),
            remove_from_version_id: from.map(token),
            move_to_version_id: to.map(token),
        };
        assert_refused(fixture.refused::<api::UpdateSecretVersionStage>(input), code, message);
    }
}

#[test]
fn tags_that_are_refused() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let tag = |key: &str| api::Tag { key: Some(key.into()), value: None };
    let many = (0..51).map(|number| tag(&format!("k{number}"))).collect();
    let cases = [
        (vec![tag("aws:x")], "InvalidParameterException"),
        (vec![tag("x"), tag("x")], "InvalidParameterException"),
        (vec![api::Tag::default()], "InvalidParameterException"),
        (many, "LimitExceededException"),
    ];
    for (tags, code) in cases {
        let input = api::TagResourceRequest { secret_id: "a".into(), tags };
        assert_eq!(fixture.refused::<api::TagResource>(input).0, code);
    }
}

#[test]
fn plaintext_is_not_in_debug() {
    let fixture = Fixture::new();
    let mut input = create("a");
    input.secret_string = Some(Sensitive::from("hunter2"));
    assert!(!format!("{input:?}").contains("hunter2"));
    fixture.root::<api::CreateSecret>(input);
    let row = fixture.row("a").unwrap();
    let view = fixture.0.call.installation().store.view();
    let versions = crate::secretsmanager::versions::list(&view, &(account(), region(), "a".into())).unwrap();
    assert_eq!(versions.len(), 1);
    let json = serde_json::to_string(&*versions[0].1).unwrap();
    let answer = fixture.root::<api::GetSecretValue>(get("a"));
    for text in [format!("{row:?}"), format!("{versions:?}"), json, format!("{answer:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(text(answer.secret_string), "hunter2");
}
