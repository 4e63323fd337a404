//! Users and access keys, accounts, names and pages.

use landfall_api::iam as api;
use landfall_services::iam::{accounts, create_account, touch_access_key};
use landfall_services::sts::find_credentials;
use landfall_services::testing::{START, account, caller, region, root};

use crate::support::*;

#[test]
fn life_of_a_user_and_its_keys() {
    let t = installation();
    let alice = user(&t, "alice");
    let create = || api::CreateAccessKeyRequest { user_name: Some("alice".into()) };
    let first = ok::<api::CreateAccessKey>(&t, &root(), create()).access_key;
    assert!(first.access_key_id.starts_with("AKIA") && first.access_key_id.len() == 20);
    assert_eq!(first.secret_access_key.expose().len(), 40);
    let second = ok::<api::CreateAccessKey>(&t, &root(), create()).access_key;
    let limit = ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2".to_owned());
    assert_eq!(refused::<api::CreateAccessKey>(&t, &root(), create()), limit);
    let installation = t.call.installation();
    let found =
        find_credentials(installation, &installation.store.view(), &first.access_key_id, None).unwrap();
    assert_eq!(found.secret.expose(), first.secret_access_key.expose());
    assert_eq!(found.principal, alice.principal);

    let update = |status: &str| api::UpdateAccessKeyRequest {
        user_name: Some("alice".into()),
        access_key_id: first.access_key_id.clone(),
        status: status.into(),
    };
    ok::<api::UpdateAccessKey>(&t, &root(), update("Inactive"));
    assert_eq!(refused::<api::UpdateAccessKey>(&t, &root(), update("Expired")).0, "InvalidInput");
    let list = api::ListAccessKeysRequest { user_name: Some("alice".into()), ..Default::default() };
    let keys = ok::<api::ListAccessKeys>(&t, &root(), list).access_key_metadata;
    let inactive = keys.iter().filter(|key| key.status == Some(api::StatusType::Inactive)).count();
    assert_eq!((keys.len(), inactive), (2, 1));

    let named = || api::DeleteUserRequest { user_name: "alice".into() };
    let conflict = ("DeleteConflict", "Cannot delete entity, must delete access keys first.".to_owned());
    assert_eq!(refused::<api::DeleteUser>(&t, &root(), named()), conflict);
    for id in [&first.access_key_id, &second.access_key_id] {
        let input =
            api::DeleteAccessKeyRequest { user_name: Some("alice".into()), access_key_id: id.clone() };
        ok::<api::DeleteAccessKey>(&t, &root(), input.clone());
        let missing = ("NoSuchEntity", format!("The Access Key with id {id} cannot be found."));
        assert_eq!(refused::<api::DeleteAccessKey>(&t, &root(), input), missing);
    }
    ok::<api::DeleteUser>(&t, &root(), named());
    let get = api::GetUserRequest { user_name: Some("alice".into()) };
    let gone = ("NoSuchEntity", "The user with name alice cannot be found.".to_owned());
    assert_eq!(refused::<api::GetUser>(&t, &root(), get), gone);
}

#[test]
fn policies_and_tags_of_a_user() {
    let t = installation();
    user(&t, "alice");
    let user_name = || "alice".to_owned();
    let put = |policy: &str, document: &str| api::PutUserPolicyRequest {
        user_name: user_name(),
        policy_name: policy.into(),
        policy_document: document.into(),
    };
    for name in ["b", "a"] {
        ok::<api::PutUserPolicy>(&t, &root(), put(name, ANYTHING));
    }
    let list = api::ListUserPoliciesRequest { user_name: user_name(), ..Default::default() };
    assert_eq!(ok::<api::ListUserPolicies>(&t, &root(), list).policy_names, ["a", "b"]);
    let get = api::GetUserPolicyRequest { user_name: user_name(), policy_name: "a".into() };
    assert_eq!(decoded(&ok::<api::GetUserPolicy>(&t, &root(), get).policy_document), ANYTHING);
    let delete = || api::DeleteUserPolicyRequest { user_name: user_name(), policy_name: "a".into() };
    ok::<api::DeleteUserPolicy>(&t, &root(), delete());
    let missing = ("NoSuchEntity", "The user policy with name a cannot be found.".to_owned());
    assert_eq!(refused::<api::DeleteUserPolicy>(&t, &root(), delete()), missing);
    let long = policy("Allow", "s3:GetObject", &format!("arn:aws:s3:::b/{}", "k".repeat(2000)));
    let limit = ("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user alice".to_owned());
    assert_eq!(refused::<api::PutUserPolicy>(&t, &root(), put("c", &long)), limit);

    let policy_arn = || EXECUTION_POLICY.to_owned();
    let attach = api::AttachUserPolicyRequest { user_name: user_name(), policy_arn: policy_arn() };
    ok::<api::AttachUserPolicy>(&t, &root(), attach);
    let attached = |prefix: &str| {
        let input = api::ListAttachedUserPoliciesRequest {
            user_name: user_name(),
            path_prefix: Some(prefix.to_owned()),
            ..Default::default()
        };
        ok::<api::ListAttachedUserPolicies>(&t, &root(), input).attached_policies.unwrap().len()
    };
    assert_eq!((attached("/"), attached("/service-role/"), attached("/x/")), (1, 1, 0));
    let detach = || api::DetachUserPolicyRequest { user_name: user_name(), policy_arn: policy_arn() };
    ok::<api::DetachUserPolicy>(&t, &root(), detach());
    let missing = ("NoSuchEntity", format!("Policy {EXECUTION_POLICY} was not found."));
    assert_eq!(refused::<api::DetachUserPolicy>(&t, &root(), detach()), missing);

    ok::<api::TagUser>(
        &t,
        &root(),
        api::TagUserRequest { user_name: user_name(), tags: vec![tag("a", "1")] },
    );
    let tags = api::ListUserTagsRequest { user_name: user_name(), ..Default::default() };
    assert_eq!(ok::<api::ListUserTags>(&t, &root(), tags.clone()).tags, [tag("a", "1")]);
    let untag = api::UntagUserRequest { user_name: user_name(), tag_keys: vec!["a".into()] };
    ok::<api::UntagUser>(&t, &root(), untag);
    assert_eq!(ok::<api::ListUserTags>(&t, &root(), tags).tags, []);
}

#[test]
fn names_that_exist_already_in_any_case() {
    let t = installation();
    role(&t, "Exec", &trust(ECS_TASKS));
    user(&t, "Alice");
    ok::<api::CreatePolicy>(&t, &root(), create_policy("App", ANYTHING));
    let again = api::CreateRoleRequest {
        role_name: "eXEC".into(),
        assume_role_policy_document: trust(ECS_TASKS),
        ..Default::default()
    };
    let exists = |text: &str| ("EntityAlreadyExists", text.to_owned());
    assert_eq!(refused::<api::CreateRole>(&t, &root(), again), exists("Role with name eXEC already exists."));
    let again = api::CreateUserRequest { user_name: "ALICE".into(), ..Default::default() };
    assert_eq!(
        refused::<api::CreateUser>(&t, &root(), again),
        exists("User with name ALICE already exists.")
    );
    let text = "A policy called app already exists. Duplicate names are not allowed.";
    assert_eq!(refused::<api::CreatePolicy>(&t, &root(), create_policy("app", ANYTHING)), exists(text));
}

#[test]
fn lists_come_in_pages_by_path() {
    let t = installation();
    for (index, path) in ["/", "/a/", "/", "/a/", "/"].into_iter().enumerate() {
        let input = api::CreateUserRequest {
            user_name: format!("User{index}"),
            path: Some(path.into()),
            ..Default::default()
        };
        ok::<api::CreateUser>(&t, &root(), input);
        role(&t, &format!("role{index}"), &trust(ECS_TASKS));
    }
    user_of(&t, &other_account(), "stranger");
    let page = |marker: Option<String>| {
        let input = api::ListUsersRequest { marker, max_items: Some(2), ..Default::default() };
        let page = ok::<api::ListUsers>(&t, &root(), input);
        assert_eq!(page.is_truncated, Some(page.marker.is_some()));
        (page.users.into_iter().map(|user| user.user_name).collect::<Vec<_>>(), page.marker)
    };
    let (first, marker) = page(None);
    let (second, marker) = page(Some(marker.unwrap()));
    let (third, marker) = page(Some(marker.unwrap()));
    assert_eq!([first, second].concat(), ["User0", "User1", "User2", "User3"]);
    assert_eq!((third, marker), (vec!["User4".to_owned()], None));
    let below = api::ListUsersRequest { path_prefix: Some("/a/".into()), ..Default::default() };
    assert_eq!(ok::<api::ListUsers>(&t, &root(), below).users.len(), 2);
    let roles = ok::<api::ListRoles>(&t, &root(), api::ListRolesRequest::default()).roles;
    assert_eq!(roles.len(), 5);
    assert!(
        roles.iter().all(|role| role.role_last_used.is_none() && role.max_session_duration == Some(3600))
    );
    let bad = api::ListRolesRequest { marker: Some("%".into()), ..Default::default() };
    assert_eq!(refused::<api::ListRoles>(&t, &root(), bad), ("ValidationError", "Invalid Marker.".into()));
}

#[test]
fn a_user_without_name_is_the_caller() {
    let t = installation();
    let alice = user(&t, "alice");
    let me = api::GetUserRequest::default();
    assert_eq!(refused::<api::GetUser>(&t, &alice, me.clone()).0, "AccessDenied");
    allow(&t, &alice, &policy("Allow", "iam:*", "arn:aws:iam::*:user/${aws:username}"));
    assert_eq!(ok::<api::GetUser>(&t, &alice, me.clone()).user.user_name, "alice");
    let key = ok::<api::CreateAccessKey>(&t, &alice, api::CreateAccessKeyRequest::default()).access_key;
    assert_eq!(key.user_name, "alice");
    assert_eq!(ok::<api::GetUser>(&t, &root(), me.clone()).user.arn, "arn:aws:iam::111122223333:root");

    role(&t, "r", &trust_aws("arn:aws:iam::111122223333:user/alice"));
    let session = session(&t, &alice, assume("arn:aws:iam::111122223333:role/r"));
    let text = "Must specify userName when calling with non-User credentials";
    assert_eq!(refused::<api::GetUser>(&t, &session, me), ("ValidationError", text.into()));
}

#[test]
fn when_a_key_was_last_used() {
    let t = installation();
    user(&t, "alice");
    let create = api::CreateAccessKeyRequest { user_name: Some("alice".into()) };
    let id = ok::<api::CreateAccessKey>(&t, &root(), create).access_key.access_key_id;
    let ask = || api::GetAccessKeyLastUsedRequest { access_key_id: id.clone() };
    let never = ok::<api::GetAccessKeyLastUsed>(&t, &root(), ask());
    assert_eq!(never.user_name.as_deref(), Some("alice"));
    let used = never.access_key_last_used.unwrap();
    assert_eq!((used.last_used_date, used.service_name.as_str(), used.region.as_str()), (None, "N/A", "N/A"));
    write(&t, |tx| Ok(touch_access_key(tx, &id, "ecs", &region(), START)?));
    let used = ok::<api::GetAccessKeyLastUsed>(&t, &root(), ask()).access_key_last_used.unwrap();
    assert_eq!(used.last_used_date, Some(START.day()));
    assert_eq!((used.service_name.as_str(), used.region.as_str()), ("ecs", "us-east-1"));
    let stranger = root_of(&other_account());
    assert_eq!(refused::<api::GetAccessKeyLastUsed>(&t, &stranger, ask()).0, "NoSuchEntity");
}

#[test]
fn a_new_account_has_an_administrator() {
    let t = installation();
    let installation = t.call.installation();
    let mut made = None;
    write(&t, |tx| {
        made = Some(create_account(tx, &installation.vault, START, &account())?);
        let again = create_account(tx, &installation.vault, START, &account());
        assert!(again.unwrap_err().to_string().contains("already exists"));
        Ok(())
    });
    let made = made.unwrap();
    assert_eq!(made.user_arn, "arn:aws:iam::111122223333:user/administrator");
    let view = installation.store.view();
    let ids: Vec<_> = accounts(&view).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [account()]);
    let found = find_credentials(installation, &view, &made.access_key_id, None).unwrap();
    assert_eq!(found.secret.expose(), made.secret_access_key.expose());
    let answer = ok::<api::ListUsers>(&t, &caller(found.principal), api::ListUsersRequest::default());
    assert_eq!(answer.users.len(), 1);
}
