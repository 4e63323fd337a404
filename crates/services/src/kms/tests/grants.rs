//! Grants.

use super::*;

fn grant(key: &str, grantee: &str, operations: &[&str]) -> api::CreateGrantRequest {
    api::CreateGrantRequest {
        key_id: key.to_owned(),
        grantee_principal: grantee.to_owned(),
        operations: operations.iter().map(|name| (*name).into()).collect(),
        ..Default::default()
    }
}

const USER: &str = "arn:aws:iam::444455556666:user/guest";

fn fixture() -> (Fixture, Caller, String) {
    let fixture = Fixture::new();
    let guest = fixture.user(&other_account(), "guest", NOTHING);
    let key = fixture.key();
    (fixture, guest, key)
}

#[test]
fn a_grant_lets_in_and_its_end_shuts_out() {
    let (fixture, guest, key) = fixture();
    let ciphertext = fixture.encrypt(&key, "v");
    assert_eq!(fixture.denied::<api::Decrypt>(&guest, decrypt(&ciphertext)).0, "AccessDeniedException");
    let made = fixture.root::<api::CreateGrant>(grant(&key, USER, &["Decrypt"]));
    assert_eq!(text(&fixture.call::<api::Decrypt>(&guest, decrypt(&ciphertext)).unwrap()), "v");
    assert_eq!(fixture.denied::<api::Encrypt>(&guest, encrypt(&key, "v")).0, "AccessDeniedException");
    let list = api::ListGrantsRequest { key_id: key.clone(), ..Default::default() };
    let listed = fixture.root::<api::ListGrants>(list).grants.unwrap();
    assert_eq!(listed[0].grantee_principal.as_deref(), Some(USER));
    let revoke =
        api::RevokeGrantRequest { key_id: key, grant_id: made.grant_id.unwrap(), ..Default::default() };
    fixture.root::<api::RevokeGrant>(revoke.clone());
    assert_eq!(fixture.denied::<api::Decrypt>(&guest, decrypt(&ciphertext)).0, "AccessDeniedException");
    assert_eq!(fixture.refused::<api::RevokeGrant>(revoke).0, "NotFoundException");
}

#[test]
fn a_grant_is_not_for_who_is_made_again_under_the_name() {
    let (fixture, guest, key) = fixture();
    let ciphertext = fixture.encrypt(&key, "v");
    fixture.root::<api::CreateGrant>(api::CreateGrantRequest {
        retiring_principal: Some(USER.to_owned()),
        ..grant(&key, USER, &["Decrypt"])
    });
    assert!(fixture.call::<api::Decrypt>(&guest, decrypt(&ciphertext)).is_ok());
    let store = &fixture.0.call.installation().store;
    let renamed = store.write("again", |tx| {
        tx.update(&USERS, &(other_account(), "guest"), |user| user.id = "AIDAAGAIN".to_owned())
    });
    renamed.unwrap();
    let again = caller(Principal::user(USER.parse().unwrap(), &other_account(), "AIDAAGAIN"));
    assert_eq!(fixture.denied::<api::Decrypt>(&again, decrypt(&ciphertext)).0, "AccessDeniedException");
    let list = api::ListGrantsRequest { key_id: key.clone(), ..Default::default() };
    let listed = fixture.root::<api::ListGrants>(list).grants.unwrap().remove(0);
    assert_eq!(listed.grantee_principal.as_deref(), Some("AIDAGUEST"));
    assert_eq!(listed.retiring_principal.as_deref(), Some("AIDAGUEST"));
    let retire =
        api::RetireGrantRequest { key_id: Some(key), grant_id: listed.grant_id, ..Default::default() };
    assert_eq!(fixture.denied::<api::RetireGrant>(&again, retire).0, "AccessDeniedException");
}

#[test]
fn a_constraint_is_about_the_context() {
    let (fixture, guest, key) = fixture();
    let constraints =
        api::GrantConstraints { encryption_context_subset: context(&[("a", "b")]), ..Default::default() };
    let input = api::CreateGrantRequest { constraints: Some(constraints), ..grant(&key, USER, &["Encrypt"]) };
    fixture.root::<api::CreateGrant>(input);
    let cases: [(&[(&str, &str)], bool); 3] =
        [(&[("a", "b"), ("c", "d")], true), (&[("a", "B")], false), (&[], false)];
    for (pairs, allowed) in cases {
        let input = api::EncryptRequest { encryption_context: context(pairs), ..encrypt(&key, "v") };
        assert_eq!(fixture.call::<api::Encrypt>(&guest, input).is_ok(), allowed, "{pairs:?}");
    }
}

/// Keys of an encryption context differ by case, though names of condition keys do not.
#[test]
fn a_constraint_tells_keys_that_differ_in_case_apart() {
    use api::GrantConstraints as Constraints;
    type Pairs = &'static [(&'static str, &'static str)];
    let (fixture, guest, key) = fixture();
    let equals = |pairs| Constraints { encryption_context_equals: context(pairs), ..Default::default() };
    let subset = |pairs| Constraints { encryption_context_subset: context(pairs), ..Default::default() };
    let both: Pairs = &[("A", "2"), ("a", "1")];
    let cases: [(Constraints, Pairs, bool); 7] = [
        (equals(&[("a", "1")]), &[("a", "1")], true),
        (equals(&[("a", "1")]), both, false),
        (equals(&[("a", "1")]), &[("A", "1")], false),
        (equals(both), both, true),
        (subset(&[("A", "2")]), both, true),
        (subset(&[("a", "1")]), both, true),
        (subset(&[("a", "2")]), both, false),
    ];
    for (constraints, pairs, allowed) in cases {
        let text = format!("{constraints:?} {pairs:?}");
        let made = fixture.root::<api::CreateGrant>(api::CreateGrantRequest {
            constraints: Some(constraints),
            ..grant(&key, USER, &["Encrypt"])
        });
        let input = api::EncryptRequest { encryption_context: context(pairs), ..encrypt(&key, "v") };
        assert_eq!(fixture.call::<api::Encrypt>(&guest, input).is_ok(), allowed, "{text}");
        let (key_id, grant_id) = (key.clone(), made.grant_id.unwrap());
        fixture.root::<api::RevokeGrant>(api::RevokeGrantRequest { key_id, grant_id, ..Default::default() });
    }
}

#[test]
fn grants_pass_on_only_what_they_have() {
    let (fixture, guest, key) = fixture();
    fixture.root::<api::CreateGrant>(grant(&key, USER, &["CreateGrant", "Decrypt"]));
    let own = "arn:aws:iam::444455556666:root";
    assert!(fixture.call::<api::CreateGrant>(&guest, grant(&key, own, &["Decrypt"])).is_ok());
    let wider = fixture.denied::<api::CreateGrant>(&guest, grant(&key, own, &["Encrypt"]));
    assert_eq!(wider.0, "AccessDeniedException");
}

#[test]
fn who_may_retire_retires() {
    let (fixture, guest, key) = fixture();
    let stranger = fixture.user(&account(), "stranger", NOTHING);
    let retiring = fixture.user(&account(), "retiring", NOTHING);
    let input = api::CreateGrantRequest {
        retiring_principal: Some("arn:aws:iam::111122223333:user/retiring".into()),
        ..grant(&key, USER, &["Decrypt"])
    };
    let token = fixture.root::<api::CreateGrant>(input).grant_token;
    let retire = api::RetireGrantRequest { grant_token: token, ..Default::default() };
    for caller in [&stranger, &guest] {
        assert_eq!(fixture.denied::<api::RetireGrant>(caller, retire.clone()).0, "AccessDeniedException");
    }
    let list = api::ListRetirableGrantsRequest {
        retiring_principal: "arn:aws:iam::111122223333:user/retiring".into(),
        ..Default::default()
    };
    assert_eq!(fixture.root::<api::ListRetirableGrants>(list).grants.unwrap().len(), 1);
    fixture.call::<api::RetireGrant>(&retiring, retire.clone()).unwrap();
    assert_eq!(fixture.refused::<api::RetireGrant>(retire).0, "NotFoundException");
}

#[test]
fn a_named_grant_is_made_once() {
    let (fixture, _, key) = fixture();
    let named = api::CreateGrantRequest { name: Some("n".into()), ..grant(&key, USER, &["Decrypt"]) };
    let one = fixture.root::<api::CreateGrant>(named.clone()).grant_id;
    assert_eq!(fixture.root::<api::CreateGrant>(named).grant_id, one);
    assert_ne!(fixture.root::<api::CreateGrant>(grant(&key, USER, &["Decrypt"])).grant_id, one);
}

#[test]
fn who_may_not_make_grants_learns_nothing_of_principals_and_keys() {
    let (fixture, _, key) = fixture();
    let stranger = fixture.user(&account(), "stranger", NOTHING);
    let nobody = "arn:aws:iam::444455556666:user/nobody";
    let known = fixture.denied::<api::CreateGrant>(&stranger, grant(&key, USER, &["Decrypt"]));
    assert_eq!(known.0, "AccessDeniedException");
    for input in [
        grant(&key, nobody, &["Decrypt"]),
        grant(&key, USER, &["Sign"]),
        api::CreateGrantRequest {
            retiring_principal: Some(nobody.to_owned()),
            ..grant(&key, USER, &["Decrypt"])
        },
    ] {
        assert_eq!(fixture.denied::<api::CreateGrant>(&stranger, input), known);
    }
    let text = format!("ARN does not refer to a valid principal: {nobody}");
    let refused = fixture.refused::<api::CreateGrant>(grant(&key, nobody, &["Decrypt"]));
    assert_eq!(refused, ("InvalidArnException".to_owned(), text));
}
