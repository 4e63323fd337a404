//! STS through the pipe: who may become whom, for how long, and with what.

#[path = "iam/support.rs"]
mod support;

use landfall_api::{iam, sts};
use landfall_services::pipe::Caller;
use landfall_services::sts::{CredentialError, ServiceSession, assume_role_for_service, find_credentials};
use landfall_services::testing::{START, TestInstallation, account, region, root};
use support::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/r";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

fn denial(who: &Caller, role: &str) -> (&'static str, String) {
    let text =
        format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {role}", who.arn());
    ("AccessDenied", text)
}

/// A user `alice` and a role `r` that trusts her by name.
fn trusting() -> (TestInstallation, Caller) {
    let t = installation();
    let alice = user(&t, "alice");
    role(&t, "r", &trust_aws(ALICE));
    (t, alice)
}

#[test]
fn a_role_that_names_the_user_needs_no_policy() {
    let (t, alice) = trusting();
    let answer = ok::<sts::AssumeRole>(&t, &alice, assume(ROLE));
    let credentials = answer.credentials.unwrap();
    assert!(credentials.access_key_id.starts_with("ASIA"));
    assert_eq!(credentials.expiration, START.plus_seconds(3600));
    assert_eq!(answer.packed_policy_size, None);
    let assumed = answer.assumed_role_user.unwrap();
    assert_eq!(assumed.arn, "arn:aws:sts::111122223333:assumed-role/r/work");
    let session = caller_with(&t, &credentials).unwrap();
    let me = ok::<sts::GetCallerIdentity>(&t, &session, sts::GetCallerIdentityRequest::default());
    assert_eq!(me.arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/r/work"));
    assert_eq!(me.user_id.as_deref(), Some(assumed.assumed_role_id.as_str()));
    assert!(assumed.assumed_role_id.starts_with("AROA") && assumed.assumed_role_id.ends_with(":work"));

    let bob = user(&t, "bob");
    assert_eq!(refused::<sts::AssumeRole>(&t, &bob, assume(ROLE)), denial(&bob, ROLE));
    allow(&t, &bob, &policy("Allow", "sts:AssumeRole", "*"));
    assert_eq!(
        refused::<sts::AssumeRole>(&t, &bob, assume(ROLE)),
        denial(&bob, ROLE),
        "the role must consent"
    );
}

#[test]
fn a_role_that_names_the_account_leaves_it_to_policies() {
    let t = installation();
    let alice = user(&t, "alice");
    for principal in ["arn:aws:iam::111122223333:root", "111122223333"] {
        let name = format!("r{}", principal.len());
        let arn = role(&t, &name, &trust_aws(principal)).arn;
        assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(&arn)), denial(&alice, &arn));
        allow(&t, &alice, &policy("Allow", "sts:AssumeRole", &arn));
        ok::<sts::AssumeRole>(&t, &alice, assume(&arn));
    }
    allow(&t, &alice, &policy("Allow", "sts:*", "arn:aws:iam::111122223333:role/other"));
    let arn = "arn:aws:iam::111122223333:role/r12";
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(arn)), denial(&alice, arn));
}

#[test]
fn between_accounts_both_sides_must_agree() {
    let t = installation();
    let carol = user_of(&t, &other_account(), "carol");
    role(&t, "closed", &trust_aws("111122223333"));
    role(&t, "r", &trust_aws(&carol.arn()));
    let closed = "arn:aws:iam::111122223333:role/closed";
    assert_eq!(refused::<sts::AssumeRole>(&t, &carol, assume(ROLE)), denial(&carol, ROLE));
    allow(&t, &carol, &policy("Allow", "sts:AssumeRole", "*"));
    assert_eq!(refused::<sts::AssumeRole>(&t, &carol, assume(closed)), denial(&carol, closed));
    let session = session(&t, &carol, assume(ROLE));
    assert_eq!(session.account, account());
    let me = ok::<sts::GetCallerIdentity>(&t, &session, sts::GetCallerIdentityRequest::default());
    assert_eq!(me.account.as_deref(), Some("111122223333"));
}

#[test]
fn a_role_that_does_not_exist_is_refused_in_the_same_words() {
    let (t, alice) = trusting();
    let missing = "arn:aws:iam::111122223333:role/none";
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(missing)), denial(&alice, missing));
    let other_path = "arn:aws:iam::111122223333:role/path/r";
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(other_path)), denial(&alice, other_path));
    allow(&t, &alice, &policy("Allow", "sts:AssumeRole", "*"));
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(missing)), denial(&alice, missing));
    for text in ["r", "arn:aws:iam::111122223333:user/r"] {
        let invalid = ("ValidationError", format!("{text} is invalid"));
        assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(text)), invalid);
    }
}

#[test]
fn how_long_a_session_may_last() {
    let (t, alice) = trusting();
    let lasting = |seconds| sts::AssumeRoleRequest { duration_seconds: Some(seconds), ..assume(ROLE) };
    let too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, lasting(3601)), ("ValidationError", too_long.into()));
    let longer = || iam::UpdateRoleRequest {
        role_name: "r".into(),
        max_session_duration: Some(7200),
        ..Default::default()
    };
    ok::<iam::UpdateRole>(&t, &root(), longer());
    let answer = ok::<sts::AssumeRole>(&t, &alice, lasting(7200));
    assert_eq!(answer.credentials.unwrap().expiration, START.plus_seconds(7200));

    let first = role(&t, "first", &trust_aws(ALICE)).arn;
    let retrust =
        iam::UpdateAssumeRolePolicyRequest { role_name: "r".into(), policy_document: trust_aws(&first) };
    ok::<iam::UpdateAssumeRolePolicy>(&t, &root(), retrust);
    let chained = session(&t, &alice, assume(&first));
    let text =
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    assert_eq!(refused::<sts::AssumeRole>(&t, &chained, lasting(3601)), ("ValidationError", text.into()));
    ok::<sts::AssumeRole>(&t, &chained, lasting(3600));

    let (t, alice) = trusting();
    ok::<iam::UpdateRole>(&t, &root(), longer());
    let token = ok::<sts::GetSessionToken>(&t, &alice, sts::GetSessionTokenRequest::default());
    let own = session_of(&t, &token.credentials);
    ok::<sts::AssumeRole>(&t, &own, lasting(7200));
}

#[test]
fn a_session_ends() {
    let (t, alice) = trusting();
    let credentials = ok::<sts::AssumeRole>(&t, &alice, assume(ROLE)).credentials.unwrap();
    t.clock.advance_seconds(3599);
    assert!(caller_with(&t, &credentials).is_ok());
    t.clock.advance_seconds(1);
    assert!(matches!(caller_with(&t, &credentials), Err(CredentialError::Expired)));
}

#[test]
fn tokens_belong_to_their_keys() {
    let (t, alice) = trusting();
    let first = ok::<sts::AssumeRole>(&t, &alice, assume(ROLE)).credentials.unwrap();
    let second = ok::<sts::AssumeRole>(&t, &alice, assume(ROLE)).credentials.unwrap();
    let mixed = sts::Credentials { session_token: second.session_token, ..first.clone() };
    assert!(matches!(caller_with(&t, &mixed), Err(CredentialError::Unknown)));
    let text = first.session_token.expose();
    for token in ["", "x", &text[1..], &format!("{text}A")] {
        let bad = sts::Credentials { session_token: token.into(), ..first.clone() };
        assert!(matches!(caller_with(&t, &bad), Err(CredentialError::Unknown)), "{token}");
    }
    let installation = t.call.installation();
    let found = find_credentials(installation, &installation.store.view(), &first.access_key_id, None);
    assert!(matches!(found, Err(CredentialError::Unknown)), "a temporary key without its token");
}

#[test]
fn inactive_keys_are_unknown() {
    let (t, _) = trusting();
    let create = iam::CreateAccessKeyRequest { user_name: Some("alice".into()) };
    let key = ok::<iam::CreateAccessKey>(&t, &root(), create).access_key;
    let find = || {
        let installation = t.call.installation();
        find_credentials(installation, &installation.store.view(), &key.access_key_id, None)
    };
    assert!(find().is_ok());
    let off = iam::UpdateAccessKeyRequest {
        user_name: Some("alice".into()),
        access_key_id: key.access_key_id.clone(),
        status: iam::StatusType::Inactive,
    };
    ok::<iam::UpdateAccessKey>(&t, &root(), off);
    assert!(matches!(find(), Err(CredentialError::Unknown)));
}

#[test]
fn session_policies_narrow() {
    let (t, alice) = trusting();
    allow_role(&t, "r", &policy("Allow", "iam:*", "*"));
    let narrow = policy("Allow", "iam:GetRole", "*");
    let input = sts::AssumeRoleRequest { policy: Some(narrow.clone()), ..assume(ROLE) };
    let answer = ok::<sts::AssumeRole>(&t, &alice, input);
    assert!(answer.packed_policy_size.is_some_and(|size| (1..=100).contains(&size)));
    let inline = caller_with(&t, &answer.credentials.unwrap()).unwrap();
    let managed = iam::CreatePolicyRequest {
        policy_name: "narrow".into(),
        policy_document: narrow,
        ..Default::default()
    };
    let arn = ok::<iam::CreatePolicy>(&t, &root(), managed).policy.unwrap().arn;
    let by_arn = vec![sts::PolicyDescriptorType { arn }];
    let by_arn = sts::AssumeRoleRequest { policy_arns: Some(by_arn), ..assume(ROLE) };
    let managed = session(&t, &alice, by_arn);
    for narrowed in [inline, managed] {
        ok::<iam::GetRole>(&t, &narrowed, get_role("r"));
        let (code, message) = refused::<iam::ListRoles>(&t, &narrowed, iam::ListRolesRequest::default());
        assert_eq!(code, "AccessDenied");
        assert!(message.ends_with("because no session policy allows the iam:ListRoles action"), "{message}");
    }
    let whole = session(&t, &alice, assume(ROLE));
    ok::<iam::ListRoles>(&t, &whole, iam::ListRolesRequest::default());

    let broken = sts::AssumeRoleRequest { policy: Some("{".into()), ..assume(ROLE) };
    let malformed = ("MalformedPolicyDocument", "Syntax errors in policy.".to_owned());
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, broken), malformed);
}

#[test]
fn a_session_does_not_outlive_its_role() {
    let (t, alice) = trusting();
    allow_role(&t, "r", &policy("Allow", "iam:*", "*"));
    let credentials = ok::<sts::AssumeRole>(&t, &alice, assume(ROLE)).credentials.unwrap();
    let open = caller_with(&t, &credentials).unwrap();
    ok::<iam::GetRole>(&t, &open, get_role("r"));
    let delete = iam::DeleteRolePolicyRequest { role_name: "r".into(), policy_name: "p".into() };
    ok::<iam::DeleteRolePolicy>(&t, &root(), delete);
    ok::<iam::DeleteRole>(&t, &root(), iam::DeleteRoleRequest { role_name: "r".into() });
    assert!(matches!(caller_with(&t, &credentials), Err(CredentialError::Unknown)));
    role(&t, "r", &trust_aws(ALICE));
    allow_role(&t, "r", &policy("Allow", "iam:*", "*"));
    assert!(matches!(caller_with(&t, &credentials), Err(CredentialError::Unknown)));
    assert_eq!(refused::<iam::GetRole>(&t, &open, get_role("r")).0, "AccessDenied", "already let in");
}

#[test]
fn trust_is_in_the_user_not_in_the_name() {
    let (t, alice) = trusting();
    ok::<sts::AssumeRole>(&t, &alice, assume(ROLE));
    ok::<iam::DeleteUser>(&t, &root(), iam::DeleteUserRequest { user_name: "alice".into() });
    let impostor = user(&t, "alice");
    assert_eq!(refused::<sts::AssumeRole>(&t, &impostor, assume(ROLE)), denial(&impostor, ROLE));
    let again =
        iam::UpdateAssumeRolePolicyRequest { role_name: "r".into(), policy_document: trust_aws(ALICE) };
    ok::<iam::UpdateAssumeRolePolicy>(&t, &root(), again);
    ok::<sts::AssumeRole>(&t, &impostor, assume(ROLE));
}

#[test]
fn external_ids_and_session_tags() {
    let t = installation();
    let alice = user(&t, "alice");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ALICE}"}},"Action":"sts:AssumeRole",
            "Condition":{{"StringEquals":{{"sts:ExternalId":"42"}}}}}}]}}"#
    );
    role(&t, "r", &trust);
    assert_eq!(refused::<sts::AssumeRole>(&t, &alice, assume(ROLE)), denial(&alice, ROLE));
    let with_id = || sts::AssumeRoleRequest { external_id: Some("42".into()), ..assume(ROLE) };
    ok::<sts::AssumeRole>(&t, &alice, with_id());
    let tags = Some(vec![sts::Tag { key: "team".into(), value: "a".into() }]);
    let (code, message) =
        refused::<sts::AssumeRole>(&t, &alice, sts::AssumeRoleRequest { tags, ..with_id() });
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("is not authorized to perform: sts:TagSession on resource: "), "{message}");
}

#[test]
fn session_tags_are_principal_tags() {
    let t = installation();
    let alice = user(&t, "alice");
    let trust = trust_aws(ALICE).replace(r#""sts:AssumeRole""#, r#"["sts:AssumeRole","sts:TagSession"]"#);
    role(&t, "r", &trust);
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetRole","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}}}"#;
    allow_role(&t, "r", document);
    for (value, allowed) in [("a", true), ("b", false)] {
        let tags = Some(vec![sts::Tag { key: "team".into(), value: value.into() }]);
        let session = session(&t, &alice, sts::AssumeRoleRequest { tags, ..assume(ROLE) });
        assert_eq!(call::<iam::GetRole>(&t, &session, get_role("r")).is_ok(), allowed, "{value}");
    }
}

#[test]
fn who_am_i() {
    let (t, alice) = trusting();
    let ask = |who: &Caller| ok::<sts::GetCallerIdentity>(&t, who, sts::GetCallerIdentityRequest::default());
    let me = ask(&alice);
    assert_eq!((me.arn.as_deref(), me.account.as_deref()), (Some(ALICE), Some("111122223333")));
    assert!(me.user_id.unwrap().starts_with("AIDA"));
    let me = ask(&root());
    assert_eq!(me.user_id.as_deref(), Some("111122223333"));
    assert_eq!(me.arn.as_deref(), Some("arn:aws:iam::111122223333:root"));
    allow(&t, &alice, &policy("Deny", "*", "*"));
    ask(&alice);
}

#[test]
fn session_tokens_of_users() {
    let (t, alice) = trusting();
    let input = sts::GetSessionTokenRequest::default;
    let credentials = ok::<sts::GetSessionToken>(&t, &alice, input()).credentials.unwrap();
    assert_eq!(credentials.expiration, START.plus_seconds(43_200));
    let session = caller_with(&t, &credentials).unwrap();
    assert_eq!(session.principal, alice.principal);
    assert_eq!(refused::<sts::GetSessionToken>(&t, &session, input()).0, "AccessDenied");
    ok::<iam::DeleteUser>(&t, &root(), iam::DeleteUserRequest { user_name: "alice".into() });
    user(&t, "alice");
    assert!(matches!(caller_with(&t, &credentials), Err(CredentialError::Unknown)));
}

#[test]
fn becoming_a_role_is_using_it() {
    let (t, alice) = trusting();
    let used = || ok::<iam::GetRole>(&t, &root(), get_role("r")).role.role_last_used.unwrap();
    assert_eq!(used(), iam::RoleLastUsed::default());
    refused::<sts::AssumeRole>(&t, &user(&t, "bob"), assume(ROLE));
    assert_eq!(used(), iam::RoleLastUsed::default());
    ok::<sts::AssumeRole>(&t, &alice, assume(ROLE));
    let expected = iam::RoleLastUsed { last_used_date: Some(START.day()), region: Some("us-east-1".into()) };
    assert_eq!(used(), expected);
    let revision = t.call.installation().store.view().revision();
    ok::<sts::AssumeRole>(&t, &alice, assume(ROLE));
    assert_eq!(t.call.installation().store.view().revision(), revision, "written once a day");
}

#[test]
fn services_become_roles_that_trust_them() {
    let t = installation();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},
        "Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:us-east-1:111122223333:*"},
        "StringEquals":{"aws:SourceAccount":"111122223333"}}}]}"#;
    role(&t, "r", trust);
    allow_role(&t, "r", &policy("Allow", "iam:GetRole", "*"));
    let role_arn = ROLE.parse().unwrap();
    let become_role = |service, source_arn| {
        let region = region();
        let wanted = ServiceSession {
            service,
            role_arn: &role_arn,
            session_name: "0123abcd",
            source_arn,
            region: &region,
        };
        let installation = t.call.installation();
        assume_role_for_service(installation, &installation.store.view(), &wanted)
    };
    let task = "arn:aws:ecs:us-east-1:111122223333:task/c/0123abcd";
    let (session, checks) = become_role("ecs-tasks.amazonaws.com", task);
    let session = session.unwrap();
    assert_eq!(session.arn(), "arn:aws:sts::111122223333:assumed-role/r/0123abcd");
    assert!(checks.len() == 1 && checks[0].allowed);
    ok::<iam::GetRole>(&t, &session, get_role("r"));
    for (service, source) in [
        ("ecs.amazonaws.com", task),
        ("ecs-tasks.amazonaws.com", "arn:aws:ecs:us-east-1:444455556666:task/c/1"),
    ] {
        let (refused, checks) = become_role(service, source);
        let text = refused.unwrap_err().to_string();
        assert!(
            text.contains(&format!("User: {service} is not authorized to perform: sts:AssumeRole")),
            "{text}"
        );
        assert!(!checks[0].allowed && checks[0].trace.is_some());
    }
}

#[test]
fn root_users_do_not_become_roles() {
    let t = installation();
    role(&t, "r", &trust_aws("111122223333"));
    let text = "Roles may not be assumed by root accounts.";
    assert_eq!(refused::<sts::AssumeRole>(&t, &root(), assume(ROLE)), ("AccessDenied", text.into()));
}

fn federation(name: &str, policy: Option<String>) -> sts::GetFederationTokenRequest {
    sts::GetFederationTokenRequest { name: name.into(), policy, ..Default::default() }
}

fn federate(t: &TestInstallation, who: &Caller, input: sts::GetFederationTokenRequest) -> Caller {
    let answer = ok::<sts::GetFederationToken>(t, who, input);
    session_of(t, &answer.credentials)
}

#[test]
fn a_federated_session_may_what_user_and_policy_allow() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let alice = user(&t, "alice");
    let (code, message) = refused::<sts::GetFederationToken>(&t, &alice, federation("bob", None));
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("on resource: arn:aws:sts::111122223333:federated-user/bob"), "{message}");
    allow(&t, &alice, ANYTHING);
    let answer = ok::<sts::GetFederationToken>(&t, &alice, federation("bob", None));
    let federated = answer.federated_user.unwrap();
    assert_eq!(federated.arn, "arn:aws:sts::111122223333:federated-user/bob");
    assert_eq!(federated.federated_user_id, "111122223333:bob");
    assert_eq!(answer.packed_policy_size, None);

    let may = |who: &Caller| call::<iam::GetRole>(&t, who, get_role("r")).is_ok();
    let without = federate(&t, &alice, federation("bob", None));
    assert!(!may(&without), "without policies it may nothing");
    ok::<sts::GetCallerIdentity>(&t, &without, sts::GetCallerIdentityRequest::default());
    let with = federate(&t, &alice, federation("bob", Some(policy("Allow", "iam:GetRole", "*"))));
    assert!(may(&with));
    allow(&t, &alice, &policy("Allow", "sts:GetFederationToken", "*"));
    assert!(!may(&with), "the user's policies count as they are now");
    let (code, message) = refused::<sts::GetFederationToken>(&t, &with, federation("eve", None));
    assert_eq!(code, "AccessDenied", "{message}");
}

#[test]
fn a_federated_session_of_the_root_user_may_what_its_policy_allows() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let may = |who: &Caller| call::<iam::GetRole>(&t, who, get_role("r")).is_ok();
    assert!(!may(&federate(&t, &root(), federation("bob", None))));
    let with = federate(&t, &root(), federation("bob", Some(policy("Allow", "iam:GetRole", "*"))));
    assert!(may(&with));
    assert!(call::<iam::ListRoles>(&t, &with, iam::ListRolesRequest::default()).is_err());
}

#[test]
fn tags_of_a_federated_session_differ_by_more_than_case() {
    let t = installation();
    let tags = Some(vec![sts_tag("Team", "a"), sts_tag("team", "b")]);
    let input = sts::GetFederationTokenRequest { tags, ..federation("bob", None) };
    let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    let refused = refused::<sts::GetFederationToken>(&t, &root(), input);
    assert_eq!(refused, ("InvalidParameterValue", text.into()));
}

#[test]
fn a_federated_session_ends_with_its_user() {
    let t = installation();
    let alice = user(&t, "alice");
    allow(&t, &alice, ANYTHING);
    let answer = ok::<sts::GetFederationToken>(&t, &alice, federation("bob", None));
    let delete = iam::DeleteUserPolicyRequest { user_name: "alice".into(), policy_name: "p".into() };
    ok::<iam::DeleteUserPolicy>(&t, &root(), delete);
    ok::<iam::DeleteUser>(&t, &root(), iam::DeleteUserRequest { user_name: "alice".into() });
    let gone = caller_with(&t, &answer.credentials.unwrap());
    assert!(matches!(gone, Err(CredentialError::Unknown)));
}

/// A trust policy that lets everybody of the account in, with tags and a source identity.
fn open_trust() -> String {
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},
        "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}"#
        .to_owned()
}

fn sts_tag(key: &str, value: &str) -> sts::Tag {
    sts::Tag { key: key.into(), value: value.into() }
}

#[test]
fn transitive_tags_go_on() {
    let t = installation();
    let alice = user(&t, "alice");
    for name in ["r", "s"] {
        role(&t, name, &open_trust());
    }
    let first = sts::AssumeRoleRequest {
        tags: Some(vec![sts_tag("team", "a"), sts_tag("cost", "1")]),
        transitive_tag_keys: Some(vec!["Team".into()]),
        ..assume(ROLE)
    };
    let first = session(&t, &alice, first);
    let next = || assume("arn:aws:iam::111122223333:role/s");
    let second = session(&t, &first, next());
    let facts = second.session.unwrap();
    assert_eq!(facts.tags, [("team".to_owned(), "a".to_owned())]);
    let conflict = sts::AssumeRoleRequest { tags: Some(vec![sts_tag("TEAM", "b")]), ..next() };
    let (code, message) = refused::<sts::AssumeRole>(&t, &first, conflict);
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("conflicts with a transitive tag key"), "{message}");
    let unnamed = sts::AssumeRoleRequest { transitive_tag_keys: Some(vec!["x".into()]), ..next() };
    assert_eq!(
        refused::<sts::AssumeRole>(&t, &alice, unnamed).1,
        "The specified transitive tag key must be included in the requested tags."
    );
}

#[test]
fn inherited_tags_and_identities_need_the_roles_consent() {
    let t = installation();
    let alice = user(&t, "alice");
    role(&t, "r", &open_trust());
    role(&t, "s", &trust(r#"{"AWS":"*"}"#));
    let next = || assume("arn:aws:iam::111122223333:role/s");
    let tagged = sts::AssumeRoleRequest {
        tags: Some(vec![sts_tag("team", "a")]),
        transitive_tag_keys: Some(vec!["team".into()]),
        ..assume(ROLE)
    };
    let tagged = session(&t, &alice, tagged);
    let (_, message) = refused::<sts::AssumeRole>(&t, &tagged, next());
    let role = "arn:aws:iam::111122223333:role/s";
    assert!(message.ends_with(&format!("sts:TagSession on resource: {role}")), "{message}");
    let named = sts::AssumeRoleRequest { source_identity: Some("alice".into()), ..assume(ROLE) };
    let named = session(&t, &alice, named);
    let (_, message) = refused::<sts::AssumeRole>(&t, &named, next());
    assert!(message.ends_with(&format!("sts:SetSourceIdentity on resource: {role}")), "{message}");
    let other = sts::AssumeRoleRequest { source_identity: Some("eve".into()), ..next() };
    assert_eq!(refused::<sts::AssumeRole>(&t, &named, other).0, "ValidationError");
}

#[test]
fn session_tags_stand_in_for_those_of_the_role() {
    let t = installation();
    let alice = user(&t, "alice");
    role(&t, "r", &open_trust());
    let tags = vec![tag("team", "role")];
    ok::<iam::TagRole>(&t, &root(), iam::TagRoleRequest { role_name: "r".into(), tags });
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetRole","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/team":"session"}}}}"#;
    allow_role(&t, "r", document);
    let plain = session(&t, &alice, assume(ROLE));
    assert_eq!(refused::<iam::GetRole>(&t, &plain, get_role("r")).0, "AccessDenied");
    for key in ["team", "Team"] {
        let tagged = sts::AssumeRoleRequest { tags: Some(vec![sts_tag(key, "session")]), ..assume(ROLE) };
        let tagged = session(&t, &alice, tagged);
        ok::<iam::GetRole>(&t, &tagged, get_role("r"));
    }
}

#[test]
fn keys_tell_their_account() {
    let t = installation();
    user_of(&t, &other_account(), "bob");
    let create = iam::CreateAccessKeyRequest { user_name: Some("bob".into()) };
    let key = ok::<iam::CreateAccessKey>(&t, &root_of(&other_account()), create).access_key;
    let ask = |id: &str| sts::GetAccessKeyInfoRequest { access_key_id: id.into() };
    let answer = ok::<sts::GetAccessKeyInfo>(&t, &root(), ask(&key.access_key_id));
    assert_eq!(answer.account.as_deref(), Some(OTHER));
    assert_eq!(refused::<sts::GetAccessKeyInfo>(&t, &root(), ask("AKIANONE")).0, "ValidationError");
}

#[test]
fn policies_are_looked_up_for_those_who_may_become_the_role() {
    let (t, _) = trusting();
    let mallory = user(&t, "mallory");
    let arn = policy_arn("none");
    let managed = |arn: &str| Some(vec![sts::PolicyDescriptorType { arn: Some(arn.into()) }]);
    let input = sts::AssumeRoleRequest { policy_arns: managed(&arn), ..assume(ROLE) };
    assert_eq!(refused::<sts::AssumeRole>(&t, &mallory, input), denial(&mallory, ROLE));
    let input = sts::GetFederationTokenRequest { policy_arns: managed(&arn), ..federation("bob", None) };
    let (code, message) = refused::<sts::GetFederationToken>(&t, &mallory, input.clone());
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("is not authorized to perform: sts:GetFederationToken"), "{message}");
    let text = format!("Policy {arn} does not exist or is not attachable.");
    assert_eq!(refused::<sts::GetFederationToken>(&t, &root(), input), ("ValidationError", text));
}

#[test]
fn tags_of_sessions_are_not_those_of_aws() {
    let t = installation();
    role(&t, "r", &open_trust());
    let tags = || Some(vec![sts_tag("AWS:team", "a")]);
    let refusal =
        ("InvalidParameterValue", "Tag keys that begin with aws: are reserved for system use.".to_owned());
    let input = sts::AssumeRoleRequest { tags: tags(), ..assume(ROLE) };
    assert_eq!(refused::<sts::AssumeRole>(&t, &user(&t, "alice"), input), refusal);
    let input = sts::GetFederationTokenRequest { tags: tags(), ..federation("bob", None) };
    assert_eq!(refused::<sts::GetFederationToken>(&t, &root(), input), refusal);
}

#[test]
fn what_a_session_carries_has_limited_space() {
    let t = installation();
    role(&t, "r", &open_trust());
    let alice = user(&t, "alice");
    let of = |length: Option<usize>, tags: usize| {
        let document = |length| format!("{:<length$}", policy("Allow", "s3:*", "*"));
        let tags = (0..tags).map(|number| sts_tag(&format!("T{number}"), &"a".repeat(250)));
        sts::AssumeRoleRequest { policy: length.map(document), tags: Some(tags.collect()), ..assume(ROLE) }
    };
    let size = |input| ok::<sts::AssumeRole>(&t, &alice, input).packed_policy_size;
    assert_eq!(size(of(None, 0)), None);
    assert_eq!(size(of(Some(2_048), 0)), Some(100));
    assert_eq!(size(of(Some(512), 1)), Some(81));
    let too_large = |input| refused::<sts::AssumeRole>(&t, &alice, input);
    let code = "PackedPolicyTooLarge";
    let text = "Packed size of session tags consumes 499% of allotted space.";
    assert_eq!(too_large(of(None, 9)), (code, text.into()));
    let text = "Packed policy consumes 147% of allotted space, please use smaller policy.";
    assert_eq!(too_large(of(Some(3_000), 0)), (code, text.into()));
}
