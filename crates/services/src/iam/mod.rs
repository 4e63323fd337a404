//! IAM: users, roles, policies. The rules of the policy language are in `landfall-iam`; here is who holds which policy.
//!
//! Users and roles have much in common (`entity`): attached policies (`attachments`), inline policies (`inline`),
//! tags. Policies are compiled when they are written and count for the next call. Policies that AWS manages are data of
//! the program and can be read and attached like a customer's own. Names are unique without regard to case.

mod access_keys;
mod accounts;
mod administrator;
mod attachments;
mod documents;
mod entity;
mod inline;
mod managed;
mod ops;
mod page;
mod policies;
pub mod record;
mod roles;
mod tags;
mod usage;
mod versions;
mod view;

use landfall_api::iam as api;

pub use administrator::administrator;
pub use accounts::{NewAdministrator, accounts, create_account};
pub use policies::{
    AttachedPolicy, AwsManagedPolicy, PrincipalPolicies, aws_managed_policies, aws_managed_policy,
    managed_policy, policies_of,
};
pub use roles::find_role;
pub use usage::{access_key_needs_touch, role_needs_touch, touch_access_key, touch_role};

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::AttachRolePolicy>(),
    write::<api::AttachUserPolicy>(),
    write::<api::CreateAccessKey>(),
    write::<api::CreatePolicy>(),
    write::<api::CreatePolicyVersion>(),
    write::<api::CreateRole>(),
    write::<api::CreateUser>(),
    write::<api::DeleteAccessKey>(),
    write::<api::DeletePolicy>(),
    write::<api::DeletePolicyVersion>(),
    write::<api::DeleteRole>(),
    write::<api::DeleteRolePolicy>(),
    write::<api::DeleteUser>(),
    write::<api::DeleteUserPolicy>(),
    write::<api::DetachRolePolicy>(),
    write::<api::DetachUserPolicy>(),
    read::<api::GetAccessKeyLastUsed>(),
    read::<api::GetPolicy>(),
    read::<api::GetPolicyVersion>(),
    read::<api::GetRole>(),
    read::<api::GetRolePolicy>(),
    read::<api::GetUser>(),
    read::<api::GetUserPolicy>(),
    read::<api::ListAccessKeys>(),
    read::<api::ListAttachedRolePolicies>(),
    read::<api::ListAttachedUserPolicies>(),
    read::<api::ListEntitiesForPolicy>(),
    read::<api::ListInstanceProfilesForRole>(),
    read::<api::ListPolicies>(),
    read::<api::ListPolicyTags>(),
    read::<api::ListPolicyVersions>(),
    read::<api::ListRolePolicies>(),
    read::<api::ListRoleTags>(),
    read::<api::ListRoles>(),
    read::<api::ListUserPolicies>(),
    read::<api::ListUserTags>(),
    read::<api::ListUsers>(),
    write::<api::PutRolePolicy>(),
    write::<api::PutUserPolicy>(),
    write::<api::SetDefaultPolicyVersion>(),
    write::<api::TagPolicy>(),
    write::<api::TagRole>(),
    write::<api::TagUser>(),
    write::<api::UntagPolicy>(),
    write::<api::UntagRole>(),
    write::<api::UntagUser>(),
    write::<api::UpdateAccessKey>(),
    write::<api::UpdateAssumeRolePolicy>(),
    write::<api::UpdateRole>(),
    write::<api::UpdateRoleDescription>(),
];
