//! `ListEntitiesForPolicy`: the users, groups and roles that have a managed policy, as a policy or as their boundary.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_store::{StoreError, View};

use crate::iam::entity::Entity;
use crate::iam::managed::PolicyTarget;
use crate::iam::page::Paging;
use crate::iam::record::{Group, Role, User, key_name};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Which policy, and who of those that have it.
#[derive(Debug)]
pub struct Request {
    target: PolicyTarget,
    input: api::ListEntitiesForPolicyRequest,
    paging: Paging,
}

/// Somebody who has the policy.
enum Holder {
    User(Arc<User>),
    Group(Arc<Group>),
    Role(Arc<Role>),
}

impl Resolve for api::ListEntitiesForPolicy {
    type Request = Checked<Request>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = PolicyTarget::find(view, &input.policy_arn)?;
        let permission = target.permission("iam:ListEntitiesForPolicy");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one(Request { target, input, paging }, permission))
    }
}

impl ReadHandler for api::ListEntitiesForPolicy {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        request.target.existing()?;
        let wants = |kind| request.input.entity_filter.as_ref().is_none_or(|filter| *filter == kind);
        let mut holders = Vec::new();
        if wants(api::EntityType::Role) {
            holders.extend(holders_of(cx, view, &request, Holder::Role)?);
        }
        if wants(api::EntityType::Group) {
            holders.extend(holders_of(cx, view, &request, Holder::Group)?);
        }
        if wants(api::EntityType::User) {
            holders.extend(holders_of(cx, view, &request, Holder::User)?);
        }
        let page = request.paging.sort_and_take(holders)?;
        let (users, groups, roles) = split(page.items);
        Ok(api::ListEntitiesForPolicyResponse {
            policy_groups: Some(groups),
            policy_users: Some(users),
            policy_roles: Some(roles),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn holders_of<E: Entity>(
    cx: &Context<'_>,
    view: &View,
    request: &Request,
    holder: fn(Arc<E>) -> Holder,
) -> Result<Vec<(String, Holder)>, StoreError> {
    let mut holders = Vec::new();
    for row in view.scan(&E::TABLE, (cx.account(),)) {
        let (_, entity) = row?;
        if has(entity.as_ref(), request) {
            holders.push((format!("{}/{}", E::KIND, key_name(entity.name())), holder(entity)));
        }
    }
    Ok(holders)
}

fn has<E: Entity>(entity: &E, Request { target, input, .. }: &Request) -> bool {
    let arn = target.arn.as_str();
    let attached = entity.attached().iter().any(|attached| attached == arn);
    let boundary = entity.boundary() == Some(arn);
    let used = match &input.policy_usage_filter {
        Some(api::PolicyUsageType::PermissionsBoundary) => boundary,
        Some(_) => attached,
        None => attached || boundary,
    };
    used && entity.path().starts_with(input.path_prefix.as_deref().unwrap_or("/"))
}

fn split(holders: Vec<Holder>) -> (Vec<api::PolicyUser>, Vec<api::PolicyGroup>, Vec<api::PolicyRole>) {
    let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for holder in holders {
        match holder {
            Holder::User(user) => users
                .push(api::PolicyUser { user_name: Some(user.name.clone()), user_id: Some(user.id.clone()) }),
            Holder::Group(group) => groups.push(api::PolicyGroup {
                group_name: Some(group.name.clone()),
                group_id: Some(group.id.clone()),
            }),
            Holder::Role(role) => roles
                .push(api::PolicyRole { role_name: Some(role.name.clone()), role_id: Some(role.id.clone()) }),
        }
    }
    (users, groups, roles)
}
