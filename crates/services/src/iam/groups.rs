//! Groups: who is in them, and how they are found.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_store::{StoreError, Tx, View};

use super::entity::Target;
use super::record::{GROUPS, Group, MEMBERSHIPS, USERS, User, key_name};
use crate::pipe::{Checked, Context, Failure};

/// The most groups that one user may be in.
pub(super) const GROUPS_PER_USER: usize = 10;

/// A user to put into a group, or to take out of it.
#[derive(Debug)]
pub struct Membership {
    pub(super) group: Target<Group>,
    pub(super) user: Target<User>,
}

impl Membership {
    /// Resolves a call about a user in a group: the permission is on the group.
    pub(super) fn resolve(
        cx: &Context<'_>,
        view: &View,
        action: &'static str,
        group: &str,
        user: &str,
    ) -> Result<Checked<Self>, Failure> {
        let membership = Self { group: Target::find(cx, view, group)?, user: Target::find(cx, view, user)? };
        let permission = membership.group.permission(action);
        Ok(Checked::one(membership, permission))
    }

    /// The row's key.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn key(&self) -> Result<(&landfall_base::AccountId, &str, &str), Failure> {
        self.group.existing()?;
        self.user.existing()?;
        Ok(self.user.child_key(self.group.key().1))
    }
}

/// The groups of a user, by name.
pub(super) fn of_user(view: &View, user: &Target<User>) -> Result<Vec<(String, Arc<Group>)>, StoreError> {
    let mut groups = Vec::new();
    for row in view.scan(&MEMBERSHIPS, user.key()) {
        let ((account, _, key), _) = row?;
        if let Some(group) = view.get(&GROUPS, &(&account, key.as_str()))? {
            groups.push((key, group));
        }
    }
    Ok(groups)
}

/// The members of a group, by name.
pub(super) fn members(view: &View, group: &Target<Group>) -> Result<Vec<(String, Arc<User>)>, StoreError> {
    let (account, wanted) = group.key();
    let mut users = Vec::new();
    for row in view.scan(&MEMBERSHIPS, (account,)) {
        let ((_, key, group), _) = row?;
        if group == wanted
            && let Some(user) = view.get(&USERS, &(account, key.as_str()))?
        {
            users.push((key, user));
        }
    }
    Ok(users)
}

/// Moves the members of a group that gets a new name.
pub(super) fn rename(tx: &mut Tx, group: &Target<Group>, name: &str) -> Result<(), Failure> {
    let (account, old) = group.key();
    for (user, _) in members(tx, group)? {
        tx.delete(&MEMBERSHIPS, &(account, user.as_str(), old));
        tx.put(&MEMBERSHIPS, &(account, user.as_str(), key_name(name).as_str()), ());
    }
    Ok(())
}

/// A group as answers show it.
pub(super) fn shown(group: &Group) -> api::Group {
    api::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: group.arn.clone(),
        create_date: group.created_at,
    }
}
