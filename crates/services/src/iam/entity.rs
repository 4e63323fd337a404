//! What users, groups and roles have in common: a name, an ARN, policies; users and roles also a boundary and tags.

use std::sync::Arc;

use landfall_api::iam::error::{
    delete_conflict_exception, no_such_entity_exception, unmodifiable_entity_exception,
};
use landfall_base::{AccountId, Arn};
use landfall_store::{StoreError, Table, Tx, View};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::instance_profiles::ProfileTarget;
use super::managed::PolicyTarget;
use super::record::{
    GROUP_POLICIES, GROUPS, Group, InlinePolicy, ROLE_POLICIES, ROLES, Role, USER_POLICIES, USERS, User,
    key_name,
};
use crate::pipe::{Context, Failure, Permission};

/// Where service-linked roles and their policies are.
pub(super) const SERVICE_LINKED_PATH: &str = "/aws-service-role/";

/// A user, a group or a role.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// `user`, `group` or `role`: in ARNs and in messages.
    const KIND: &'static str;
    /// Where they are kept.
    const TABLE: Table<(AccountId, String), Self>;
    /// Where their inline policies are kept.
    const INLINE: Table<(AccountId, String, String), InlinePolicy>;
    /// The most characters, without white space, that all inline policies of one may have.
    const INLINE_QUOTA: usize;
    /// The quota's name for attached policies.
    const ATTACHED_QUOTA: &'static str;

    /// As it was created.
    fn name(&self) -> &str;
    /// `/` or `/…/`.
    fn path(&self) -> &str;
    /// Its ARN.
    fn arn(&self) -> &str;
    /// ARN of its permissions boundary.
    fn boundary(&self) -> Option<&str>;
    /// ARNs of its managed policies.
    fn attached(&self) -> &[String];
    /// The same, to change.
    fn attached_mut(&mut self) -> &mut Vec<String>;
    /// Its tags.
    fn tags(&self) -> &[(String, String)];
}

macro_rules! entity {
    (
        $type:ty, $kind:literal, $table:ident, $inline:ident, $inline_quota:literal, $attached_quota:literal,
        |$it:ident| $boundary:expr, $tags:expr
    ) => {
        impl Entity for $type {
            const KIND: &'static str = $kind;
            const TABLE: Table<(AccountId, String), Self> = $table;
            const INLINE: Table<(AccountId, String, String), InlinePolicy> = $inline;
            const INLINE_QUOTA: usize = $inline_quota;
            const ATTACHED_QUOTA: &'static str = $attached_quota;

            fn name(&self) -> &str {
                &self.name
            }
            fn path(&self) -> &str {
                &self.path
            }
            fn arn(&self) -> &str {
                &self.arn
            }
            fn boundary(&self) -> Option<&str> {
                let $it = self;
                $boundary
            }
            fn attached(&self) -> &[String] {
                &self.attached
            }
            fn attached_mut(&mut self) -> &mut Vec<String> {
                &mut self.attached
            }
            fn tags(&self) -> &[(String, String)] {
                let $it = self;
                $tags
            }
        }
    };
}

entity!(User, "user", USERS, USER_POLICIES, 2_048, "PoliciesPerUser", |it| it.boundary.as_deref(), &it.tags);
entity!(Group, "group", GROUPS, GROUP_POLICIES, 5_120, "PoliciesPerGroup", |_it| None, &[]);
entity!(Role, "role", ROLES, ROLE_POLICIES, 10_240, "PoliciesPerRole", |it| it.boundary.as_deref(), &it.tags);

/// The user, group or role that a call is about, if there is one of that name.
#[derive(Debug)]
pub struct Target<E> {
    /// As the caller wrote it.
    pub(super) name: String,
    account: AccountId,
    key: String,
    arn: Arn,
    entity: Option<Arc<E>>,
}

impl<E: Entity> Target<E> {
    /// Looks up a name in the caller's account.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Self, Failure> {
        Self::of_account(view, cx.account(), name)
    }

    /// Looks up a name in an account.
    pub(super) fn of_account(view: &View, account: &AccountId, name: &str) -> Result<Self, Failure> {
        let entity = view.get(&E::TABLE, &(account, key_name(name).as_str()))?;
        let arn = match &entity {
            Some(entity) => entity.arn().parse().map_err(Failure::internal)?,
            None => arn_of::<E>(account, "/", name),
        };
        Ok(Self { name: name.to_owned(), account: account.clone(), key: key_name(name), arn, entity })
    }

    /// A check on this one, with what policies may ask of it.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let shown = format!("{} {}", E::KIND, self.name);
        let permission = Permission::on(action, &self.arn).shown_as(shown);
        let Some(entity) = &self.entity else { return permission };
        with_tags_of(permission, entity.tags()).with_some("iam:PermissionsBoundary", entity.boundary())
    }

    /// The row.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn existing(&self) -> Result<&Arc<E>, Failure> {
        let missing = || format!("The {} with name {} cannot be found.", E::KIND, self.name);
        Ok(self.entity.as_ref().ok_or_else(|| no_such_entity_exception(missing()))?)
    }

    /// The row, to be changed by a customer.
    ///
    /// # Errors
    /// `NoSuchEntity`; `UnmodifiableEntity` for service-linked roles, which belong to their service.
    pub(super) fn changeable(&self) -> Result<&Arc<E>, Failure> {
        let entity = self.existing()?;
        if !entity.path().starts_with(SERVICE_LINKED_PATH) {
            return Ok(entity);
        }
        let text = format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
            entity.name()
        );
        Err(unmodifiable_entity_exception(text).into())
    }

    /// Its ARN; for one that does not exist the one that it would have.
    pub(super) fn arn(&self) -> &Arn {
        &self.arn
    }

    pub(super) fn exists(&self) -> bool {
        self.entity.is_some()
    }

    /// The row's key.
    pub(super) fn key(&self) -> (&AccountId, &str) {
        (&self.account, &self.key)
    }

    /// The key of something that belongs to it: an inline policy, an access key.
    pub(super) fn child_key<'a>(&'a self, child: &'a str) -> (&'a AccountId, &'a str, &'a str) {
        (&self.account, &self.key, child)
    }

    /// Checks that it may be deleted as far as its policies go.
    ///
    /// # Errors
    /// `NoSuchEntity`; `DeleteConflict` while it has policies.
    pub(super) fn check_without_policies(&self, view: &View) -> Result<(), Failure> {
        let text = if !self.changeable()?.attached().is_empty() {
            "Cannot delete entity, must detach all policies first."
        } else if view.count(&E::INLINE, self.key()) > 0 {
            "Cannot delete entity, must delete policies first."
        } else {
            return Ok(());
        };
        Err(delete_conflict_exception(text).into())
    }

    /// Changes the row.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn update(&self, tx: &mut Tx, change: impl FnOnce(&mut E)) -> Result<(), Failure> {
        self.existing()?;
        tx.update(&E::TABLE, &self.key(), change)?;
        Ok(())
    }
}

/// The ARN of a user or role.
pub(super) fn arn_of<E: Entity>(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::global("iam", account.as_str(), &format!("{}{path}{name}", E::KIND))
}

/// A check on a list of what is below a path. Policies allow such lists on `*`; a refusal names the path.
pub(super) fn list_permission(
    cx: &Context<'_>,
    action: &'static str,
    kind: &str,
    path_prefix: &str,
) -> Permission {
    let below = Arn::global("iam", cx.account().as_str(), &format!("{kind}{path_prefix}"));
    Permission::on_anything(action).shown_as(below.as_str())
}

/// Adds the tags of a resource under both names that IAM gives them.
pub(crate) fn with_tags_of(permission: Permission, tags: &[(String, String)]) -> Permission {
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let permission = permission.with_resource_tags(pairs);
    tags.iter().fold(permission, |permission, (key, value)| {
        permission.with(format!("iam:ResourceTag/{key}"), value.as_str())
    })
}

/// The user or role that an ARN names exactly.
pub(super) fn find_by_arn<E: Entity>(view: &View, arn: &str) -> Result<Option<Arc<E>>, StoreError> {
    let Ok(arn) = arn.parse::<Arn>() else { return Ok(None) };
    let Some(account) = arn.account_id() else { return Ok(None) };
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let entity = view.get(&E::TABLE, &(&account, key_name(name).as_str()))?;
    Ok(entity.filter(|entity| entity.arn() == arn.as_str()))
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    Ok(match arn.resource().split('/').next() {
        Some("user") => Some(Target::<User>::find(cx, view, name)?.permission("iam:GetUser")),
        Some("role") => Some(Target::<Role>::find(cx, view, name)?.permission("iam:GetRole")),
        Some("policy") => {
            PolicyTarget::find(view, arn.as_str()).ok().map(|target| target.permission("iam:GetPolicy"))
        }
        Some("instance-profile") => {
            Some(ProfileTarget::find(cx, view, name)?.permission("iam:GetInstanceProfile"))
        }
        _ => None,
    })
}
