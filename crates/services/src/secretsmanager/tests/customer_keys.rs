//! Secrets under a customer's key: the caller's permissions for the key decide, in one account and across two.

use landfall_api::kms;
use landfall_iam::Layer;

use super::*;
use crate::testing::TestInstallation;

const READ: &str = r#"{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}"#;
const DECRYPT: &str = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
const WRITE: &str = r#"{"Effect":"Allow","Action":["secretsmanager:CreateSecret","secretsmanager:PutSecretValue"],"Resource":"*"}"#;
const OWNER: &str =
    r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;

fn fixture() -> Fixture {
    Fixture(TestInstallation::new(&[OPERATIONS, crate::kms::OPERATIONS]))
}

fn key(fixture: &Fixture) -> String {
    fixture.root::<kms::CreateKey>(kms::CreateKeyRequest::default()).key_metadata.unwrap().arn.unwrap()
}

fn under(key: &str, name: &str) -> api::CreateSecretRequest {
    api::CreateSecretRequest { kms_key_id: Some(key.to_owned()), ..create(name) }
}

fn refusal() -> (String, String) {
    ("AccessDeniedException".to_owned(), "Access to KMS is not allowed".to_owned())
}

fn both(statements: &[&str]) -> String {
    format!("[{}]", statements.join(","))
}

#[test]
fn reading_needs_the_key() {
    let fixture = fixture();
    let key = key(&fixture);
    fixture.root::<api::CreateSecret>(under(&key, "a"));
    let reader = fixture.user(&account(), "reader", &both(&[READ, DECRYPT]));
    let poor = fixture.user(&account(), "poor", READ);
    assert_eq!(text(fixture.call::<api::GetSecretValue>(&reader, get("a")).unwrap().secret_string), "v1");
    assert_eq!(fixture.denied::<api::GetSecretValue>(&poor, get("a")), refusal());
    let outcome = fixture.0.call.call::<api::GetSecretValue>(&poor, get("a"));
    let actions: Vec<_> =
        outcome.checks.iter().map(|it| (it.action.as_str(), it.allowed, it.layer)).collect();
    let wanted =
        [("secretsmanager:GetSecretValue", true, Layer::Identity), ("kms:Decrypt", false, Layer::Identity)];
    assert_eq!(actions, wanted);
    assert_eq!(outcome.checks[1].resource, key);
}

#[test]
fn the_key_sees_service_and_context() {
    let fixture = fixture();
    let key = key(&fixture);
    let arn = fixture.root::<api::CreateSecret>(under(&key, "a")).arn.unwrap();
    let decrypt = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{key}","Condition":{{"StringEquals":{condition}}}}}"#
        )
    };
    let cases = [
        (r#"{"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}"#.to_owned(), true),
        (r#"{"kms:ViaService":"ssm.us-east-1.amazonaws.com"}"#.to_owned(), false),
        (format!(r#"{{"kms:EncryptionContext:SecretARN":"{arn}"}}"#), true),
        (format!(r#"{{"kms:EncryptionContext:SecretVersionId":"{}"}}"#, token(1)), true),
        (format!(r#"{{"kms:EncryptionContext:SecretVersionId":"{}"}}"#, token(2)), false),
        (r#"{"kms:EncryptionContextKeys":"SecretARN"}"#.to_owned(), false),
    ];
    for (number, (condition, allowed)) in cases.into_iter().enumerate() {
        let user = fixture.user(&account(), &format!("u{number}"), &both(&[READ, &decrypt(&condition)]));
        assert_eq!(fixture.call::<api::GetSecretValue>(&user, get("a")).is_ok(), allowed, "{condition}");
    }
}

#[test]
fn writing_needs_the_key() {
    let fixture = fixture();
    let key = key(&fixture);
    fixture.root::<api::CreateSecret>(under(&key, "a"));
    let generate = r#"{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"*"}"#;
    let cases = [
        (both(&[WRITE, generate, DECRYPT]), true),
        (both(&[WRITE, DECRYPT]), false),
        (both(&[WRITE, generate]), false),
    ];
    for (number, (statements, allowed)) in cases.into_iter().enumerate() {
        let user = fixture.user(&account(), &format!("u{number}"), &statements);
        let created = fixture.call::<api::CreateSecret>(&user, under(&key, &format!("s{number}")));
        let put = fixture.call::<api::PutSecretValue>(&user, put("a", 10));
        assert_eq!((created.is_ok(), put.is_ok()), (allowed, allowed), "{statements}");
    }
}

#[test]
fn states_of_the_key() {
    let fixture = fixture();
    let key = key(&fixture);
    fixture.root::<api::CreateSecret>(under(&key, "a"));
    let key_id = key.clone();
    fixture.root::<kms::DisableKey>(kms::DisableKeyRequest { key_id: key_id.clone() });
    assert_eq!(fixture.refused::<api::GetSecretValue>(get("a")).0, "DecryptionFailure");
    assert_eq!(fixture.refused::<api::PutSecretValue>(put("a", 2)).0, "EncryptionFailure");
    assert_eq!(fixture.refused::<api::CreateSecret>(under(&key, "b")).0, "EncryptionFailure");
    fixture.root::<kms::ScheduleKeyDeletion>(kms::ScheduleKeyDeletionRequest {
        key_id,
        pending_window_in_days: Some(7),
    });
    assert_eq!(fixture.refused::<api::GetSecretValue>(get("a")).0, "DecryptionFailure");
    fixture.0.clock.advance_seconds(days(8));
    crate::kms::reconcile(fixture.0.call.installation()).unwrap();
    assert_eq!(fixture.refused::<api::GetSecretValue>(get("a")), refusal());
}

#[test]
fn another_key_takes_over() {
    let fixture = fixture();
    let (one, two) = (key(&fixture), key(&fixture));
    fixture.secret("a");
    fixture.put("a", 2);
    let versions = |fixture: &Fixture| {
        let input = api::ListSecretVersionIdsRequest { secret_id: "a".into(), ..Default::default() };
        let listed = fixture.root::<api::ListSecretVersionIds>(input).versions.unwrap();
        listed.into_iter().flat_map(|version| version.kms_key_ids.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&fixture), ["DefaultEncryptionKey", "DefaultEncryptionKey"]);
    for key in [&one, &two] {
        let kms_key_id = Some(key.clone());
        fixture.root::<api::UpdateSecret>(api::UpdateSecretRequest {
            secret_id: "a".into(),
            kms_key_id,
            ..Default::default()
        });
        assert_eq!(versions(&fixture), [key.as_str(), key.as_str()]);
        assert_eq!(fixture.describe("a").kms_key_id.as_ref(), Some(key));
        assert_eq!(fixture.value("a"), "v2");
    }
    fixture.root::<kms::DisableKey>(kms::DisableKeyRequest { key_id: one });
    assert_eq!(fixture.value("a"), "v2");
    let kms_key_id = Some(String::new());
    fixture.root::<api::UpdateSecret>(api::UpdateSecretRequest {
        secret_id: "a".into(),
        kms_key_id,
        ..Default::default()
    });
    assert_eq!(versions(&fixture), ["DefaultEncryptionKey", "DefaultEncryptionKey"]);
    assert_eq!((fixture.describe("a").kms_key_id, fixture.value("a")), (None, "v2".to_owned()));
}

#[test]
fn across_accounts_each_of_the_four_is_needed() {
    let (secret, identity, key_policy, decrypt) = (true, true, true, true);
    let cases = [
        (secret, identity, key_policy, decrypt, None),
        (false, identity, key_policy, decrypt, Some("because no resource-based policy allows")),
        (secret, false, key_policy, decrypt, Some("because no identity-based policy allows")),
        (secret, identity, false, decrypt, Some("Access to KMS is not allowed")),
        (secret, identity, key_policy, false, Some("Access to KMS is not allowed")),
    ];
    for (number, (secret, identity, key_policy, decrypt, refused)) in cases.into_iter().enumerate() {
        let fixture = fixture();
        let nothing = r#"{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}"#;
        let statements =
            both(&[if identity { READ } else { nothing }, if decrypt { DECRYPT } else { nothing }]);
        let reader = fixture.user(&other_account(), "reader", &statements);
        let foreign =
            r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*"}"#;
        let policy = document(&if key_policy { both(&[OWNER, foreign]) } else { OWNER.to_owned() });
        let input = kms::CreateKeyRequest { policy: Some(policy), ..Default::default() };
        let key = fixture.root::<kms::CreateKey>(input).key_metadata.unwrap().arn.unwrap();
        let arn = fixture.root::<api::CreateSecret>(under(&key, "a")).arn.unwrap();
        if secret {
            fixture.put_policy(
                "a",
                r#"{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*",
                    "Principal":{"AWS":"arn:aws:iam::444455556666:user/reader"}}"#,
            );
        }
        let result = fixture.call::<api::GetSecretValue>(&reader, get(&arn));
        match (refused, result) {
            (None, Ok(read)) => assert_eq!(text(read.secret_string), "v1"),
            (Some(sentence), Err(error)) => {
                assert_eq!(error.code, "AccessDeniedException", "case {number}");
                assert!(error.message.contains(sentence), "case {number}: {}", error.message);
            }
            (_, result) => panic!("case {number}: {}", result.is_ok()),
        }
    }
}

#[test]
fn the_default_key_is_made_and_serves_its_service_only() {
    let fixture = fixture();
    fixture.secret("a");
    fixture.secret("b");
    let aliases = fixture.root::<kms::ListAliases>(kms::ListAliasesRequest::default()).aliases.unwrap();
    // The aliases of other services are there, without keys.
    let with_keys = aliases.iter().filter(|alias| alias.target_key_id.is_some());
    let names: Vec<_> = with_keys.map(|alias| alias.alias_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["alias/aws/secretsmanager"]);
    let input = kms::DescribeKeyRequest { key_id: "alias/aws/secretsmanager".into(), ..Default::default() };
    let described = fixture.root::<kms::DescribeKey>(input).key_metadata.unwrap();
    assert_eq!(described.key_manager, Some("AWS".into()));
    let input = kms::EncryptRequest {
        key_id: described.arn.clone().unwrap(),
        plaintext: Sensitive::new(b"v".to_vec()),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<kms::Encrypt>(input).0, "AccessDeniedException");
    let input = kms::ScheduleKeyDeletionRequest { key_id: described.key_id, ..Default::default() };
    assert_eq!(fixture.refused::<kms::ScheduleKeyDeletion>(input).0, "AccessDeniedException");
}
