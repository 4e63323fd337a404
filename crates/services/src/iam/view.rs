//! Rows as the API shows them. Some operations leave members out; each function here gives what one kind of answer has.

use landfall_api::iam as api;
use landfall_store::{StoreError, View};

use super::documents::encoded;
use super::managed::{Managed, Usage, version_id};
use super::record::{PolicyVersion, Role, User};
use super::tags;
use crate::principals;

/// A role as lists show it: without tags, boundary and last use.
///
/// # Errors
/// A row cannot be read.
pub(super) fn listed_role(view: &View, role: &Role) -> Result<api::Role, StoreError> {
    Ok(api::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn.clone(),
        create_date: role.created_at,
        assume_role_policy_document: Some(encoded(&principals::shown(view, &role.trust)?)),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session_duration),
        ..api::Role::default()
    })
}

/// A role with everything.
///
/// # Errors
/// A row cannot be read.
pub(super) fn role(view: &View, role: &Role) -> Result<api::Role, StoreError> {
    let last_used = role.last_used.as_ref().map(|(time, region)| api::RoleLastUsed {
        last_used_date: Some(*time),
        region: Some(region.clone()),
    });
    Ok(api::Role {
        permissions_boundary: boundary(role.boundary.as_deref()),
        tags: tags::shown(&role.tags),
        role_last_used: Some(last_used.unwrap_or_default()),
        ..listed_role(view, role)?
    })
}

/// A role as `CreateRole` answers it: without the longest session and the last use.
///
/// # Errors
/// A row cannot be read.
pub(super) fn created_role(view: &View, created: &Role) -> Result<api::Role, StoreError> {
    Ok(api::Role { max_session_duration: None, role_last_used: None, ..role(view, created)? })
}

/// A user as lists show it: without tags and boundary.
pub(super) fn listed_user(user: &User) -> api::User {
    api::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.clone(),
        arn: user.arn.clone(),
        create_date: user.created_at,
        ..api::User::default()
    }
}

/// A user with everything.
pub(super) fn user(user: &User) -> api::User {
    api::User {
        permissions_boundary: boundary(user.boundary.as_deref()),
        tags: tags::shown(&user.tags),
        ..listed_user(user)
    }
}

fn boundary(arn: Option<&str>) -> Option<api::AttachedPermissionsBoundary> {
    Some(api::AttachedPermissionsBoundary {
        permissions_boundary_type: Some(api::PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy),
        permissions_boundary_arn: Some(arn?.to_owned()),
    })
}

/// A managed policy as lists show it: without description and tags.
pub(super) fn listed_policy(policy: &Managed, usage: Usage) -> api::Policy {
    let (created, updated) = policy.times();
    api::Policy {
        policy_name: Some(policy.name().to_owned()),
        policy_id: Some(policy.id().to_owned()),
        arn: Some(policy.arn().to_owned()),
        path: Some(policy.path().to_owned()),
        default_version_id: Some(policy.default_version()),
        attachment_count: Some(usage.attached),
        permissions_boundary_usage_count: Some(usage.boundary),
        is_attachable: Some(true),
        create_date: Some(created),
        update_date: Some(updated),
        ..api::Policy::default()
    }
}

/// A managed policy with everything; `GetPolicy` shows that there are no tags.
pub(super) fn policy(policy: &Managed, usage: Usage) -> api::Policy {
    api::Policy {
        description: policy.description().map(str::to_owned),
        tags: Some(tags::shown(policy.tags()).unwrap_or_default()),
        ..listed_policy(policy, usage)
    }
}

/// A managed policy as `CreatePolicy` answers it: nobody has it yet, and the description is left out.
pub(super) fn created_policy(created: &Managed) -> api::Policy {
    let tags = tags::shown(created.tags());
    api::Policy { tags, ..listed_policy(created, Usage::default()) }
}

/// A version as everything but `GetPolicyVersion` shows it: without its document.
pub(super) fn listed_version(number: u32, version: &PolicyVersion, default: u32) -> api::PolicyVersion {
    api::PolicyVersion {
        document: None,
        version_id: Some(version_id(number)),
        is_default_version: Some(number == default),
        create_date: Some(version.created_at),
    }
}
