//! Who may: identity policies, resource policies, other accounts, conditions.

use super::*;
use crate::testing::nobody;

const READ: &str = r#"{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}"#;

fn read_by(principal: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*",
            "Principal":{{"AWS":"{principal}"}}}}"#
    )
}

#[test]
fn who_has_no_policy_learns_nothing() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let unsuffixed = arn.strip_suffix(&arn[arn.len() - 7..]).unwrap();
    let sentence = |action: &str, on: &str| {
        format!(
            "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: secretsmanager:{action}{on} \
             because no identity-based policy allows the secretsmanager:{action} action"
        )
    };
    // AWS writes the secret as the caller does, so that nobody learns whether it exists, or its suffix.
    let about = |action: &str, given: &str| sentence(action, &format!(" on resource: {given}"));
    let read = |given: &str| fixture.denied::<api::GetSecretValue>(&nobody(), get(given));
    let cases = [
        (read("a"), about("GetSecretValue", "a")),
        (read(&arn), about("GetSecretValue", &arn)),
        (read(unsuffixed), about("GetSecretValue", unsuffixed)),
        (read("missing"), about("GetSecretValue", "missing")),
        (fixture.denied::<api::DeleteSecret>(&nobody(), delete("missing")), about("DeleteSecret", "missing")),
        (fixture.denied::<api::CreateSecret>(&nobody(), create("a")), about("CreateSecret", "a")),
        (
            fixture.denied::<api::ListSecrets>(&nobody(), api::ListSecretsRequest::default()),
            sentence("ListSecrets", ""),
        ),
        (
            fixture.denied::<api::GetRandomPassword>(&nobody(), api::GetRandomPasswordRequest::default()),
            sentence("GetRandomPassword", ""),
        ),
    ];
    for ((code, message), expected) in cases {
        assert_eq!((code.as_str(), message), ("AccessDeniedException", expected));
    }
}

#[test]
fn policies_are_about_the_arn_with_suffix() {
    let fixture = Fixture::new();
    fixture.secret("app/db");
    let cases = [("app/db-??????", true), ("app/*", true), ("app/db", false), ("app/d-??????", false)];
    for (number, (pattern, allowed)) in cases.into_iter().enumerate() {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"secretsmanager:GetSecretValue",
                "Resource":"arn:aws:secretsmanager:us-east-1:111122223333:secret:{pattern}"}}"#
        );
        let user = fixture.user(&account(), &format!("u{number}"), &statement);
        assert_eq!(fixture.call::<api::GetSecretValue>(&user, get("app/db")).is_ok(), allowed, "{pattern}");
    }
}

#[test]
fn conditions_see_the_request_and_the_secret() {
    let fixture = Fixture::new();
    let tag = api::Tag { key: Some("team".into()), value: Some("red".into()) };
    let arn = fixture
        .root::<api::CreateSecret>(api::CreateSecretRequest { tags: Some(vec![tag]), ..create("a") })
        .arn
        .unwrap();
    fixture.put("a", 2);
    let cases = [
        ("secretsmanager:ResourceTag/team", "red", true),
        ("aws:ResourceTag/team", "red", true),
        ("aws:ResourceTag/team", "blue", false),
        ("secretsmanager:SecretId", arn.as_str(), true),
        ("secretsmanager:SecretId", "a", false),
        ("secretsmanager:VersionStage", "AWSCURRENT", true),
        ("secretsmanager:VersionStage", "AWSPREVIOUS", false),
    ];
    for (number, (key, value, allowed)) in cases.into_iter().enumerate() {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*",
                "Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}"#
        );
        let user = fixture.user(&account(), &format!("u{number}"), &statement);
        assert_eq!(fixture.call::<api::GetSecretValue>(&user, get("a")).is_ok(), allowed, "{key} {value}");
    }
    let statement = r#"{"Effect":"Allow","Action":"secretsmanager:DeleteSecret","Resource":"*",
        "Condition":{"NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":"14"}}}"#;
    let user = fixture.user(&account(), "deleter", statement);
    let window = |days| api::DeleteSecretRequest { recovery_window_in_days: days, ..delete("a") };
    assert_eq!(fixture.denied::<api::DeleteSecret>(&user, window(Some(13))).0, "AccessDeniedException");
    assert_eq!(fixture.denied::<api::DeleteSecret>(&user, window(None)).0, "AccessDeniedException");
    fixture.call::<api::DeleteSecret>(&user, window(Some(14))).unwrap();
}

/// Keys of tags of secrets differ by case, names of condition keys do not: such a pair matches neither of its values.
#[test]
fn tags_whose_keys_differ_in_case_alone_match_nothing() {
    let fixture = Fixture::new();
    let tag = |key: &str, value: &str| api::Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    let both = || Some(vec![tag("Team", "red"), tag("team", "blue"), tag("cost", "1")]);
    fixture.root::<api::CreateSecret>(api::CreateSecretRequest { tags: both(), ..create("a") });
    let user = |name: &str, key: &str, value: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*",
                "Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}"#
        );
        fixture.user(&account(), name, &statement)
    };
    let cases = [
        ("Team", "red", false),
        ("team", "red", false),
        ("Team", "blue", false),
        ("team", "blue", false),
        ("COST", "1", true),
    ];
    for (at, (key, value, allowed)) in cases.into_iter().enumerate() {
        let reader = user(&format!("r{at}"), &format!("aws:ResourceTag/{key}"), value);
        assert_eq!(fixture.call::<api::GetSecretValue>(&reader, get("a")).is_ok(), allowed, "{key} {value}");
        let maker = user(&format!("m{at}"), &format!("aws:RequestTag/{key}"), value);
        let input = api::CreateSecretRequest { tags: both(), ..create(&format!("s{at}")) };
        assert_eq!(fixture.call::<api::CreateSecret>(&maker, input).is_ok(), allowed, "{key} {value}");
    }
}

#[test]
fn tags_on_creation_need_their_own_permission() {
    let fixture = Fixture::new();
    let statement = r#"{"Effect":"Allow","Action":"secretsmanager:CreateSecret","Resource":"*"}"#;
    let user = fixture.user(&account(), "creator", statement);
    let tag = api::Tag { key: Some("team".into()), value: Some("red".into()) };
    let tagged = api::CreateSecretRequest { tags: Some(vec![tag]), ..create("a") };
    let (code, message) = fixture.denied::<api::CreateSecret>(&user, tagged);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("secretsmanager:TagResource"), "{message}");
    fixture.call::<api::CreateSecret>(&user, create("a")).unwrap();
}

#[test]
fn tags_are_set_and_taken_off() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let tag = |key: &str, value: &str| api::Tag { key: Some(key.into()), value: Some(value.into()) };
    let set = |tags| {
        fixture.root::<api::TagResource>(api::TagResourceRequest { secret_id: "a".into(), tags });
    };
    set(vec![tag("x", "1"), tag("y", "2")]);
    set(vec![tag("x", "3"), tag("z", "4")]);
    assert_eq!(fixture.describe("a").tags, Some(vec![tag("x", "3"), tag("y", "2"), tag("z", "4")]));
    let keys = vec!["x".to_owned(), "unknown".to_owned(), "z".to_owned()];
    fixture.root::<api::UntagResource>(api::UntagResourceRequest { secret_id: "a".into(), tag_keys: keys });
    assert_eq!(fixture.describe("a").tags, Some(vec![tag("y", "2")]));
}

#[test]
fn a_resource_policy_is_enough_in_its_own_account() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let statement = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}"#;
    let user = fixture.user(&account(), "reader", statement);
    assert_eq!(fixture.denied::<api::GetSecretValue>(&user, get("a")).0, "AccessDeniedException");
    fixture.put_policy("a", &read_by(&user.arn()));
    fixture.call::<api::GetSecretValue>(&user, get("a")).unwrap();
    let deny = r#"{"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"*","Principal":"*"}"#;
    fixture.put_policy("a", deny);
    let (_, message) = fixture.denied::<api::GetSecretValue>(&root(), get("a"));
    assert!(message.contains("with an explicit deny in a resource-based policy"), "{message}");
}

#[test]
fn a_policy_is_read_back_and_taken_off() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let id = || "a".to_owned();
    let current = || {
        fixture
            .root::<api::GetResourcePolicy>(api::GetResourcePolicyRequest { secret_id: id() })
            .resource_policy
    };
    assert_eq!(current(), None);
    let statement = read_by("444455556666");
    fixture.put_policy("a", &statement);
    assert_eq!(current(), Some(document(&statement)));
    for _ in 0..2 {
        fixture.root::<api::DeleteResourcePolicy>(api::DeleteResourcePolicyRequest { secret_id: id() });
        assert_eq!(current(), None);
    }
}

#[test]
fn another_account_needs_both_sides_and_a_key_of_the_customer() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let allowed = fixture.user(&other_account(), "allowed", READ);
    let bare = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}"#;
    let bare = fixture.user(&other_account(), "bare", bare);
    // By name it is the caller's own account that is looked in.
    assert_eq!(fixture.denied::<api::GetSecretValue>(&allowed, get("a")).0, "ResourceNotFoundException");
    let denied = fixture.denied::<api::GetSecretValue>(&allowed, get(&arn));
    assert_eq!(denied.0, "AccessDeniedException");
    assert!(denied.1.contains("no resource-based policy"), "{}", denied.1);
    // Whom the policy lets in only with the account is told of the policy, whom it names of the own ones.
    for (principal, named) in [("444455556666".to_owned(), "resource"), (bare.arn(), "identity")] {
        fixture.put_policy("a", &read_by(&principal));
        let denied = fixture.denied::<api::GetSecretValue>(&bare, get(&arn));
        assert_eq!(denied.0, "AccessDeniedException");
        assert!(denied.1.contains(&format!("no {named}-based policy")), "{}", denied.1);
    }
    fixture.put_policy("a", &read_by("444455556666"));
    let (code, message) = fixture.denied::<api::GetSecretValue>(&allowed, get(&arn));
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(
        message,
        "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS \
         service key."
    );
}

#[test]
fn what_is_no_value_may_be_seen_from_another_account() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let identity = r#"{"Effect":"Allow","Action":"secretsmanager:DescribeSecret","Resource":"*"}"#;
    let user = fixture.user(&other_account(), "viewer", identity);
    let statement = r#"{"Effect":"Allow","Action":"secretsmanager:DescribeSecret","Resource":"*",
        "Principal":{"AWS":"444455556666"}}"#;
    fixture.put_policy("a", statement);
    let described =
        fixture.call::<api::DescribeSecret>(&user, api::DescribeSecretRequest { secret_id: arn }).unwrap();
    assert_eq!(described.name.as_deref(), Some("a"));
}

#[test]
fn a_policy_binds_the_user_not_its_name() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let bare = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}"#;
    let user = fixture.user(&account(), "reader", bare);
    fixture.put_policy("a", &read_by(&user.arn()));
    let arn = user.principal.arn().unwrap().clone();
    let again = caller(Principal::user(arn, &account(), "AIDAREBORN"));
    assert_eq!(fixture.denied::<api::GetSecretValue>(&again, get("a")).0, "AccessDeniedException");
}

#[test]
fn public_policies_are_refused_when_asked() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let put = |statement: &str, block| api::PutResourcePolicyRequest {
        block_public_policy: block,
        ..policy("a", statement)
    };
    let public = read_by("*");
    let refused = fixture.refused::<api::PutResourcePolicy>(put(&public, Some(true)));
    assert_eq!(refused.0, "PublicPolicyException");
    assert!(fixture.row("a").unwrap().policy.is_none());
    fixture.root::<api::PutResourcePolicy>(put(&read_by("444455556666"), Some(true)));
    fixture.root::<api::PutResourcePolicy>(put(&public, Some(false)));
    let validate = |statement: &str| {
        let input = api::ValidateResourcePolicyRequest {
            secret_id: Some("a".into()),
            resource_policy: document(statement),
        };
        fixture.root::<api::ValidateResourcePolicy>(input)
    };
    assert_eq!(validate(&public).policy_validation_passed, Some(false));
    assert_eq!(validate(&public).validation_errors.unwrap().len(), 1);
    assert_eq!(validate(&read_by("444455556666")).policy_validation_passed, Some(true));
}

#[test]
fn a_batch_checks_each_secret() {
    let fixture = Fixture::new();
    fixture.secret("mine");
    fixture.secret("theirs");
    let statement = r#"[{"Effect":"Allow","Action":"secretsmanager:BatchGetSecretValue","Resource":"*"},
        {"Effect":"Allow","Action":"secretsmanager:GetSecretValue",
         "Resource":"arn:aws:secretsmanager:us-east-1:111122223333:secret:mine-??????"}]"#;
    let user = fixture.user(&account(), "batcher", statement);
    let input = api::BatchGetSecretValueRequest {
        secret_id_list: Some(vec!["mine".into(), "theirs".into()]),
        ..Default::default()
    };
    let answer = fixture.call::<api::BatchGetSecretValue>(&user, input.clone()).unwrap();
    assert_eq!(answer.secret_values.unwrap().len(), 1);
    let errors = answer.errors.unwrap();
    assert_eq!(errors[0].error_code.as_deref(), Some("AccessDeniedException"));
    let message = errors[0].message.as_deref().unwrap();
    assert!(message.contains("is not authorized to perform: secretsmanager:GetSecretValue"), "{message}");
    let reader = fixture.user(&account(), "reader", READ);
    assert_eq!(fixture.denied::<api::BatchGetSecretValue>(&reader, input).0, "AccessDeniedException");
    let filters = Some(vec![api::Filter { key: Some("name".into()), values: Some(vec!["m".into()]) }]);
    let filtered = api::BatchGetSecretValueRequest { filters, ..Default::default() };
    let (_, message) = fixture.denied::<api::BatchGetSecretValue>(&user, filtered);
    assert!(message.contains("secretsmanager:ListSecrets"), "{message}");
}

/// What a batch asks for each of its secrets is part of the fix for the batch.
#[test]
fn the_fix_of_a_batch_reads_its_secrets() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let ids = vec!["a".to_owned(), "missing".to_owned()];
    let input = api::BatchGetSecretValueRequest { secret_id_list: Some(ids), ..Default::default() };
    let outcome = fixture.0.call.call::<api::BatchGetSecretValue>(&nobody(), input);
    let fix = outcome.checks.last().unwrap().fix.clone().unwrap();
    let text = serde_json::to_string(&fix.steps).unwrap();
    assert!(fix.verified && text.contains("secretsmanager:BatchGetSecretValue"), "{text}");
    assert!(text.contains("secretsmanager:GetSecretValue") && text.contains(&arn), "{text}");
}
