//! Instance profiles: each holds at most one role.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_base::{AccountId, Arn};
use landfall_store::{StoreError, View};

use super::entity::with_tags_of;
use super::record::{INSTANCE_PROFILES, InstanceProfile, ROLES, Role, key_name};
use super::{tags, view};
use crate::pipe::{Context, Failure, Permission};

/// The instance profile that a call is about, if there is one of that name.
#[derive(Debug)]
pub struct ProfileTarget {
    /// As the caller wrote it.
    pub(super) name: String,
    pub(super) arn: Arn,
    account: AccountId,
    key: String,
    profile: Option<Arc<InstanceProfile>>,
}

impl ProfileTarget {
    /// Looks up a name in the caller's account.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Self, Failure> {
        let (account, key) = (cx.account().clone(), key_name(name));
        let profile = view.get(&INSTANCE_PROFILES, &(&account, key.as_str()))?;
        let arn = match &profile {
            Some(profile) => profile.arn.parse().map_err(Failure::internal)?,
            None => arn_of(&account, "/", name),
        };
        Ok(Self { name: name.to_owned(), arn, account, key, profile })
    }

    /// A check on this profile.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let tags = self.profile.as_ref().map(|profile| profile.tags.as_slice()).unwrap_or_default();
        let shown = format!("instance profile {}", self.name);
        with_tags_of(Permission::on(action, &self.arn).shown_as(shown), tags)
    }

    /// The row.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn existing(&self) -> Result<&Arc<InstanceProfile>, Failure> {
        let missing = || format!("Instance Profile {} cannot be found.", self.name);
        Ok(self.profile.as_ref().ok_or_else(|| no_such_entity_exception(missing()))?)
    }

    pub(super) fn exists(&self) -> bool {
        self.profile.is_some()
    }

    /// The row's key.
    pub(super) fn key(&self) -> (&AccountId, &str) {
        (&self.account, &self.key)
    }
}

/// The ARN of an instance profile.
pub(super) fn arn_of(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::global("iam", account.as_str(), &format!("instance-profile{path}{name}"))
}

/// The profiles of an account that hold a role, by name.
pub(super) fn of_role(
    view: &View,
    account: &AccountId,
    role: &str,
) -> Result<Vec<(String, Arc<InstanceProfile>)>, StoreError> {
    let role = key_name(role);
    let mut profiles = Vec::new();
    for row in view.scan(&INSTANCE_PROFILES, (account,)) {
        let ((_, key), profile) = row?;
        if profile.role.as_deref().is_some_and(|held| key_name(held) == role) {
            profiles.push((key, profile));
        }
    }
    Ok(profiles)
}

/// A profile as answers show it, with its role; only some show tags.
pub(super) fn shown(
    view: &View,
    account: &AccountId,
    profile: &InstanceProfile,
    with_tags: bool,
) -> Result<api::InstanceProfile, StoreError> {
    let role = match &profile.role {
        Some(name) => view.get(&ROLES, &(account, key_name(name).as_str()))?,
        None => None,
    };
    let shown = |role: &Arc<Role>| {
        Ok::<_, StoreError>(api::Role { max_session_duration: None, ..view::listed_role(view, role)? })
    };
    Ok(api::InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: profile.arn.clone(),
        create_date: profile.created_at,
        roles: role.iter().map(shown).collect::<Result<_, _>>()?,
        tags: if with_tags { tags::shown(&profile.tags) } else { None },
    })
}
