//! The key policy as root of trust.

use super::*;
use crate::testing::nobody;

fn sentence(caller: &str, action: &str, key: &str, reason: &str) -> (String, String) {
    let message = format!(
        "User: {caller} is not authorized to perform: kms:{action} on resource: {key} because no {reason} policy allows \
         the kms:{action} action"
    );
    ("AccessDeniedException".to_owned(), message)
}

#[test]
fn the_default_policy_lets_iam_decide() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let allowed = fixture.user(&account(), "reader", DECRYPT);
    let refused = fixture.user(&account(), "other", NOTHING);
    let ciphertext = fixture.encrypt(&key, "v");
    assert_eq!(text(&fixture.call::<api::Decrypt>(&allowed, decrypt(&ciphertext)).unwrap()), "v");
    let wanted = sentence("arn:aws:iam::111122223333:user/other", "Decrypt", &key, "identity-based");
    assert_eq!(fixture.denied::<api::Decrypt>(&refused, decrypt(&ciphertext)), wanted);
    let wanted = sentence("arn:aws:iam::111122223333:user/reader", "Encrypt", &key, "identity-based");
    assert_eq!(fixture.denied::<api::Encrypt>(&allowed, encrypt(&key, "v")), wanted);
}

#[test]
fn without_delegation_iam_and_root_have_no_say() {
    let fixture = Fixture::new();
    let user = fixture.user(&account(), "named", NOTHING);
    let reader = fixture.user(&account(), "reader", DECRYPT);
    let key = fixture.key_with(
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/named"},
            "Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}"#,
    );
    let made = fixture.call::<api::Encrypt>(&user, encrypt(&key, "v")).unwrap();
    let ciphertext = made.ciphertext_blob.unwrap().0;
    let wanted = sentence("arn:aws:iam::111122223333:root", "Encrypt", &key, "resource-based");
    assert_eq!(fixture.refused::<api::Encrypt>(encrypt(&key, "v")), wanted);
    let named = api::DecryptRequest { key_id: Some(key.clone()), ..decrypt(&ciphertext) };
    let wanted = sentence("arn:aws:iam::111122223333:user/reader", "Decrypt", &key, "resource-based");
    assert_eq!(fixture.denied::<api::Decrypt>(&reader, named), wanted);
}

#[test]
fn a_ciphertext_does_not_tell_whose_it_is() {
    let fixture = Fixture::new();
    let user = fixture.user(&other_account(), "stranger", DECRYPT);
    let ciphertext = fixture.encrypt(&fixture.key(), "v");
    let gone = {
        let elsewhere = Fixture::new();
        elsewhere.encrypt(&elsewhere.key(), "v")
    };
    let message = "User: arn:aws:iam::444455556666:user/stranger is not authorized to perform: kms:Decrypt on the resource \
                   associated with this ciphertext because the resource does not exist in this Region, no resource-based \
                   policies allow access, or a resource-based policy explicitly denies access";
    for ciphertext in [ciphertext, gone] {
        let wanted = ("AccessDeniedException".to_owned(), message.to_owned());
        assert_eq!(fixture.denied::<api::Decrypt>(&user, decrypt(&ciphertext)), wanted);
    }
}

#[test]
fn across_accounts_both_sides_have_to_allow() {
    let fixture = Fixture::new();
    let reader =
        fixture.user(&other_account(), "reader", r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    let poor = fixture.user(&other_account(), "poor", NOTHING);
    let open = fixture.key_with(
        r#"[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:*","Resource":"*"}]"#,
    );
    let closed = fixture.key();
    let allowed =
        |caller: &Caller, key: &str| fixture.call::<api::Encrypt>(caller, encrypt(key, "v")).is_ok();
    assert!(allowed(&reader, &open));
    assert!(!allowed(&reader, &closed));
    assert!(!allowed(&poor, &open));
    // A ciphertext names no key; whose account the key lets in learns what its own policies lack.
    let ciphertext = fixture.encrypt(&open, "v");
    let (_, text) = fixture.denied::<api::Decrypt>(&poor, decrypt(&ciphertext));
    assert_eq!(
        text,
        "User: arn:aws:iam::444455556666:user/poor is not authorized to perform: kms:Decrypt on the resource associated with this \
         ciphertext because no identity-based policy allows the kms:Decrypt action"
    );
    // What does not work across accounts does not, whatever the policy says.
    assert_eq!(fixture.denied::<api::DisableKey>(&reader, disable(&open)).0, "AccessDeniedException");
    let id = open.rsplit('/').next().unwrap();
    let bare = fixture.denied::<api::Encrypt>(&reader, encrypt(id, "v"));
    assert_eq!(bare.1, format!("Key 'arn:aws:kms:us-east-1:444455556666:key/{id}' does not exist"));
}

#[test]
fn conditions_see_context_and_aliases() {
    let fixture = Fixture::new();
    let key = fixture.key();
    fixture.alias("alias/app", &key);
    let policy = |condition: &str| {
        format!(r#"{{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{key}","Condition":{condition}}}"#)
    };
    let cases = [
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"a"}}"#, true),
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"b"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["team"]}}"#, true),
        (r#"{"StringEquals":{"kms:RequestAlias":"alias/app"}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/app"}}"#, true),
        (r#"{"StringEquals":{"kms:CallerAccount":"111122223333","kms:KeySpec":"SYMMETRIC_DEFAULT"}}"#, true),
        (r#"{"Null":{"kms:ViaService":"false"}}"#, false),
    ];
    for (number, (condition, allowed)) in cases.into_iter().enumerate() {
        let user = fixture.user(&account(), &format!("u{number}"), &policy(condition));
        let input = api::EncryptRequest {
            encryption_context: context(&[("team", "a")]),
            ..encrypt("alias/app", "v")
        };
        assert_eq!(fixture.call::<api::Encrypt>(&user, input).is_ok(), allowed, "{condition}");
    }
}

#[test]
fn an_alias_as_resource_does_not_open_its_key() {
    let fixture = Fixture::new();
    fixture.alias("alias/app", &fixture.key());
    let statement = r#"{"Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:us-east-1:111122223333:alias/app"}"#;
    let user = fixture.user(&account(), "u", statement);
    assert_eq!(fixture.denied::<api::Encrypt>(&user, encrypt("alias/app", "v")).0, "AccessDeniedException");
}

#[test]
fn aliases_need_both_alias_and_key() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let on = |resource: &str| {
        format!(r#"{{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"{resource}"}}"#)
    };
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/a";
    let cases = [(on(alias), false), (on(&key), false), (format!("[{},{}]", on(alias), on(&key)), true)];
    for (number, (statement, allowed)) in cases.into_iter().enumerate() {
        let user = fixture.user(&account(), &format!("u{number}"), &statement);
        let input = api::CreateAliasRequest { alias_name: "alias/a".into(), target_key_id: key.clone() };
        assert_eq!(fixture.call::<api::CreateAlias>(&user, input).is_ok(), allowed, "{statement}");
    }
}

#[test]
fn who_has_no_policy_learns_nothing() {
    let fixture = Fixture::new();
    let missing = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for key in [missing.to_owned(), fixture.key()] {
        let input = api::DescribeKeyRequest { key_id: key.clone(), ..Default::default() };
        let wanted = sentence("arn:aws:iam::111122223333:user/nobody", "DescribeKey", &key, "identity-based");
        assert_eq!(fixture.denied::<api::DescribeKey>(&nobody(), input), wanted);
    }
    let list = fixture.denied::<api::ListKeys>(&nobody(), api::ListKeysRequest::default());
    assert_eq!(list, sentence("arn:aws:iam::111122223333:user/nobody", "ListKeys", "*", "identity-based"));
}
