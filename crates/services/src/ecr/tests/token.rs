//! Authorization tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::Sensitive;

use super::registry::{TokenError, token_caller};
use super::*;
use crate::testing::nobody;

const MAY: &str = r#"{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}"#;

fn password(fixture: &Fixture, caller: &Caller) -> Sensitive<String> {
    let answer = fixture.call::<api::GetAuthorizationToken>(caller, Default::default()).unwrap();
    let data = answer.authorization_data.unwrap().remove(0);
    assert_eq!(data.proxy_endpoint.as_deref(), Some("http://127.0.0.1:4566"));
    assert_eq!(data.expires_at, Some(fixture.0.call.installation().clock.now().plus_seconds(12 * 3600)));
    let text = String::from_utf8(STANDARD.decode(data.authorization_token.unwrap()).unwrap()).unwrap();
    let (user, password) = text.split_once(':').unwrap();
    assert_eq!(user, "AWS");
    assert!(!password.contains(':'));
    password.into()
}

fn who(fixture: &Fixture, password: &Sensitive<String>) -> Result<Caller, TokenError> {
    let installation = fixture.0.call.installation();
    token_caller(installation, &installation.store.view(), password)
}

#[test]
fn a_token_is_its_principal_for_twelve_hours() {
    let fixture = Fixture::new();
    let alice = fixture.user(&account(), "alice", Some(MAY));
    let password = password(&fixture, &alice);
    assert_eq!(who(&fixture, &password).unwrap().principal, alice.principal);
    fixture.0.clock.advance_seconds(12 * 3600 - 1);
    assert!(who(&fixture, &password).is_ok());
    fixture.0.clock.advance_seconds(1);
    assert!(matches!(who(&fixture, &password), Err(TokenError::Expired)));
}

#[test]
fn a_token_of_a_user_made_again_is_nobodys() {
    let fixture = Fixture::new();
    let alice = fixture.user(&account(), "alice", Some(MAY));
    let password = password(&fixture, &alice);
    let written = fixture.0.call.installation().store.write("again", |tx| {
        tx.update(&USERS, &(account(), "alice"), |user| user.id = "AIDAANOTHER".to_owned())
    });
    written.unwrap();
    assert!(matches!(who(&fixture, &password), Err(TokenError::Invalid)));
}

#[test]
fn changed_and_foreign_passwords_are_refused() {
    let fixture = Fixture::new();
    let good = password(&fixture, &root());
    let mut changed = good.expose().clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let foreign = password(&Fixture::new(), &root());
    for bad in
        [String::from_utf8(changed).unwrap(), foreign.expose().clone(), String::new(), "AWS".to_owned()]
    {
        assert!(matches!(who(&fixture, &bad.as_str().into()), Err(TokenError::Invalid)));
    }
}

#[test]
fn one_entry_for_each_registry_and_never_without_permission() {
    let fixture = Fixture::new();
    let input = api::GetAuthorizationTokenRequest {
        registry_ids: Some(vec![account().to_string(), other_account().to_string()]),
    };
    let answer = fixture.root::<api::GetAuthorizationToken>(input);
    assert_eq!(answer.authorization_data.unwrap().len(), 2);
    let (code, message) = fixture.denied::<api::GetAuthorizationToken>(&nobody(), Default::default());
    assert_eq!(code, "AccessDeniedException");
    assert!(message.ends_with(
        "is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows \
         the ecr:GetAuthorizationToken action"
    ), "{message}");
}
