//! Every operation of IAM demands its permission, of the right resource and with the right condition keys.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::iam::OPERATIONS;
use landfall_services::testing::{TestInstallation, nobody, root};

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/h.example";
const POLICY: &str = "arn:aws:iam::111122223333:policy/p";
/// What refusals about it say.
const ON_POLICY: &str = "policy arn:aws:iam::111122223333:policy/p";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/r";
const USER: &str = "arn:aws:iam::111122223333:user/team/u";

fn text(text: &str) -> String {
    text.to_owned()
}

/// A user, a role and a policy, with paths.
fn populated() -> TestInstallation {
    let t = installation();
    let path = Some(text("/team/"));
    let user = api::CreateUserRequest { user_name: text("u"), path: path.clone(), ..Default::default() };
    ok::<api::CreateUser>(&t, &root(), user);
    let role = api::CreateRoleRequest {
        role_name: text("r"),
        path,
        assume_role_policy_document: trust(r#"{"Service":"ecs-tasks.amazonaws.com"}"#),
        ..Default::default()
    };
    ok::<api::CreateRole>(&t, &root(), role);
    let policy = api::CreatePolicyRequest {
        policy_name: text("p"),
        policy_document: policy("Allow", "s3:*", "*"),
        ..Default::default()
    };
    ok::<api::CreatePolicy>(&t, &root(), policy);
    t
}

/// Who may do nothing is told so, whether or not the thing exists, before anything else is found wrong.
#[test]
fn nobody_may_do_anything() {
    let t = populated();
    let mut denied = Vec::new();
    macro_rules! denied {
        ($($op:ident($resource:expr) { $($member:ident: $value:expr),* $(,)? } of $request:ident;)*) => {$(
            #[allow(clippy::needless_update, reason = "some requests have all members set")]
            let input = api::$request { $($member: $value.into(),)* ..Default::default() };
            let (code, message) = refused::<api::$op>(&t, &nobody(), input);
            let action = concat!("iam:", stringify!($op));
            assert_eq!(code, "AccessDenied", "{action}");
            assert_eq!(
                message,
                format!(
                    "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: {action} on \
                     resource: {} because no identity-based policy allows the {action} action",
                    $resource
                )
            );
            denied.push(stringify!($op));
        )*};
    }
    denied! {
        AddClientIDToOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER, client_id: "c" } of AddClientIDToOpenIDConnectProviderRequest;
        AddRoleToInstanceProfile("instance profile i") { instance_profile_name: "i", role_name: "r" } of AddRoleToInstanceProfileRequest;
        AddUserToGroup("group g") { group_name: "g", user_name: "u" } of AddUserToGroupRequest;
        AttachGroupPolicy("group g") { group_name: "g", policy_arn: POLICY } of AttachGroupPolicyRequest;
        AttachRolePolicy("role r") { role_name: "r", policy_arn: POLICY } of AttachRolePolicyRequest;
        AttachUserPolicy("user u") { user_name: "u", policy_arn: POLICY } of AttachUserPolicyRequest;
        CreateAccessKey("user u") { user_name: text("u") } of CreateAccessKeyRequest;
        CreateAccountAlias("*") { account_alias: "a-b" } of CreateAccountAliasRequest;
        CreateGroup("arn:aws:iam::111122223333:group/x/g") { group_name: "g", path: text("/x/") } of CreateGroupRequest;
        CreateInstanceProfile("arn:aws:iam::111122223333:instance-profile/x/i") { instance_profile_name: "i", path: text("/x/") } of CreateInstanceProfileRequest;
        CreateOpenIDConnectProvider(PROVIDER) { url: "https://h.example" } of CreateOpenIDConnectProviderRequest;
        CreatePolicy("policy new") { policy_name: "new", path: text("/x/") } of CreatePolicyRequest;
        CreatePolicyVersion(ON_POLICY) { policy_arn: POLICY } of CreatePolicyVersionRequest;
        CreateRole("arn:aws:iam::111122223333:role/r") { role_name: "r" } of CreateRoleRequest;
        CreateServiceLinkedRole("arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS") { aws_service_name: "ecs.amazonaws.com" } of CreateServiceLinkedRoleRequest;
        CreateUser("arn:aws:iam::111122223333:user/x/u") { user_name: "u", path: text("/x/") } of CreateUserRequest;
        DeleteAccessKey("user u") { user_name: text("u"), access_key_id: "AKIA" } of DeleteAccessKeyRequest;
        DeleteAccountAlias("*") { account_alias: "a-b" } of DeleteAccountAliasRequest;
        DeleteGroup("group g") { group_name: "g" } of DeleteGroupRequest;
        DeleteGroupPolicy("group g") { group_name: "g", policy_name: "x" } of DeleteGroupPolicyRequest;
        DeleteInstanceProfile("instance profile i") { instance_profile_name: "i" } of DeleteInstanceProfileRequest;
        DeleteOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of DeleteOpenIDConnectProviderRequest;
        DeletePolicy(ON_POLICY) { policy_arn: POLICY } of DeletePolicyRequest;
        DeletePolicyVersion(ON_POLICY) { policy_arn: POLICY, version_id: "v9" } of DeletePolicyVersionRequest;
        DeleteRole("role r") { role_name: "r" } of DeleteRoleRequest;
        DeleteRolePermissionsBoundary("role r") { role_name: "r" } of DeleteRolePermissionsBoundaryRequest;
        DeleteRolePolicy("role r") { role_name: "r", policy_name: "x" } of DeleteRolePolicyRequest;
        DeleteServiceLinkedRole("role none") { role_name: "none" } of DeleteServiceLinkedRoleRequest;
        DeleteUser("user u") { user_name: "u" } of DeleteUserRequest;
        DeleteUserPermissionsBoundary("user u") { user_name: "u" } of DeleteUserPermissionsBoundaryRequest;
        DeleteUserPolicy("user u") { user_name: "u", policy_name: "x" } of DeleteUserPolicyRequest;
        DetachGroupPolicy("group g") { group_name: "g", policy_arn: POLICY } of DetachGroupPolicyRequest;
        DetachRolePolicy("role r") { role_name: "r", policy_arn: POLICY } of DetachRolePolicyRequest;
        DetachUserPolicy("user u") { user_name: "u", policy_arn: POLICY } of DetachUserPolicyRequest;
        GetAccessKeyLastUsed("access key AKIA") { access_key_id: "AKIA" } of GetAccessKeyLastUsedRequest;
        GetAccountAuthorizationDetails("*") {} of GetAccountAuthorizationDetailsRequest;
        GetAccountSummary("*") {} of GetAccountSummaryRequest;
        GetContextKeysForCustomPolicy("*") {} of GetContextKeysForCustomPolicyRequest;
        GetContextKeysForPrincipalPolicy(ROLE) { policy_source_arn: ROLE } of GetContextKeysForPrincipalPolicyRequest;
        GetGroup("group g") { group_name: "g" } of GetGroupRequest;
        GetGroupPolicy("group g") { group_name: "g", policy_name: "x" } of GetGroupPolicyRequest;
        GetInstanceProfile("instance profile i") { instance_profile_name: "i" } of GetInstanceProfileRequest;
        GetOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of GetOpenIDConnectProviderRequest;
        GetPolicy("policy arn:aws:iam::111122223333:policy/none") { policy_arn: "arn:aws:iam::111122223333:policy/none" } of GetPolicyRequest;
        GetPolicyVersion(ON_POLICY) { policy_arn: POLICY, version_id: "v1" } of GetPolicyVersionRequest;
        GetRole("role none") { role_name: "none" } of GetRoleRequest;
        GetRolePolicy("role r") { role_name: "r", policy_name: "x" } of GetRolePolicyRequest;
        GetServiceLinkedRoleDeletionStatus("arn:aws:iam::111122223333:role/aws-service-role/x/r") { deletion_task_id: "task/aws-service-role/x/r/1" } of GetServiceLinkedRoleDeletionStatusRequest;
        GetUser("user none") { user_name: text("none") } of GetUserRequest;
        GetUserPolicy("user u") { user_name: "u", policy_name: "x" } of GetUserPolicyRequest;
        ListAccessKeys("user u") { user_name: text("u") } of ListAccessKeysRequest;
        ListAccountAliases("*") {} of ListAccountAliasesRequest;
        ListAttachedGroupPolicies("group g") { group_name: "g" } of ListAttachedGroupPoliciesRequest;
        ListAttachedRolePolicies("role r") { role_name: "r" } of ListAttachedRolePoliciesRequest;
        ListAttachedUserPolicies("user u") { user_name: "u" } of ListAttachedUserPoliciesRequest;
        ListEntitiesForPolicy(ON_POLICY) { policy_arn: POLICY } of ListEntitiesForPolicyRequest;
        ListGroupPolicies("group g") { group_name: "g" } of ListGroupPoliciesRequest;
        ListGroups("arn:aws:iam::111122223333:group/") {} of ListGroupsRequest;
        ListGroupsForUser("user u") { user_name: "u" } of ListGroupsForUserRequest;
        ListInstanceProfileTags("instance profile i") { instance_profile_name: "i" } of ListInstanceProfileTagsRequest;
        ListInstanceProfiles("arn:aws:iam::111122223333:instance-profile/") {} of ListInstanceProfilesRequest;
        ListInstanceProfilesForRole("role r") { role_name: "r" } of ListInstanceProfilesForRoleRequest;
        ListOpenIDConnectProviderTags(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of ListOpenIDConnectProviderTagsRequest;
        ListOpenIDConnectProviders("*") { } of ListOpenIDConnectProvidersRequest;
        ListPolicies("policy path /") {} of ListPoliciesRequest;
        ListPolicyTags(ON_POLICY) { policy_arn: POLICY } of ListPolicyTagsRequest;
        ListPolicyVersions(ON_POLICY) { policy_arn: POLICY } of ListPolicyVersionsRequest;
        ListRolePolicies("role r") { role_name: "r" } of ListRolePoliciesRequest;
        ListRoleTags("role r") { role_name: "r" } of ListRoleTagsRequest;
        ListRoles("arn:aws:iam::111122223333:role/") {} of ListRolesRequest;
        ListUserPolicies("user u") { user_name: "u" } of ListUserPoliciesRequest;
        ListUserTags("user u") { user_name: "u" } of ListUserTagsRequest;
        ListUsers("arn:aws:iam::111122223333:user/") {} of ListUsersRequest;
        PutGroupPolicy("group g") { group_name: "g", policy_name: "x", policy_document: "{" } of PutGroupPolicyRequest;
        PutRolePermissionsBoundary("role r") { role_name: "r", permissions_boundary: POLICY } of PutRolePermissionsBoundaryRequest;
        PutRolePolicy("role r") { role_name: "r", policy_name: "x", policy_document: "{" } of PutRolePolicyRequest;
        PutUserPermissionsBoundary("user u") { user_name: "u", permissions_boundary: POLICY } of PutUserPermissionsBoundaryRequest;
        PutUserPolicy("user u") { user_name: "u", policy_name: "x", policy_document: "{" } of PutUserPolicyRequest;
        RemoveClientIDFromOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER, client_id: "c" } of RemoveClientIDFromOpenIDConnectProviderRequest;
        RemoveRoleFromInstanceProfile("instance profile i") { instance_profile_name: "i", role_name: "r" } of RemoveRoleFromInstanceProfileRequest;
        RemoveUserFromGroup("group g") { group_name: "g", user_name: "u" } of RemoveUserFromGroupRequest;
        SetDefaultPolicyVersion(ON_POLICY) { policy_arn: POLICY, version_id: "v1" } of SetDefaultPolicyVersionRequest;
        SimulateCustomPolicy("*") {} of SimulateCustomPolicyRequest;
        SimulatePrincipalPolicy(USER) { policy_source_arn: USER } of SimulatePrincipalPolicyRequest;
        TagInstanceProfile("instance profile i") { instance_profile_name: "i" } of TagInstanceProfileRequest;
        TagOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of TagOpenIDConnectProviderRequest;
        TagPolicy(ON_POLICY) { policy_arn: POLICY } of TagPolicyRequest;
        TagRole("role r") { role_name: "r" } of TagRoleRequest;
        TagUser("user u") { user_name: "u" } of TagUserRequest;
        UntagInstanceProfile("instance profile i") { instance_profile_name: "i" } of UntagInstanceProfileRequest;
        UntagOpenIDConnectProvider(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of UntagOpenIDConnectProviderRequest;
        UntagPolicy(ON_POLICY) { policy_arn: POLICY } of UntagPolicyRequest;
        UntagRole("role r") { role_name: "r" } of UntagRoleRequest;
        UntagUser("user u") { user_name: "u" } of UntagUserRequest;
        UpdateAccessKey("user u") { user_name: text("u"), access_key_id: "AKIA" } of UpdateAccessKeyRequest;
        UpdateAssumeRolePolicy("role r") { role_name: "r", policy_document: "{" } of UpdateAssumeRolePolicyRequest;
        UpdateGroup("group g") { group_name: "g" } of UpdateGroupRequest;
        UpdateOpenIDConnectProviderThumbprint(PROVIDER) { open_id_connect_provider_arn: PROVIDER } of UpdateOpenIDConnectProviderThumbprintRequest;
        UpdateRole("role r") { role_name: "r" } of UpdateRoleRequest;
        UpdateRoleDescription("role r") { role_name: "r" } of UpdateRoleDescriptionRequest;
        UpdateUser("user u") { user_name: "u" } of UpdateUserRequest;
    }
    let all: Vec<_> = OPERATIONS.iter().map(|endpoint| endpoint.schema.name).collect();
    assert_eq!(denied, all);
    let modelled: Vec<_> = api::SERVICE.operations.iter().map(|operation| operation.name).collect();
    let mut sorted = modelled;
    sorted.sort_unstable();
    assert_eq!(sorted, all);
}

#[test]
fn a_change_of_policy_counts_for_the_next_call() {
    let t = populated();
    let alice = user(&t, "alice");
    let ask = || get_role("r");
    assert_eq!(refused::<api::GetRole>(&t, &alice, ask()).0, "AccessDenied");
    allow(&t, &alice, &policy("Allow", "iam:GetRole", ROLE));
    ok::<api::GetRole>(&t, &alice, ask());
    allow(&t, &alice, &policy("Deny", "iam:GetRole", "*"));
    let (_, message) = refused::<api::GetRole>(&t, &alice, ask());
    assert!(message.ends_with("with an explicit deny in an identity-based policy"), "{message}");

    let delete = api::DeleteUserPolicyRequest { user_name: text("alice"), policy_name: text("p") };
    ok::<api::DeleteUserPolicy>(&t, &root(), delete);
    let attach = api::AttachUserPolicyRequest { user_name: text("alice"), policy_arn: POLICY.into() };
    ok::<api::AttachUserPolicy>(&t, &root(), attach);
    assert_eq!(refused::<api::GetRole>(&t, &alice, ask()).0, "AccessDenied");
    let version = api::CreatePolicyVersionRequest {
        policy_arn: POLICY.into(),
        policy_document: policy("Allow", "iam:Get*", "*"),
        set_as_default: Some(true),
    };
    ok::<api::CreatePolicyVersion>(&t, &root(), version);
    ok::<api::GetRole>(&t, &alice, ask());
    let back = api::SetDefaultPolicyVersionRequest { policy_arn: POLICY.into(), version_id: text("v1") };
    ok::<api::SetDefaultPolicyVersion>(&t, &root(), back);
    assert_eq!(refused::<api::GetRole>(&t, &alice, ask()).0, "AccessDenied");
}

#[test]
fn a_boundary_narrows() {
    let t = populated();
    let create = api::CreateUserRequest {
        user_name: text("bound"),
        permissions_boundary: Some(POLICY.into()),
        ..Default::default()
    };
    let made = ok::<api::CreateUser>(&t, &root(), create).user.unwrap();
    let principal = landfall_iam::Principal::user(
        made.arn.parse().unwrap(),
        &landfall_services::testing::account(),
        made.user_id,
    );
    let bound = landfall_services::testing::caller(principal);
    allow(&t, &bound, &policy("Allow", "iam:*", "*"));
    let (code, message) = refused::<api::GetRole>(&t, &bound, get_role("r"));
    assert_eq!(code, "AccessDenied");
    assert!(message.ends_with("because no permissions boundary allows the iam:GetRole action"), "{message}");
}

#[test]
fn tags_on_creation_need_a_second_permission() {
    let t = populated();
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "iam:Create*", "*"));
    let tags = || Some(vec![api::Tag { key: text("team"), value: text("a") }]);
    let create = |tags| api::CreateUserRequest { user_name: text("new"), tags, ..Default::default() };
    let (_, message) = refused::<api::CreateUser>(&t, &alice, create(tags()));
    assert!(message.contains("iam:TagUser on resource: arn:aws:iam::111122223333:user/new"), "{message}");
    let role = api::CreateRoleRequest { role_name: text("new"), tags: tags(), ..Default::default() };
    let (_, message) = refused::<api::CreateRole>(&t, &alice, role);
    assert!(message.contains("iam:TagRole on resource: arn:aws:iam::111122223333:role/new"), "{message}");
    let made = api::CreatePolicyRequest { policy_name: text("new"), tags: tags(), ..Default::default() };
    let (_, message) = refused::<api::CreatePolicy>(&t, &alice, made);
    assert!(message.contains("iam:TagPolicy on resource: policy new "), "{message}");
    ok::<api::CreateUser>(&t, &alice, create(None));
}

/// A statement that allows everything of IAM under a condition.
fn conditional(operator: &str, key: &str, value: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:*","Resource":"*",
            "Condition":{{"{operator}":{{"{key}":"{value}"}}}}}}}}"#
    )
}

#[test]
fn condition_keys_of_iam() {
    let t = populated();
    let alice = user(&t, "alice");
    let attach = |arn: &str| api::AttachRolePolicyRequest { role_name: text("r"), policy_arn: arn.into() };
    allow(&t, &alice, &conditional("ArnEquals", "iam:PolicyARN", POLICY));
    ok::<api::AttachRolePolicy>(&t, &alice, attach(POLICY));
    let other = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(refused::<api::AttachRolePolicy>(&t, &alice, attach(other)).0, "AccessDenied");

    allow(&t, &alice, &conditional("StringEquals", "iam:PermissionsBoundary", POLICY));
    let create = |name: &str, boundary: Option<&str>| api::CreateUserRequest {
        user_name: name.into(),
        permissions_boundary: boundary.map(Into::into),
        ..Default::default()
    };
    assert_eq!(refused::<api::CreateUser>(&t, &alice, create("x", None)).0, "AccessDenied");
    ok::<api::CreateUser>(&t, &alice, create("x", Some(POLICY)));
    let delete = |name: &str| api::DeleteUserRequest { user_name: name.into() };
    assert_eq!(refused::<api::DeleteUser>(&t, &alice, delete("u")).0, "AccessDenied");

    for key in ["aws:ResourceTag/team", "iam:ResourceTag/team"] {
        allow(&t, &alice, &conditional("StringEquals", key, "a"));
        let user_name = || text("x");
        let get = || api::GetUserRequest { user_name: Some(user_name()) };
        assert_eq!(refused::<api::GetUser>(&t, &alice, get()).0, "AccessDenied");
        let tags = vec![api::Tag { key: text("team"), value: text("a") }];
        ok::<api::TagUser>(&t, &root(), api::TagUserRequest { user_name: user_name(), tags });
        ok::<api::GetUser>(&t, &alice, get());
        let untag = api::UntagUserRequest { user_name: user_name(), tag_keys: vec![text("team")] };
        ok::<api::UntagUser>(&t, &root(), untag);
    }
    allow(&t, &alice, &conditional("ForAllValues:StringEquals", "aws:TagKeys", "team"));
    let tag = |key: &str| api::TagUserRequest {
        user_name: text("x"),
        tags: vec![api::Tag { key: key.into(), value: text("a") }],
    };
    ok::<api::TagUser>(&t, &alice, tag("team"));
    assert_eq!(refused::<api::TagUser>(&t, &alice, tag("cost")).0, "AccessDenied");
}

/// IAM has one endpoint in each partition, whatever Region the client signs for.
#[test]
fn iam_is_called_in_one_region() {
    let t = populated();
    let alice = user(&t, "alice");
    allow(&t, &alice, &conditional("StringEquals", "aws:RequestedRegion", "us-east-1"));
    for (region, allowed) in [("us-east-1", true), ("eu-west-1", true), ("cn-northwest-1", false)] {
        let away = landfall_services::pipe::Caller { region: region.parse().unwrap(), ..alice.clone() };
        let listed = call::<api::ListUsers>(&t, &away, api::ListUsersRequest::default());
        assert_eq!(listed.is_ok(), allowed, "{region}");
    }
}
