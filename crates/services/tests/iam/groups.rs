//! Groups and what they give to their members.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::{TestInstallation, root};

fn group(t: &TestInstallation, name: &str) -> api::Group {
    let input = api::CreateGroupRequest { group_name: name.into(), path: Some("/team/".into()) };
    ok::<api::CreateGroup>(t, &root(), input).group
}

fn join(t: &TestInstallation, group: &str, user: &str) {
    let input = api::AddUserToGroupRequest { group_name: group.into(), user_name: user.into() };
    ok::<api::AddUserToGroup>(t, &root(), input);
}

fn members(t: &TestInstallation, group: &str) -> Vec<String> {
    let input = api::GetGroupRequest { group_name: group.into(), ..Default::default() };
    let users = ok::<api::GetGroup>(t, &root(), input).users;
    users.into_iter().map(|user| user.user_name).collect()
}

fn groups_of(t: &TestInstallation, user: &str) -> Vec<String> {
    let input = api::ListGroupsForUserRequest { user_name: user.into(), ..Default::default() };
    let groups = ok::<api::ListGroupsForUser>(t, &root(), input).groups;
    groups.into_iter().map(|group| group.group_name).collect()
}

#[test]
fn members_have_what_the_group_has() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let alice = user(&t, "alice");
    let made = group(&t, "Devs");
    assert!(made.group_id.starts_with("AGPA"));
    assert_eq!(made.arn, "arn:aws:iam::111122223333:group/team/Devs");
    let may = || call::<api::GetRole>(&t, &alice, get_role("r")).is_ok();
    let put = api::PutGroupPolicyRequest {
        group_name: "devs".into(),
        policy_name: "p".into(),
        policy_document: policy("Allow", "iam:GetRole", "*"),
    };
    ok::<api::PutGroupPolicy>(&t, &root(), put);
    assert!(!may());
    join(&t, "devs", "ALICE");
    join(&t, "devs", "alice");
    assert!(may());
    let remove = api::RemoveUserFromGroupRequest { group_name: "Devs".into(), user_name: "alice".into() };
    ok::<api::RemoveUserFromGroup>(&t, &root(), remove);
    assert!(!may());
    join(&t, "devs", "alice");
    let delete = api::DeleteGroupPolicyRequest { group_name: "devs".into(), policy_name: "p".into() };
    ok::<api::DeleteGroupPolicy>(&t, &root(), delete);
    assert!(!may());
    let attach = api::AttachGroupPolicyRequest {
        group_name: "devs".into(),
        policy_arn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess".into(),
    };
    ok::<api::AttachGroupPolicy>(&t, &root(), attach);
    assert!(may());
    let entities = api::ListEntitiesForPolicyRequest {
        policy_arn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess".into(),
        ..Default::default()
    };
    let entities = ok::<api::ListEntitiesForPolicy>(&t, &root(), entities);
    assert_eq!(entities.policy_groups.unwrap()[0].group_name.as_deref(), Some("Devs"));
}

#[test]
fn a_deny_of_the_group_is_found_with_its_origin() {
    let t = installation();
    let alice = user(&t, "alice");
    allow(&t, &alice, ANYTHING);
    group(&t, "devs");
    join(&t, "devs", "alice");
    let put = api::PutGroupPolicyRequest {
        group_name: "devs".into(),
        policy_name: "no".into(),
        policy_document: policy("Deny", "iam:GetRole", "*"),
    };
    ok::<api::PutGroupPolicy>(&t, &root(), put);
    let outcome = t.call.call::<api::GetRole>(&alice, get_role("r"));
    assert_eq!(outcome.result.unwrap_err().code, "AccessDenied");
    let check = outcome.checks.last().unwrap();
    assert_eq!(check.deciding.as_deref(), Some("policy no, statement 1"));
    let policies = check.trace.iter().flat_map(|trace| &trace.layers).flat_map(|layer| &layer.policies);
    assert!(policies.into_iter().any(|policy| policy.attached_to == "group devs"));
}

#[test]
fn messages() {
    let t = installation();
    user(&t, "alice");
    group(&t, "devs");
    let create = api::CreateGroupRequest { group_name: "DEVS".into(), path: None };
    assert_eq!(
        refused::<api::CreateGroup>(&t, &root(), create),
        ("EntityAlreadyExists", "Group with name DEVS already exists.".to_owned())
    );
    let get = api::GetGroupRequest { group_name: "none".into(), ..Default::default() };
    assert_eq!(
        refused::<api::GetGroup>(&t, &root(), get),
        ("NoSuchEntity", "The group with name none cannot be found.".to_owned())
    );
    join(&t, "devs", "alice");
    let conflict = ("DeleteConflict", "Cannot delete entity, must remove users from group first.".to_owned());
    let delete = api::DeleteGroupRequest { group_name: "devs".into() };
    assert_eq!(refused::<api::DeleteGroup>(&t, &root(), delete), conflict);
    let delete = api::DeleteUserRequest { user_name: "alice".into() };
    assert_eq!(refused::<api::DeleteUser>(&t, &root(), delete), conflict);
    for at in 0..9 {
        group(&t, &format!("g{at}"));
        join(&t, &format!("g{at}"), "alice");
    }
    group(&t, "last");
    let add = api::AddUserToGroupRequest { group_name: "last".into(), user_name: "alice".into() };
    assert_eq!(
        refused::<api::AddUserToGroup>(&t, &root(), add),
        ("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10".to_owned())
    );
}

#[test]
fn new_names_keep_everything() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "iam:GetRole", "*"));
    group(&t, "devs");
    join(&t, "devs", "alice");
    let update = api::UpdateGroupRequest {
        group_name: "devs".into(),
        new_group_name: Some("Makers".into()),
        new_path: Some("/".into()),
    };
    ok::<api::UpdateGroup>(&t, &root(), update);
    assert_eq!(members(&t, "makers"), ["alice"]);
    let update = api::UpdateUserRequest {
        user_name: "alice".into(),
        new_user_name: Some("Alicia".into()),
        new_path: None,
    };
    ok::<api::UpdateUser>(&t, &root(), update);
    assert_eq!(members(&t, "makers"), ["Alicia"]);
    assert_eq!(groups_of(&t, "alicia"), ["Makers"]);
    let arn = "arn:aws:iam::111122223333:user/Alicia";
    let id = alice.principal.user_id().unwrap();
    let renamed = landfall_iam::Principal::user(arn.parse().unwrap(), &alice.account, id);
    let renamed = landfall_services::testing::caller(renamed);
    ok::<api::GetRole>(&t, &renamed, get_role("r"));
    assert_eq!(refused::<api::GetRole>(&t, &alice, get_role("r")).0, "AccessDenied");
    user(&t, "bob");
    let update = api::UpdateUserRequest {
        user_name: "bob".into(),
        new_user_name: Some("ALICIA".into()),
        new_path: None,
    };
    assert_eq!(
        refused::<api::UpdateUser>(&t, &root(), update),
        ("EntityAlreadyExists", "User with name ALICIA already exists.".to_owned())
    );
}
