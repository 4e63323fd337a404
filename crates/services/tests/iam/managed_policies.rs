//! Managed policies: versions, tags, lists, who has them.

use landfall_api::iam as api;
use landfall_services::testing::root;

use crate::support::*;

fn get(arn: &str) -> api::GetPolicyRequest {
    api::GetPolicyRequest { policy_arn: arn.into() }
}

#[test]
fn versions_of_a_policy() {
    let t = installation();
    let document = |version: u32| policy("Allow", &format!("s3:Get{version}*"), "*");
    let created = ok::<api::CreatePolicy>(&t, &root(), create_policy("app", &document(1))).policy.unwrap();
    assert_eq!((created.attachment_count, created.is_attachable), (Some(0), Some(true)));
    assert_eq!(created.default_version_id.as_deref(), Some("v1"));
    assert!(created.policy_id.unwrap().starts_with("ANPA"));
    let arn = policy_arn("app");
    let add = |version, default| api::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: document(version),
        set_as_default: default,
    };
    let second = ok::<api::CreatePolicyVersion>(&t, &root(), add(2, Some(true))).policy_version.unwrap();
    assert_eq!((second.version_id.as_deref(), second.is_default_version), (Some("v2"), Some(true)));
    assert_eq!(second.document, None);
    for version in 3..=5 {
        ok::<api::CreatePolicyVersion>(&t, &root(), add(version, None));
    }
    assert_eq!(refused::<api::CreatePolicyVersion>(&t, &root(), add(6, None)).0, "LimitExceeded");

    let version = |id: &str| api::GetPolicyVersionRequest { policy_arn: arn.clone(), version_id: id.into() };
    let third = ok::<api::GetPolicyVersion>(&t, &root(), version("v3")).policy_version.unwrap();
    assert_eq!(decoded(&third.document.unwrap()), document(3));
    assert_eq!(third.is_default_version, Some(false));
    let list = api::ListPolicyVersionsRequest { policy_arn: arn.clone(), ..Default::default() };
    let versions = ok::<api::ListPolicyVersions>(&t, &root(), list).versions.unwrap();
    let ids: Vec<_> = versions.iter().filter_map(|version| version.version_id.as_deref()).collect();
    assert_eq!(ids, ["v5", "v4", "v3", "v2", "v1"]);

    let delete =
        |id: &str| api::DeletePolicyVersionRequest { policy_arn: arn.clone(), version_id: id.into() };
    let conflict = ("DeleteConflict", "Cannot delete the default version of a policy.".to_owned());
    assert_eq!(refused::<api::DeletePolicyVersion>(&t, &root(), delete("v2")), conflict);
    let set = api::SetDefaultPolicyVersionRequest { policy_arn: arn.clone(), version_id: "v5".into() };
    ok::<api::SetDefaultPolicyVersion>(&t, &root(), set);
    ok::<api::DeletePolicyVersion>(&t, &root(), delete("v1"));
    let missing = format!("Policy {arn} version v1 does not exist or is not attachable.");
    assert_eq!(refused::<api::GetPolicyVersion>(&t, &root(), version("v1")), ("NoSuchEntity", missing));
    ok::<api::DeletePolicyVersion>(&t, &root(), delete("v4"));
    let next = ok::<api::CreatePolicyVersion>(&t, &root(), add(7, None)).policy_version.unwrap();
    assert_eq!(next.version_id.as_deref(), Some("v6"), "numbers are not used twice");
}

#[test]
fn when_a_policy_may_be_deleted() {
    let t = installation();
    ok::<api::CreatePolicy>(&t, &root(), create_policy("app", ANYTHING));
    let arn = policy_arn("app");
    let delete = || api::DeletePolicyRequest { policy_arn: arn.clone() };
    let add = api::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: ANYTHING.into(),
        set_as_default: None,
    };
    ok::<api::CreatePolicyVersion>(&t, &root(), add);
    let (code, text) = refused::<api::DeletePolicy>(&t, &root(), delete());
    assert_eq!(code, "DeleteConflict");
    assert!(text.starts_with("This policy has more than one version."), "{text}");
    let version = api::DeletePolicyVersionRequest { policy_arn: arn.clone(), version_id: "v2".into() };
    ok::<api::DeletePolicyVersion>(&t, &root(), version);

    role(&t, "r", &trust(ECS_TASKS));
    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("r", &arn));
    let got = ok::<api::GetPolicy>(&t, &root(), get(&arn)).policy.unwrap();
    assert_eq!((got.attachment_count, got.tags), (Some(1), Some(vec![])));
    let conflict = ("DeleteConflict", "Cannot delete a policy attached to entities.".to_owned());
    assert_eq!(refused::<api::DeletePolicy>(&t, &root(), delete()), conflict);
    let detach = api::DetachRolePolicyRequest { role_name: "r".into(), policy_arn: arn.clone() };
    ok::<api::DetachRolePolicy>(&t, &root(), detach);
    ok::<api::DeletePolicy>(&t, &root(), delete());
    let gone = ("NoSuchEntity", format!("Policy {arn} was not found."));
    assert_eq!(refused::<api::GetPolicy>(&t, &root(), get(&arn)), gone);
}

#[test]
fn tags_of_a_policy() {
    let t = installation();
    let create =
        api::CreatePolicyRequest { tags: Some(vec![tag("x", "1")]), ..create_policy("app", ANYTHING) };
    let created = ok::<api::CreatePolicy>(&t, &root(), create).policy.unwrap();
    assert_eq!(created.tags, Some(vec![tag("x", "1")]));
    let policy_arn = policy_arn("app");
    let tags = vec![tag("a", "2"), tag("X", "3")];
    ok::<api::TagPolicy>(
        &t,
        &root(),
        api::TagPolicyRequest { policy_arn: policy_arn.clone(), tags: tags.clone() },
    );
    let list = api::ListPolicyTagsRequest { policy_arn: policy_arn.clone(), ..Default::default() };
    assert_eq!(ok::<api::ListPolicyTags>(&t, &root(), list.clone()).tags, tags);
    let unset = api::UntagPolicyRequest { policy_arn, tag_keys: vec!["a".into()] };
    ok::<api::UntagPolicy>(&t, &root(), unset);
    assert_eq!(ok::<api::ListPolicyTags>(&t, &root(), list).tags, [tag("X", "3")]);
}

#[test]
fn policies_of_other_accounts_and_of_aws() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    ok::<api::CreatePolicy>(&t, &root_of(&other_account()), create_policy("theirs", ANYTHING));
    let theirs = format!("arn:aws:iam::{OTHER}:policy/theirs");
    assert_eq!(refused::<api::AttachRolePolicy>(&t, &root(), attach_role("r", &theirs)).0, "NoSuchEntity");
    assert_eq!(refused::<api::GetPolicy>(&t, &root(), get(&theirs)).0, "AccessDenied");

    let got = ok::<api::GetPolicy>(&t, &root(), get(EXECUTION_POLICY)).policy.unwrap();
    assert_eq!((got.path.as_deref(), got.attachment_count), (Some("/service-role/"), Some(0)));
    let policy_arn = EXECUTION_POLICY.to_owned();
    let version = api::GetPolicyVersionRequest { policy_arn: policy_arn.clone(), version_id: "v1".into() };
    let version = ok::<api::GetPolicyVersion>(&t, &root(), version).policy_version.unwrap();
    assert!(decoded(&version.document.unwrap()).contains("ecr:GetAuthorizationToken"));
    let denied = refused::<api::DeletePolicy>(&t, &root(), api::DeletePolicyRequest { policy_arn });
    assert_eq!(denied.0, "AccessDenied");
}

#[test]
fn policies_are_listed_by_scope_and_use() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    ok::<api::CreatePolicy>(&t, &root(), create_policy("mine", ANYTHING));
    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("r", EXECUTION_POLICY));
    let list = |scope: Option<&str>, only_attached, path: Option<&str>| {
        let input = api::ListPoliciesRequest {
            scope: scope.map(Into::into),
            only_attached,
            path_prefix: path.map(Into::into),
            max_items: Some(1000),
            ..Default::default()
        };
        let answer = ok::<api::ListPolicies>(&t, &root(), input);
        answer.policies.unwrap().into_iter().filter_map(|policy| policy.policy_name).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("Local"), None, None), ["mine"]);
    assert_eq!(list(None, Some(true), None), ["AmazonECSTaskExecutionRolePolicy"]);
    let (aws, all) = (list(Some("AWS"), None, None), list(Some("All"), None, None));
    assert_eq!(all.len(), aws.len() + 1);
    let service = list(Some("AWS"), None, Some("/service-role/"));
    assert!(!service.is_empty() && service.len() < aws.len());
}

#[test]
fn entities_of_a_policy() {
    let t = installation();
    ok::<api::CreatePolicy>(&t, &root(), create_policy("app", ANYTHING));
    let arn = policy_arn("app");
    user(&t, "alice");
    role(&t, "r", &trust(ECS_TASKS));
    let bounded = api::CreateUserRequest {
        user_name: "bob".into(),
        permissions_boundary: Some(arn.clone()),
        ..Default::default()
    };
    let bob = ok::<api::CreateUser>(&t, &root(), bounded).user.unwrap();
    assert_eq!(bob.permissions_boundary.unwrap().permissions_boundary_arn, Some(arn.clone()));
    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("r", &arn));
    let list = |filter: Option<&str>, usage: Option<&str>| {
        let input = api::ListEntitiesForPolicyRequest {
            policy_arn: arn.clone(),
            entity_filter: filter.map(Into::into),
            policy_usage_filter: usage.map(Into::into),
            ..Default::default()
        };
        let answer = ok::<api::ListEntitiesForPolicy>(&t, &root(), input);
        let users = answer.policy_users.unwrap().into_iter().filter_map(|user| user.user_name);
        let roles = answer.policy_roles.unwrap().into_iter().filter_map(|role| role.role_name);
        users.chain(roles).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None), ["bob", "r"]);
    assert_eq!(list(Some("Role"), None), ["r"]);
    assert_eq!(list(None, Some("PermissionsBoundary")), ["bob"]);
    assert_eq!(list(Some("User"), Some("PermissionsPolicy")), [""; 0]);
    let delete = api::DeletePolicyRequest { policy_arn: arn.clone() };
    assert_eq!(refused::<api::DeletePolicy>(&t, &root(), delete).0, "DeleteConflict", "a boundary is a use");
}
