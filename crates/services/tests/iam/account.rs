//! The account as a whole: alias, summary, everything at once.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::{TestInstallation, root};

fn aliases(t: &TestInstallation) -> Vec<String> {
    ok::<api::ListAccountAliases>(t, &root(), Default::default()).account_aliases
}

#[test]
fn an_account_has_one_alias() {
    let t = installation();
    let create = |alias: &str| api::CreateAccountAliasRequest { account_alias: alias.into() };
    ok::<api::CreateAccountAlias>(&t, &root(), create("one"));
    assert_eq!(
        refused::<api::CreateAccountAlias>(&t, &root_of(&other_account()), create("one")),
        ("EntityAlreadyExists", "The account alias one already exists.".to_owned())
    );
    ok::<api::CreateAccountAlias>(&t, &root(), create("two"));
    assert_eq!(aliases(&t), ["two"]);
    let delete = |alias: &str| api::DeleteAccountAliasRequest { account_alias: alias.into() };
    assert_eq!(refused::<api::DeleteAccountAlias>(&t, &root(), delete("one")).0, "NoSuchEntity");
    ok::<api::DeleteAccountAlias>(&t, &root(), delete("two"));
    assert!(aliases(&t).is_empty());
}

#[test]
fn the_summary_counts() {
    let t = installation();
    user(&t, "alice");
    user_of(&t, &other_account(), "bob");
    role(&t, "r", &trust(ECS_TASKS));
    let summary = ok::<api::GetAccountSummary>(&t, &root(), Default::default()).summary_map.unwrap();
    for (key, count) in [("Users", 1), ("Roles", 1), ("Groups", 0), ("AccessKeysPerUserQuota", 2)] {
        assert_eq!(summary.get(key), Some(&count), "{key}");
    }
}

#[test]
fn authorization_details_in_pages() {
    let t = installation();
    let alice = user(&t, "alice");
    allow(&t, &alice, ANYTHING);
    role(&t, "r", &trust(ECS_TASKS));
    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("r", EXECUTION_POLICY));
    ok::<api::CreateGroup>(&t, &root(), api::CreateGroupRequest { group_name: "g".into(), path: None });
    let add = api::AddUserToGroupRequest { group_name: "g".into(), user_name: "alice".into() };
    ok::<api::AddUserToGroup>(&t, &root(), add);
    ok::<api::CreatePolicy>(&t, &root(), create_policy("p", ANYTHING));
    let ask = |filter, max_items, marker| {
        let input = api::GetAccountAuthorizationDetailsRequest { filter, max_items, marker };
        ok::<api::GetAccountAuthorizationDetails>(&t, &root(), input)
    };
    let all = ask(None, None, None);
    let users = all.user_detail_list.unwrap();
    assert_eq!(users[0].group_list, Some(vec!["g".to_owned()]));
    let document = users[0].user_policy_list.as_ref().unwrap()[0].policy_document.as_deref().unwrap();
    assert_eq!(decoded(document), ANYTHING);
    let roles = all.role_detail_list.unwrap();
    let attached = roles[0].attached_managed_policies.as_ref().unwrap();
    assert_eq!(attached[0].policy_arn.as_deref(), Some(EXECUTION_POLICY));
    let policies: Vec<_> = all.policies.unwrap().into_iter().map(|it| it.policy_name.unwrap()).collect();
    assert_eq!(policies, ["p", "AmazonECSTaskExecutionRolePolicy"]);

    let roles = ask(Some(vec![api::EntityType::Role]), None, None);
    assert_eq!(roles.role_detail_list.unwrap().len(), 1);
    assert!(roles.user_detail_list.unwrap().is_empty() && roles.policies.unwrap().is_empty());

    let (mut marker, mut items) = (None, 0);
    loop {
        let page = ask(None, Some(2), marker);
        items += page.user_detail_list.unwrap().len() + page.group_detail_list.unwrap().len();
        items += page.role_detail_list.unwrap().len() + page.policies.unwrap().len();
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(items, 5);
}
