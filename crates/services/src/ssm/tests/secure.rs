//! `SecureString` under the default key and a customer's; secrets by reference.

use landfall_api::{kms, secretsmanager};
use landfall_shape::Entries;

use super::*;

fn key(fixture: &Fixture) -> String {
    fixture.root::<kms::CreateKey>(Default::default()).key_metadata.unwrap().arn.unwrap()
}

fn encrypted(fixture: &Fixture, name: &str) -> String {
    let input = api::GetParameterRequest { name: name.to_owned(), with_decryption: None };
    fixture.root::<api::GetParameter>(input).parameter.unwrap().value.unwrap().into_exposed()
}

#[test]
fn the_default_key() {
    let fixture = Fixture::new();
    fixture.root::<api::PutParameter>(secure("x", "hidden"));
    assert_eq!(fixture.value("x"), "hidden");
    assert!(!encrypted(&fixture, "x").contains("hidden"));
    let shown = fixture.root::<api::DescribeParameters>(Default::default()).parameters.unwrap().remove(0);
    assert_eq!(shown.key_id.as_deref(), Some("alias/aws/ssm"));
    let alias = kms::DescribeKeyRequest { key_id: "alias/aws/ssm".to_owned(), ..Default::default() };
    fixture.root::<kms::DescribeKey>(alias);
    let store = &fixture.0.call.installation().store;
    let rows = format!("{:?}", store.view().list(&crate::ssm::record::VERSIONS, ()).unwrap());
    assert!(!rows.contains("hidden"));
}

#[test]
fn a_value_of_another_version_does_not_open() {
    let fixture = Fixture::new();
    fixture.root::<api::PutParameter>(secure("x", "one"));
    fixture
        .root::<api::PutParameter>(api::PutParameterRequest { overwrite: Some(true), ..secure("x", "two") });
    let store = &fixture.0.call.installation().store;
    let table = &crate::ssm::record::VERSIONS;
    let place = |number: u64| (account(), crate::testing::region(), "/x".to_owned(), number);
    let moved = store.write("move", |tx| {
        let old = tx.get(table, &place(1))?.unwrap();
        tx.put(table, &place(2), old);
        Ok::<_, StoreError>(())
    });
    moved.unwrap();
    assert_eq!(fixture.refused::<api::GetParameter>(get("x")).0, "InternalServerError");
}

#[test]
fn a_customers_key() {
    let fixture = Fixture::new();
    let key = key(&fixture);
    for tier in [api::ParameterTier::Standard, api::ParameterTier::Advanced] {
        let name = format!("/t/{tier}");
        let input = api::PutParameterRequest {
            key_id: Some(key.clone()),
            tier: Some(tier),
            ..secure(&name, "hidden")
        };
        fixture.root::<api::PutParameter>(input);
        assert_eq!(fixture.value(&name), "hidden");
    }
    // What KMS encrypted can be taken to KMS.
    let ciphertext = encrypted(&fixture, "/t/Standard");
    let ciphertext = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, ciphertext).unwrap();
    let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/t/Standard".to_owned();
    let context: Entries<String> = [("PARAMETER_ARN".to_owned(), arn)].into_iter().collect();
    let decrypt = kms::DecryptRequest {
        ciphertext_blob: Some(landfall_shape::Blob(ciphertext)),
        encryption_context: Some(context),
        ..Default::default()
    };
    assert_eq!(fixture.root::<kms::Decrypt>(decrypt).plaintext.unwrap().expose(), b"hidden");

    fixture.root::<kms::DisableKey>(kms::DisableKeyRequest { key_id: key.clone() });
    assert_eq!(
        fixture.refused::<api::GetParameter>(get("/t/Standard")),
        error("InvalidKeyId", &format!("{key} is disabled."))
    );
    let input = api::PutParameterRequest { key_id: Some("alias/none".to_owned()), ..secure("y", "v") };
    assert_eq!(
        fixture.refused::<api::PutParameter>(input),
        error("InvalidKeyId", "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found.")
    );
}

#[test]
fn a_customers_key_needs_its_permissions() {
    let fixture = Fixture::new();
    let key = key(&fixture);
    let put = |name: &str| api::PutParameterRequest { key_id: Some(key.clone()), ..secure(name, "v") };
    fixture.root::<api::PutParameter>(put("x"));
    let reader = fixture.user("reader", r#"{"Effect":"Allow","Action":"ssm:*","Resource":"*"}"#);
    let (code, message) = fixture.denied::<api::GetParameters>(&reader, gets(&["x"]));
    assert_eq!(code, "AccessDeniedException");
    assert!(
        message.contains(&format!("is not authorized to perform: kms:Decrypt on resource: {key}")),
        "{message}"
    );
    let (_, message) = fixture.denied::<api::PutParameter>(&reader, put("y"));
    assert!(message.contains("kms:Encrypt"), "{message}");
    let plain = api::GetParameterRequest { name: "x".to_owned(), with_decryption: Some(false) };
    fixture.call::<api::GetParameter>(&reader, plain).unwrap();
    let through = r#"[{"Effect":"Allow","Action":"ssm:*","Resource":"*"},{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
        "Condition":{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN":"arn:aws:ssm:us-east-1:111122223333:parameter/x"}}}]"#;
    let trusted = fixture.user("trusted", through);
    fixture.call::<api::GetParameters>(&trusted, gets(&["x"])).unwrap();
}

fn secret(fixture: &Fixture, value: &str, number: u32) {
    let token = Some(format!("{number:08}-0000-0000-0000-000000000000"));
    let exists = number > 1;
    if exists {
        fixture.root::<secretsmanager::PutSecretValue>(secretsmanager::PutSecretValueRequest {
            secret_id: "team/db".to_owned(),
            secret_string: Some(value.into()),
            client_request_token: token,
            ..Default::default()
        });
    } else {
        fixture.root::<secretsmanager::CreateSecret>(secretsmanager::CreateSecretRequest {
            name: "team/db".to_owned(),
            secret_string: Some(value.into()),
            client_request_token: token,
            ..Default::default()
        });
    }
}

#[test]
fn secrets_by_reference() {
    let fixture = Fixture::new();
    secret(&fixture, "first", 1);
    secret(&fixture, "second", 2);
    let name = "/aws/reference/secretsmanager/team/db";
    let read = fixture.get(name);
    assert_eq!(read.value.as_ref().unwrap().expose(), "second");
    assert_eq!((read.name.as_deref(), read.version), (Some(name), Some(0)));
    let source: serde_json::Value = serde_json::from_str(read.source_result.unwrap().expose()).unwrap();
    assert_eq!(source["SecretString"], "second");
    assert_eq!(source["VersionStages"], serde_json::json!(["AWSCURRENT"]));
    for selector in ["AWSPREVIOUS", "00000001-0000-0000-0000-000000000000"] {
        assert_eq!(fixture.value(&format!("{name}:{selector}")), "first", "{selector}");
    }
    let plain = api::GetParameterRequest { name: name.to_owned(), with_decryption: None };
    assert_eq!(
        fixture.refused::<api::GetParameter>(plain),
        error(
            "ValidationException",
            "WithDecryption flag must be True for retrieving a Secret Manager secret."
        )
    );
    assert_eq!(
        fixture.refused::<api::GetParameter>(get("/aws/reference/secretsmanager/none")),
        error(
            "ParameterNotFound",
            "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret /aws/reference/secretsmanager/none not found."
        )
    );
    let read = fixture.root::<api::GetParameters>(gets(&[name, "/aws/reference/secretsmanager/none"]));
    assert_eq!((read.parameters.unwrap().len(), read.invalid_parameters.unwrap().len()), (1, 1));
}

#[test]
fn a_reference_needs_both_permissions() {
    let fixture = Fixture::new();
    secret(&fixture, "first", 1);
    let name = "/aws/reference/secretsmanager/team/db";
    let half = fixture.user("half", r#"{"Effect":"Allow","Action":"ssm:*","Resource":"*"}"#);
    let (code, message) = fixture.denied::<api::GetParameters>(&half, gets(&[name]));
    assert_eq!(code, "AccessDeniedException");
    assert!(
        message.contains(
            "is not authorized to perform: secretsmanager:GetSecretValue on resource: team/db because"
        ),
        "{message}"
    );
    let whole = r#"[{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:us-east-1:111122223333:parameter/aws/reference/secretsmanager/team/*"},
        {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]"#;
    fixture.call::<api::GetParameters>(&fixture.user("whole", whole), gets(&[name])).unwrap();
}
