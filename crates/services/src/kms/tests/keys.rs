//! Keys from their making to their end, and what they encrypt.

use super::*;
use crate::kms::reconcile;
use crate::kms::record::KEYS;

const DAY: i64 = 86_400;

#[test]
fn a_new_key_is_described() {
    let fixture = Fixture::new();
    let input = api::CreateKeyRequest {
        description: Some("d".into()),
        tags: Some(vec![api::Tag { tag_key: "team".into(), tag_value: "a".into() }]),
        ..Default::default()
    };
    let made = fixture.root::<api::CreateKey>(input).key_metadata.unwrap();
    assert_eq!(made, fixture.describe(&made.key_id));
    assert_eq!(made.arn, Some(format!("arn:aws:kms:us-east-1:111122223333:key/{}", made.key_id)));
    assert_eq!(made.key_state, Some("Enabled".into()));
    assert_eq!((made.enabled, made.multi_region), (Some(true), Some(false)));
    let policy = fixture.root::<api::GetKeyPolicy>(api::GetKeyPolicyRequest {
        key_id: made.key_id.clone(),
        policy_name: None,
    });
    assert!(policy.policy.unwrap().contains(r#""Sid":"Enable IAM User Permissions""#));
    let tags = api::ListResourceTagsRequest { key_id: made.key_id, ..Default::default() };
    assert_eq!(fixture.root::<api::ListResourceTags>(tags).tags.unwrap().len(), 1);
}

#[test]
fn every_name_of_a_key_leads_to_it() {
    let fixture = Fixture::new();
    let arn = fixture.key();
    fixture.alias("alias/app", &arn);
    let id = arn.rsplit('/').next().unwrap();
    for name in [id, arn.as_str(), "alias/app", "arn:aws:kms:us-east-1:111122223333:alias/app"] {
        let ciphertext = fixture.encrypt(name, "v");
        let read = fixture.root::<api::Decrypt>(decrypt(&ciphertext));
        assert_eq!((text(&read).as_str(), read.key_id.as_deref()), ("v", Some(arn.as_str())));
        let named = api::DecryptRequest { key_id: Some(name.to_owned()), ..decrypt(&ciphertext) };
        assert_eq!(text(&fixture.root::<api::Decrypt>(named)), "v");
    }
}

#[test]
fn data_keys_come_back() {
    let fixture = Fixture::new();
    let key = fixture.key();
    for (spec, bytes, length) in
        [(Some("AES_256"), None, 32), (Some("AES_128"), None, 16), (None, Some(64), 64)]
    {
        let input = api::GenerateDataKeyRequest {
            key_id: key.clone(),
            key_spec: spec.map(Into::into),
            number_of_bytes: bytes,
            encryption_context: context(&[("a", "b")]),
            ..Default::default()
        };
        let made = fixture.root::<api::GenerateDataKey>(input);
        let sealed = made.ciphertext_blob.unwrap().0;
        let input = api::DecryptRequest { encryption_context: context(&[("a", "b")]), ..decrypt(&sealed) };
        let read = fixture.root::<api::Decrypt>(input).plaintext.unwrap();
        assert_eq!(read.expose().len(), length);
        assert_eq!(Some(read), made.plaintext);
    }
}

#[test]
fn rotation_leaves_old_ciphertexts_readable() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let old = fixture.encrypt(&key, "old");
    let first = fixture.describe(&key).current_key_material_id;
    fixture.root::<api::RotateKeyOnDemand>(api::RotateKeyOnDemandRequest { key_id: key.clone() });
    let new = fixture.encrypt(&key, "new");
    assert_ne!(fixture.describe(&key).current_key_material_id, first);
    let read = fixture.root::<api::Decrypt>(decrypt(&old));
    assert_eq!((text(&read).as_str(), read.key_material_id), ("old", first));
    assert_eq!(text(&fixture.root::<api::Decrypt>(decrypt(&new))), "new");
    let enable = api::EnableKeyRotationRequest { key_id: key.clone(), rotation_period_in_days: Some(90) };
    fixture.root::<api::EnableKeyRotation>(enable);
    fixture.0.clock.advance_seconds(91 * DAY);
    assert_eq!(reconcile(fixture.0.call.installation()).unwrap(), 1);
    assert_eq!(reconcile(fixture.0.call.installation()).unwrap(), 0);
    let rotations = fixture.root::<api::ListKeyRotations>(api::ListKeyRotationsRequest {
        key_id: key.clone(),
        ..Default::default()
    });
    let kinds: Vec<_> =
        rotations.rotations.unwrap().into_iter().map(|it| it.rotation_type.unwrap().to_string()).collect();
    assert_eq!(kinds, ["ON_DEMAND", "AUTOMATIC"]);
    assert_eq!(text(&fixture.root::<api::Decrypt>(decrypt(&old))), "old");
    let status = fixture.root::<api::GetKeyRotationStatus>(api::GetKeyRotationStatusRequest { key_id: key });
    assert_eq!((status.key_rotation_enabled, status.rotation_period_in_days), (Some(true), Some(90)));
}

#[test]
fn deletion_waits_and_can_be_called_off() {
    let fixture = Fixture::new();
    let (kept, gone) = (fixture.key(), fixture.key());
    fixture.alias("alias/gone", &gone);
    for key in [&kept, &gone] {
        let answer = fixture.root::<api::ScheduleKeyDeletion>(schedule(key, 7));
        assert_eq!(answer.deletion_date, Some(START.plus_seconds(7 * DAY)));
    }
    fixture.root::<api::CancelKeyDeletion>(api::CancelKeyDeletionRequest { key_id: kept.clone() });
    assert_eq!(fixture.describe(&kept).key_state, Some("Disabled".into()));
    fixture.0.clock.advance_seconds(6 * DAY);
    assert_eq!(reconcile(fixture.0.call.installation()).unwrap(), 0);
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(reconcile(fixture.0.call.installation()).unwrap(), 1);
    let view = fixture.0.call.installation().store.view();
    assert_eq!(view.count(&KEYS, ()), 1);
    assert_eq!(aliases(&fixture, None).len(), 4);
}

/// All aliases, each with what it stands for, page by page.
fn aliases(fixture: &Fixture, key_id: Option<&str>) -> Vec<(String, Option<String>)> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let key_id = key_id.map(str::to_owned);
        let input = api::ListAliasesRequest { key_id, limit: Some(2), marker };
        let page = fixture.root::<api::ListAliases>(input);
        let entries = page.aliases.unwrap().into_iter();
        found.extend(entries.map(|entry| (entry.alias_name.unwrap(), entry.target_key_id)));
        marker = page.next_marker;
        if marker.is_none() {
            return found;
        }
    }
}

#[test]
fn aliases_of_services_are_there_before_their_keys() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let id = key.rsplit('/').next().unwrap();
    fixture.alias("alias/app", &key);
    fixture.alias("alias/aws-s3", &key);
    fixture.alias("alias/z", &key);
    let own = ["alias/app", "alias/aws-s3", "alias/z"].map(|name| (name.to_owned(), Some(id.to_owned())));
    assert_eq!(aliases(&fixture, Some(&key)), own);
    let services = ["ecr", "s3", "secretsmanager", "ssm"].map(|name| (format!("alias/aws/{name}"), None));
    let [app, like_a_service, z] = own;
    let mut all = vec![app, like_a_service];
    all.extend(services);
    all.push(z);
    assert_eq!(aliases(&fixture, None), all);
    // Who asks for the key makes it, once.
    let made = fixture.describe("alias/aws/s3");
    assert_eq!(made.key_manager, Some("AWS".into()));
    assert_eq!(fixture.describe("alias/aws/s3").arn, made.arn);
    assert_eq!(fixture.describe("arn:aws:kms:us-east-1:111122223333:alias/aws/s3").arn, made.arn);
    all[3].1 = Some(made.key_id);
    assert_eq!(aliases(&fixture, None), all);
}

#[test]
fn who_may_not_describe_a_key_does_not_make_it() {
    let fixture = Fixture::new();
    let user = fixture.user(&account(), "u", r#"{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}"#);
    let input = api::DescribeKeyRequest { key_id: "alias/aws/ssm".into(), ..Default::default() };
    assert_eq!(fixture.denied::<api::DescribeKey>(&user, input).0, "AccessDeniedException");
    let other = "arn:aws:kms:us-east-1:444455556666:alias/aws/ssm";
    let input = api::DescribeKeyRequest { key_id: other.into(), ..Default::default() };
    fixture.refused::<api::DescribeKey>(input);
    let input = api::DescribeKeyRequest { key_id: "alias/aws/none".into(), ..Default::default() };
    let (code, message) = fixture.refused::<api::DescribeKey>(input);
    assert_eq!(code, "NotFoundException");
    assert_eq!(message, "Alias arn:aws:kms:us-east-1:111122223333:alias/aws/none is not found.");
    assert_eq!(fixture.0.call.installation().store.view().count(&KEYS, ()), 0);
}

#[test]
fn an_alias_moves_only_to_a_key_of_its_kind() {
    let fixture = Fixture::new();
    let make = |spec: &str, usage: &str| {
        let input = api::CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some(usage.into()),
            ..Default::default()
        };
        fixture.root::<api::CreateKey>(input).key_metadata.unwrap().arn.unwrap()
    };
    let update =
        |key: &str| api::UpdateAliasRequest { alias_name: "alias/a".into(), target_key_id: key.into() };
    let (one, other) = (make("ECC_NIST_P256", "SIGN_VERIFY"), make("ECC_NIST_P384", "SIGN_VERIFY"));
    fixture.alias("alias/a", &one);
    fixture.root::<api::UpdateAlias>(update(&other));
    for key in [fixture.key(), make("HMAC_256", "GENERATE_VERIFY_MAC")] {
        let message =
            format!("alias/a cannot be moved from {other} to {key}: they differ in key type or key usage.");
        let refused = fixture.refused::<api::UpdateAlias>(update(&key));
        assert_eq!(refused, ("ValidationException".to_owned(), message));
    }
}

#[test]
fn re_encryption_changes_key_and_context() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.key(), fixture.key());
    let input = api::ReEncryptRequest {
        ciphertext_blob: Some(Blob(fixture.encrypt(&one, "v"))),
        destination_key_id: two.clone(),
        destination_encryption_context: context(&[("a", "b")]),
        ..Default::default()
    };
    let made = fixture.root::<api::ReEncrypt>(input.clone());
    assert_eq!((made.source_key_id, made.key_id), (Some(one), Some(two)));
    let sealed = made.ciphertext_blob.unwrap().0;
    assert_eq!(fixture.refused::<api::Decrypt>(decrypt(&sealed)).0, "InvalidCiphertextException");
    let read = api::DecryptRequest { encryption_context: context(&[("a", "b")]), ..decrypt(&sealed) };
    assert_eq!(text(&fixture.root::<api::Decrypt>(read)), "v");
    let from = r#"{"Effect":"Allow","Action":"kms:ReEncryptFrom","Resource":"*"}"#;
    let user = fixture.user(&account(), "u", from);
    assert!(fixture.denied::<api::ReEncrypt>(&user, input).1.contains("kms:ReEncryptTo"));
}

#[test]
fn lists_come_in_pages() {
    let fixture = Fixture::new();
    let mut made: Vec<_> = (0..5).map(|_| fixture.key()).collect();
    made.sort();
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let page = fixture.root::<api::ListKeys>(api::ListKeysRequest { limit: Some(2), marker });
        found.extend(page.keys.unwrap().into_iter().map(|key| key.key_arn.unwrap()));
        assert_eq!(page.truncated, Some(page.next_marker.is_some()));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(found, made);
    let bad = api::ListKeysRequest { limit: None, marker: Some("%".into()) };
    assert_eq!(fixture.refused::<api::ListKeys>(bad).0, "InvalidMarkerException");
}
