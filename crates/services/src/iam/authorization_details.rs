//! Users, groups, roles and policies as `GetAccountAuthorizationDetails` shows them.

use landfall_api::iam as api;
use landfall_base::AccountId;
use landfall_store::{StoreError, View};

use super::documents::encoded;
use super::entity::Entity;
use super::groups;
use super::instance_profiles;
use super::managed::{Managed, Usage, Usages, version_id};
use super::policies::aws_managed_policies;
use super::record::{
    GROUPS, Group, MEMBERSHIPS, POLICIES, POLICY_VERSIONS, ROLES, Role, USERS, User, key_name,
};
use super::{tags, view as shown};

/// One entry of one of the four lists.
#[derive(Debug)]
pub(super) enum Detail {
    User(api::UserDetail),
    Group(api::GroupDetail),
    Role(Box<api::RoleDetail>),
    Policy(api::ManagedPolicyDetail),
}

/// The entries of the kinds that are wanted, with their sort keys.
pub(super) fn details(
    view: &View,
    account: &AccountId,
    wanted: impl Fn(&api::EntityType) -> bool,
) -> Result<Vec<(String, Detail)>, StoreError> {
    let mut details = Vec::new();
    if wanted(&api::EntityType::User) {
        for ((_, key), row) in view.list(&USERS, (account,))? {
            details.push((format!("1/{key}"), Detail::User(user(view, account, &row)?)));
        }
    }
    if wanted(&api::EntityType::Group) {
        for ((_, key), row) in view.list(&GROUPS, (account,))? {
            details.push((format!("2/{key}"), Detail::Group(group(view, account, &row)?)));
        }
    }
    if wanted(&api::EntityType::Role) {
        for ((_, key), row) in view.list(&ROLES, (account,))? {
            details.push((format!("3/{key}"), Detail::Role(Box::new(role(view, account, &row)?))));
        }
    }
    let usages = Usages::of(view, account)?;
    for managed in managed_policies(view, account, &usages, wanted)? {
        let detail = policy(view, account, &managed, usages.get(managed.arn()))?;
        details.push((format!("4/{}", managed.arn()), Detail::Policy(detail)));
    }
    Ok(details)
}

type Lists =
    (Vec<api::UserDetail>, Vec<api::GroupDetail>, Vec<api::RoleDetail>, Vec<api::ManagedPolicyDetail>);

/// The entries by kind.
pub(super) fn split(details: Vec<Detail>) -> Lists {
    let mut lists = Lists::default();
    for detail in details {
        match detail {
            Detail::User(user) => lists.0.push(user),
            Detail::Group(group) => lists.1.push(group),
            Detail::Role(role) => lists.2.push(*role),
            Detail::Policy(policy) => lists.3.push(policy),
        }
    }
    lists
}

/// The customer's policies, and those of AWS that somebody has.
fn managed_policies(
    view: &View,
    account: &AccountId,
    usages: &Usages,
    wanted: impl Fn(&api::EntityType) -> bool,
) -> Result<Vec<Managed>, StoreError> {
    let mut policies = Vec::new();
    if wanted(&api::EntityType::LocalManagedPolicy) {
        let rows = view.list(&POLICIES, (account,))?;
        policies.extend(rows.into_iter().map(|(_, row)| Managed::Customer(row)));
    }
    if wanted(&api::EntityType::AwsManagedPolicy) {
        let used = aws_managed_policies().values().filter(|it| usages.get(&it.arn) != Usage::default());
        policies.extend(used.map(Managed::Aws));
    }
    Ok(policies)
}

fn user(view: &View, account: &AccountId, user: &User) -> Result<api::UserDetail, StoreError> {
    let full = shown::user(user);
    Ok(api::UserDetail {
        path: Some(full.path),
        user_name: Some(full.user_name),
        user_id: Some(full.user_id),
        arn: Some(full.arn),
        create_date: Some(full.create_date),
        user_policy_list: inline(view, account, user)?,
        group_list: Some(group_names(view, account, user)?),
        attached_managed_policies: Some(attached(view, user)?),
        permissions_boundary: full.permissions_boundary,
        tags: full.tags,
    })
}

fn group_names(view: &View, account: &AccountId, user: &User) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for row in view.scan(&MEMBERSHIPS, (account, key_name(&user.name).as_str())) {
        let ((_, _, key), _) = row?;
        names.extend(view.get(&GROUPS, &(account, key.as_str()))?.map(|group| group.name.clone()));
    }
    Ok(names)
}

fn group(view: &View, account: &AccountId, group: &Group) -> Result<api::GroupDetail, StoreError> {
    let full = groups::shown(group);
    Ok(api::GroupDetail {
        path: Some(full.path),
        group_name: Some(full.group_name),
        group_id: Some(full.group_id),
        arn: Some(full.arn),
        create_date: Some(full.create_date),
        group_policy_list: Some(inline(view, account, group)?.unwrap_or_default()),
        attached_managed_policies: Some(attached(view, group)?),
    })
}

fn role(view: &View, account: &AccountId, role: &Role) -> Result<api::RoleDetail, StoreError> {
    let full = shown::role(view, role)?;
    let mut profiles = Vec::new();
    for (_, profile) in instance_profiles::of_role(view, account, &role.name)? {
        profiles.push(instance_profiles::shown(view, account, &profile, false)?);
    }
    Ok(api::RoleDetail {
        path: Some(full.path),
        role_name: Some(full.role_name),
        role_id: Some(full.role_id),
        arn: Some(full.arn),
        create_date: Some(full.create_date),
        assume_role_policy_document: full.assume_role_policy_document,
        instance_profile_list: Some(profiles),
        role_policy_list: Some(inline(view, account, role)?.unwrap_or_default()),
        attached_managed_policies: Some(attached(view, role)?),
        permissions_boundary: full.permissions_boundary,
        tags: tags::shown(&role.tags),
        role_last_used: full.role_last_used,
    })
}

/// The inline policies of one, if it has any.
fn inline<E: Entity>(
    view: &View,
    account: &AccountId,
    entity: &E,
) -> Result<Option<Vec<api::PolicyDetail>>, StoreError> {
    let mut policies = Vec::new();
    for row in view.scan(&E::INLINE, (account, key_name(entity.name()).as_str())) {
        let ((_, _, name), row) = row?;
        let document = encoded(row.policy.text());
        policies.push(api::PolicyDetail { policy_name: Some(name), policy_document: Some(document) });
    }
    Ok((!policies.is_empty()).then_some(policies))
}

fn attached<E: Entity>(view: &View, entity: &E) -> Result<Vec<api::AttachedPolicy>, StoreError> {
    let mut policies = Vec::new();
    for arn in entity.attached() {
        policies.extend(Managed::find(view, arn)?.map(|policy| api::AttachedPolicy {
            policy_name: Some(policy.name().to_owned()),
            policy_arn: Some(arn.clone()),
        }));
    }
    Ok(policies)
}

fn policy(
    view: &View,
    account: &AccountId,
    policy: &Managed,
    usage: Usage,
) -> Result<api::ManagedPolicyDetail, StoreError> {
    let full = shown::policy(policy, usage);
    Ok(api::ManagedPolicyDetail {
        policy_name: full.policy_name,
        policy_id: full.policy_id,
        arn: full.arn,
        path: full.path,
        default_version_id: full.default_version_id,
        attachment_count: full.attachment_count,
        permissions_boundary_usage_count: full.permissions_boundary_usage_count,
        is_attachable: full.is_attachable,
        description: full.description,
        create_date: full.create_date,
        update_date: full.update_date,
        policy_version_list: Some(versions(view, account, policy)?),
    })
}

fn versions(
    view: &View,
    account: &AccountId,
    policy: &Managed,
) -> Result<Vec<api::PolicyVersion>, StoreError> {
    let mut versions = Vec::new();
    match policy {
        Managed::Aws(policy) => versions.push(api::PolicyVersion {
            document: Some(encoded(policy.document())),
            version_id: Some(policy.default_version.clone()),
            is_default_version: Some(true),
            create_date: Some(policy.updated_at),
        }),
        Managed::Customer(policy) => {
            for row in view.scan(&POLICY_VERSIONS, (account, key_name(&policy.name).as_str())) {
                let ((_, _, number), row) = row?;
                versions.push(api::PolicyVersion {
                    document: Some(encoded(row.policy.text())),
                    version_id: Some(version_id(number)),
                    is_default_version: Some(number == policy.default_version),
                    create_date: Some(row.created_at),
                });
            }
        }
    }
    Ok(versions)
}
