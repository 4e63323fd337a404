//! AWS's codes and texts.

use super::*;

const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn pair(code: &str, message: impl Into<String>) -> (String, String) {
    (code.to_owned(), message.into())
}

#[test]
fn names_that_lead_nowhere() {
    let fixture = Fixture::new();
    let prefix = "arn:aws:kms:us-east-1:111122223333:";
    let cases = [
        (ID, format!("Key '{prefix}key/{ID}' does not exist")),
        ("x", "Invalid keyId 'x'".to_owned()),
        ("arn:aws:kms:eu-west-1:111122223333:key/x", "Invalid arn eu-west-1".to_owned()),
        ("alias/none", format!("Alias {prefix}alias/none is not found.")),
    ];
    for (key, message) in cases {
        assert_eq!(fixture.refused::<api::Encrypt>(encrypt(key, "v")), pair("NotFoundException", message));
    }
    fixture.alias("alias/app", &fixture.key());
    let management = fixture.refused::<api::DisableKey>(disable("alias/app"));
    assert_eq!(management, pair("NotFoundException", "Invalid keyId 'alias/app'"));
}

#[test]
fn states_refuse_use() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let ciphertext = fixture.encrypt(&key, "v");
    fixture.root::<api::DisableKey>(disable(&key));
    let disabled = pair("DisabledException", format!("{key} is disabled."));
    assert_eq!(fixture.refused::<api::Encrypt>(encrypt(&key, "v")), disabled);
    assert_eq!(fixture.refused::<api::Decrypt>(decrypt(&ciphertext)), disabled);
    let call_off = || api::CancelKeyDeletionRequest { key_id: key.clone() };
    let wanted = pair("KMSInvalidStateException", format!("{key} is not pending deletion."));
    assert_eq!(fixture.refused::<api::CancelKeyDeletion>(call_off()), wanted);
    fixture.root::<api::ScheduleKeyDeletion>(schedule(&key, 7));
    let pending = pair("KMSInvalidStateException", format!("{key} is pending deletion."));
    assert_eq!(fixture.refused::<api::Decrypt>(decrypt(&ciphertext)), pending);
    assert_eq!(fixture.refused::<api::DisableKey>(disable(&key)), pending);
    fixture.root::<api::CancelKeyDeletion>(call_off());
    fixture.root::<api::EnableKey>(api::EnableKeyRequest { key_id: key.clone() });
    assert_eq!(text(&fixture.root::<api::Decrypt>(decrypt(&ciphertext))), "v");
}

#[test]
fn ciphertexts_that_do_not_open() {
    let fixture = Fixture::new();
    let (key, other) = (fixture.key(), fixture.key());
    let ciphertext = fixture.encrypt(&key, "v");
    let invalid = pair("InvalidCiphertextException", "");
    assert_eq!(fixture.refused::<api::Decrypt>(decrypt(b"garbage")), invalid);
    let wrong = api::DecryptRequest { encryption_context: context(&[("a", "b")]), ..decrypt(&ciphertext) };
    assert_eq!(fixture.refused::<api::Decrypt>(wrong), invalid);
    for at in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[at] ^= 1;
        assert_eq!(fixture.refused::<api::Decrypt>(decrypt(&changed)), invalid, "byte {at}");
    }
    let named = api::DecryptRequest { key_id: Some(other), ..decrypt(&ciphertext) };
    let message = "The key ID in the request does not identify a CMK that can perform this operation.";
    assert_eq!(fixture.refused::<api::Decrypt>(named), pair("IncorrectKeyException", message));
}

#[test]
fn limits() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let long = fixture.refused::<api::Encrypt>(encrypt(&key, &"x".repeat(4097)));
    let message = "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have \
                   length less than or equal to 4096";
    assert_eq!(long, pair("ValidationException", message));
    for days in [6, 31] {
        assert_eq!(
            fixture.refused::<api::ScheduleKeyDeletion>(schedule(&key, days)).0,
            "ValidationException"
        );
    }
    let neither = api::GenerateDataKeyRequest { key_id: key.clone(), ..Default::default() };
    let message = "Please specify either number of bytes or key spec.";
    assert_eq!(fixture.refused::<api::GenerateDataKey>(neither), pair("ValidationException", message));
    let dry = api::EncryptRequest { dry_run: Some(true), ..encrypt(&key, "v") };
    let message = "The request would have succeeded, but the DryRun option is set.";
    assert_eq!(fixture.refused::<api::Encrypt>(dry), pair("DryRunOperationException", message));
}

#[test]
fn aliases() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let create = |name: &str| api::CreateAliasRequest { alias_name: name.into(), target_key_id: key.clone() };
    fixture.alias("alias/app", &key);
    let arn = "arn:aws:kms:us-east-1:111122223333:alias/app";
    let taken = pair("AlreadyExistsException", format!("An alias with the name {arn} already exists"));
    assert_eq!(fixture.refused::<api::CreateAlias>(create("alias/app")), taken);
    let (code, message) = fixture.refused::<api::CreateAlias>(create("app"));
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("Alias must start with the prefix \"alias/\". Please see "), "{message}");
    let reserved = fixture.refused::<api::CreateAlias>(create("alias/aws/x"));
    assert_eq!(reserved, pair("NotAuthorizedException", ""));
    let colon = fixture.refused::<api::CreateAlias>(create("alias/a:b"));
    assert_eq!(colon, pair("ValidationException", "alias/a:b contains invalid characters for an alias"));
    let to_alias = api::CreateAliasRequest { target_key_id: "alias/app".into(), ..create("alias/b") };
    let refused = fixture.refused::<api::CreateAlias>(to_alias);
    assert_eq!(refused, pair("ValidationException", "Aliases must refer to keys. Not aliases"));
    let delete = || api::DeleteAliasRequest { alias_name: "alias/app".into() };
    fixture.root::<api::DeleteAlias>(delete());
    let gone = pair("NotFoundException", format!("Alias {arn} is not found."));
    assert_eq!(fixture.refused::<api::DeleteAlias>(delete()), gone);
}

#[test]
fn tags() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let tag = |key: &str| api::Tag { tag_key: key.into(), tag_value: "v".into() };
    let many = (0..51).map(|number| tag(&format!("k{number}"))).collect();
    let cases = [
        (vec![tag("a"), tag("a")], "Duplicate tag keys"),
        (many, "Too many tags"),
        (vec![tag("aws:a")], "Tags beginning with aws: are reserved"),
    ];
    for (tags, message) in cases {
        let input = api::TagResourceRequest { key_id: key.clone(), tags };
        assert_eq!(fixture.refused::<api::TagResource>(input), pair("TagException", message));
    }
}

#[test]
fn policies() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let named = api::GetKeyPolicyRequest { key_id: key.clone(), policy_name: Some("other".into()) };
    assert_eq!(
        fixture.refused::<api::GetKeyPolicy>(named),
        pair("NotFoundException", "No such policy exists")
    );
    let put = |statement: &str| api::PutKeyPolicyRequest {
        key_id: key.clone(),
        policy: document(statement),
        ..Default::default()
    };
    let locked =
        r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}"#;
    let message = "The new key policy will not allow you to update the key policy in the future.";
    let wanted = pair("MalformedPolicyDocumentException", message);
    assert_eq!(fixture.refused::<api::PutKeyPolicy>(put(locked)), wanted);
    let unknown = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/none"},"Action":"kms:*","Resource":"*"}"#;
    assert_eq!(fixture.refused::<api::PutKeyPolicy>(put(unknown)).0, "MalformedPolicyDocumentException");
    let bypass = api::PutKeyPolicyRequest { bypass_policy_lockout_safety_check: Some(true), ..put(locked) };
    fixture.root::<api::PutKeyPolicy>(bypass);
    let again = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;
    assert_eq!(fixture.refused::<api::PutKeyPolicy>(put(again)).0, "AccessDeniedException");
}

#[test]
fn kinds_that_are_not_available() {
    let fixture = Fixture::new();
    let cases = [
        (
            api::CreateKeyRequest { key_spec: Some("SM2".into()), ..Default::default() },
            "UnsupportedOperationException",
        ),
        (
            api::CreateKeyRequest { multi_region: Some(true), ..Default::default() },
            "UnsupportedOperationException",
        ),
        (
            api::CreateKeyRequest { origin: Some("EXTERNAL".into()), ..Default::default() },
            "UnsupportedOperationException",
        ),
        (
            api::CreateKeyRequest { key_usage: Some("SIGN_VERIFY".into()), ..Default::default() },
            "ValidationException",
        ),
    ];
    for (input, code) in cases {
        assert_eq!(fixture.refused::<api::CreateKey>(input).0, code);
    }
}
