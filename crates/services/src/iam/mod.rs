//! IAM: users, groups, roles, policies. The rules of the policy language are in `landfall-iam`; here is who holds which policy.
//!
//! Users, groups and roles have much in common (`entity`): attached policies (`attachments`), inline policies (`inline`),
//! tags. Policies are compiled when they are written and count for the next call. Policies that AWS manages are data of
//! the program and can be read and attached like a customer's own. Names are unique without regard to case.

mod access_keys;
mod accounts;
mod administrator;
mod attachments;
mod authorization_details;
mod documents;
mod entity;
mod groups;
mod inline;
mod instance_profiles;
mod managed;
mod oidc;
mod ops;
pub mod organization;
mod page;
mod policies;
pub mod record;
mod rename;
mod roles;
mod room;
mod service_linked;
pub mod simulate;
mod tags;
mod usage;
mod versions;
mod view;

use landfall_api::iam as api;

pub use accounts::{NewAdministrator, accounts, create_account};
pub use administrator::administrator;
pub(crate) use entity::{permission_on, with_tags_of};
pub use oidc::{host_and_path, oidc_provider};
pub use policies::{
    AttachedPolicy, AwsManagedPolicy, PrincipalPolicies, aws_managed_policies, aws_managed_policy,
    managed_policy, policies_for, policies_of,
};
pub use roles::{find_role, role_policy};
pub use room::{RoleRoom, role_room, version_in_the_way};
pub use service_linked::{ensure_service_linked_role, service_linked_role};
pub use usage::{access_key_needs_touch, role_needs_touch, touch_access_key, touch_role};

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::AddClientIDToOpenIDConnectProvider>(),
    write::<api::AddRoleToInstanceProfile>(),
    write::<api::AddUserToGroup>(),
    write::<api::AttachGroupPolicy>(),
    write::<api::AttachRolePolicy>(),
    write::<api::AttachUserPolicy>(),
    write::<api::CreateAccessKey>(),
    write::<api::CreateAccountAlias>(),
    write::<api::CreateGroup>(),
    write::<api::CreateInstanceProfile>(),
    write::<api::CreateOpenIDConnectProvider>(),
    write::<api::CreatePolicy>(),
    write::<api::CreatePolicyVersion>(),
    write::<api::CreateRole>(),
    write::<api::CreateServiceLinkedRole>(),
    write::<api::CreateUser>(),
    write::<api::DeleteAccessKey>(),
    write::<api::DeleteAccountAlias>(),
    write::<api::DeleteGroup>(),
    write::<api::DeleteGroupPolicy>(),
    write::<api::DeleteInstanceProfile>(),
    write::<api::DeleteOpenIDConnectProvider>(),
    write::<api::DeletePolicy>(),
    write::<api::DeletePolicyVersion>(),
    write::<api::DeleteRole>(),
    write::<api::DeleteRolePermissionsBoundary>(),
    write::<api::DeleteRolePolicy>(),
    write::<api::DeleteServiceLinkedRole>(),
    write::<api::DeleteUser>(),
    write::<api::DeleteUserPermissionsBoundary>(),
    write::<api::DeleteUserPolicy>(),
    write::<api::DetachGroupPolicy>(),
    write::<api::DetachRolePolicy>(),
    write::<api::DetachUserPolicy>(),
    read::<api::GetAccessKeyLastUsed>(),
    read::<api::GetAccountAuthorizationDetails>(),
    read::<api::GetAccountSummary>(),
    read::<api::GetContextKeysForCustomPolicy>(),
    read::<api::GetContextKeysForPrincipalPolicy>(),
    read::<api::GetGroup>(),
    read::<api::GetGroupPolicy>(),
    read::<api::GetInstanceProfile>(),
    read::<api::GetOpenIDConnectProvider>(),
    read::<api::GetPolicy>(),
    read::<api::GetPolicyVersion>(),
    read::<api::GetRole>(),
    read::<api::GetRolePolicy>(),
    read::<api::GetServiceLinkedRoleDeletionStatus>(),
    read::<api::GetUser>(),
    read::<api::GetUserPolicy>(),
    read::<api::ListAccessKeys>(),
    read::<api::ListAccountAliases>(),
    read::<api::ListAttachedGroupPolicies>(),
    read::<api::ListAttachedRolePolicies>(),
    read::<api::ListAttachedUserPolicies>(),
    read::<api::ListEntitiesForPolicy>(),
    read::<api::ListGroupPolicies>(),
    read::<api::ListGroups>(),
    read::<api::ListGroupsForUser>(),
    read::<api::ListInstanceProfileTags>(),
    read::<api::ListInstanceProfiles>(),
    read::<api::ListInstanceProfilesForRole>(),
    read::<api::ListOpenIDConnectProviderTags>(),
    read::<api::ListOpenIDConnectProviders>(),
    read::<api::ListPolicies>(),
    read::<api::ListPolicyTags>(),
    read::<api::ListPolicyVersions>(),
    read::<api::ListRolePolicies>(),
    read::<api::ListRoleTags>(),
    read::<api::ListRoles>(),
    read::<api::ListUserPolicies>(),
    read::<api::ListUserTags>(),
    read::<api::ListUsers>(),
    write::<api::PutGroupPolicy>(),
    write::<api::PutRolePermissionsBoundary>(),
    write::<api::PutRolePolicy>(),
    write::<api::PutUserPermissionsBoundary>(),
    write::<api::PutUserPolicy>(),
    write::<api::RemoveClientIDFromOpenIDConnectProvider>(),
    write::<api::RemoveRoleFromInstanceProfile>(),
    write::<api::RemoveUserFromGroup>(),
    write::<api::SetDefaultPolicyVersion>(),
    read::<api::SimulateCustomPolicy>(),
    read::<api::SimulatePrincipalPolicy>(),
    write::<api::TagInstanceProfile>(),
    write::<api::TagOpenIDConnectProvider>(),
    write::<api::TagPolicy>(),
    write::<api::TagRole>(),
    write::<api::TagUser>(),
    write::<api::UntagInstanceProfile>(),
    write::<api::UntagOpenIDConnectProvider>(),
    write::<api::UntagPolicy>(),
    write::<api::UntagRole>(),
    write::<api::UntagUser>(),
    write::<api::UpdateAccessKey>(),
    write::<api::UpdateAssumeRolePolicy>(),
    write::<api::UpdateGroup>(),
    write::<api::UpdateOpenIDConnectProviderThumbprint>(),
    write::<api::UpdateRole>(),
    write::<api::UpdateRoleDescription>(),
    write::<api::UpdateUser>(),
];
