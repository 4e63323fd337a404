//! The repository that a request is about, whether it exists or not, and the checks against it.

use std::sync::Arc;

use landfall_base::AccountId;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View, WriteError};

use super::names::parse_repository_arn;
use super::record::{Repository, RepositoryKey};
use super::registry;
use super::rules::wording;
use super::settings;
use super::uploads::Home;
use crate::pipe::{Checked, Context, Failure, Permission, Surroundings};

/// What `registryId` and `repositoryName` stand for.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the repository is, or would be.
    pub key: RepositoryKey,
    repository: Option<Arc<Repository>>,
}

impl Target {
    /// Looks a repository up in the registry of an account, by default the caller's, and in the call's Region.
    ///
    /// # Errors
    /// `InvalidParameterException` for what can be no name.
    pub fn find(
        cx: &Context<'_>,
        view: &View,
        registry_id: Option<&str>,
        name: &str,
    ) -> Result<Self, Failure> {
        let account = registry_account(cx, registry_id)?;
        check_name(name)?;
        Ok(Self::at(view, (account, cx.region().clone(), name.to_owned()))?)
    }

    /// Looks a repository up by ARN; it need not be the caller's, but lies in the call's Region.
    ///
    /// # Errors
    /// `InvalidParameterException` for what can be no ARN of a repository here.
    pub(super) fn of_arn(cx: &Context<'_>, view: &View, arn: &str) -> Result<Self, Failure> {
        let key = parse_repository_arn(arn).filter(|(_, region, _)| region == cx.region());
        let key = key.ok_or_else(|| wording::invalid("resourceArn", "Invalid ARN"))?;
        check_name(&key.2)?;
        Ok(Self::at(view, key)?)
    }

    /// The repository at a key.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn at(view: &View, key: RepositoryKey) -> Result<Self, StoreError> {
        Ok(Self { repository: registry::find_repository(view, &key)?, key })
    }

    /// Looks a repository up for an operation that is checked with one action.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(super) fn checked(
        cx: &Context<'_>,
        view: &View,
        registry_id: Option<&str>,
        name: &str,
        action: &'static str,
    ) -> Result<Checked<Self>, Failure> {
        let target = Self::find(cx, view, registry_id, name)?;
        let permission = target.permission(view, action)?;
        Ok(Checked::one(target, permission))
    }

    /// As [`checked`](Self::checked), for what begins a push, which may make the repository. ECR's registry turns a client's
    /// push into these calls (API reference, `InitiateLayerUpload`), so that both have one rule.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(super) fn pushed(
        cx: &Context<'_>,
        view: &View,
        registry_id: Option<&str>,
        name: &str,
        action: &'static str,
    ) -> Result<Checked<Self>, Failure> {
        let target = Self::find(cx, view, registry_id, name)?;
        let permissions = registry::push_permissions(view, action, &target.key)?;
        Ok(Checked::all(target, permissions))
    }

    /// The repository of a push; made, where it was missing when permissions were asked and a template says that a push may
    /// make it.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`, `KmsException`
    pub(super) async fn open_for_push(&self, cx: Surroundings<'_>) -> Result<Self, Failure> {
        let view = cx.installation.store.view();
        if self.repository.is_none() && !cx.dry && registry::find_repository(&view, &self.key)?.is_none() {
            let written = cx.installation.store.write_async("make a repository", |tx| {
                registry::open_for_push(cx.installation, tx, &self.key, cx.now)
            });
            written.await.map_err(WriteError::flatten)?;
        }
        let view = cx.installation.store.view();
        let found = Self::at(&view, self.key.clone())?;
        found.open(&view)?;
        Ok(found)
    }

    /// The repository as it is in another snapshot or transaction.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`
    pub(super) fn again(&self, view: &View) -> Result<Arc<Repository>, Failure> {
        let found = registry::find_repository(view, &self.key)?;
        Ok(found.ok_or_else(|| wording::no_repository(&self.key))?)
    }

    /// A check against the repository, with its tags and its policy.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn permission(&self, view: &View, action: &'static str) -> Result<Permission, StoreError> {
        registry::permission(view, action, &self.key)
    }

    /// The repository.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`
    pub fn existing(&self) -> Result<&Arc<Repository>, ServiceError> {
        self.repository.as_ref().ok_or_else(|| wording::no_repository(&self.key))
    }

    /// The repository, to read or write images: the key that it is under can be used.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`, `KmsException`
    pub(super) fn open(&self, view: &View) -> Result<&Arc<Repository>, Failure> {
        let repository = self.existing()?;
        settings::check_key(view, &repository.encryption)?;
        Ok(repository)
    }

    /// The repository as uploads know theirs.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`
    pub(super) fn home(&self) -> Result<Home, ServiceError> {
        Ok(Home { key: self.key.clone(), incarnation: self.existing()?.incarnation })
    }

    /// `registryId` in answers.
    pub fn registry_id(&self) -> Option<String> {
        Some(self.key.0.to_string())
    }

    /// `repositoryName` in answers.
    pub fn name(&self) -> Option<String> {
        Some(self.key.2.clone())
    }
}

/// The account of a `registryId`; the caller's own by default.
pub(super) fn registry_account(
    cx: &Context<'_>,
    registry_id: Option<&str>,
) -> Result<AccountId, ServiceError> {
    let Some(id) = registry_id else { return Ok(cx.account().clone()) };
    id.parse().map_err(|_| wording::invalid("registryId", "must satisfy regular expression '[0-9]{12}'"))
}

/// Whether a repository can have this name.
pub(crate) fn is_repository_name(name: &str) -> bool {
    name.len() >= 2 && name.parse::<landfall_registry::RepositoryName>().is_ok()
}

/// # Errors
/// `InvalidParameterException`
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    if is_repository_name(name) {
        return Ok(());
    }
    let pattern =
        r"must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'";
    Err(wording::invalid("repositoryName", pattern))
}
