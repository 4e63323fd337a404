//! Permissions boundaries, set and taken away.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::root;

#[test]
fn a_boundary_counts_as_long_as_it_is_set() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let alice = user(&t, "alice");
    allow(&t, &alice, ANYTHING);
    ok::<api::CreatePolicy>(&t, &root(), create_policy("b", &policy("Allow", "s3:*", "*")));
    let put = |arn: String| api::PutUserPermissionsBoundaryRequest {
        user_name: "alice".into(),
        permissions_boundary: arn,
    };
    let (code, _) = refused::<api::PutUserPermissionsBoundary>(&t, &root(), put(policy_arn("none")));
    assert_eq!(code, "NoSuchEntity");
    ok::<api::PutUserPermissionsBoundary>(&t, &root(), put(policy_arn("b")));
    let (_, message) = refused::<api::GetRole>(&t, &alice, get_role("r"));
    assert!(message.ends_with("because no permissions boundary allows the iam:GetRole action"), "{message}");
    let shown = ok::<api::GetUser>(&t, &root(), api::GetUserRequest { user_name: Some("alice".into()) });
    let boundary = shown.user.permissions_boundary.unwrap();
    assert_eq!(boundary.permissions_boundary_arn, Some(policy_arn("b")));
    let delete = || api::DeleteUserPermissionsBoundaryRequest { user_name: "alice".into() };
    ok::<api::DeleteUserPermissionsBoundary>(&t, &root(), delete());
    ok::<api::GetRole>(&t, &alice, get_role("r"));
    assert_eq!(refused::<api::DeleteUserPermissionsBoundary>(&t, &root(), delete()).0, "NoSuchEntity");
}

#[test]
fn roles_have_boundaries_too() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    ok::<api::CreatePolicy>(&t, &root(), create_policy("b", &policy("Allow", "s3:*", "*")));
    let put = api::PutRolePermissionsBoundaryRequest {
        role_name: "r".into(),
        permissions_boundary: policy_arn("b"),
    };
    ok::<api::PutRolePermissionsBoundary>(&t, &root(), put);
    let boundary = || ok::<api::GetRole>(&t, &root(), get_role("r")).role.permissions_boundary;
    assert_eq!(boundary().unwrap().permissions_boundary_arn, Some(policy_arn("b")));
    let delete = api::DeleteRolePermissionsBoundaryRequest { role_name: "r".into() };
    ok::<api::DeleteRolePermissionsBoundary>(&t, &root(), delete);
    assert_eq!(boundary(), None);
}
