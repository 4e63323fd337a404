//! Secrets as other services read them: for a caller, with the caller's permissions.

use landfall_api::secretsmanager::GetSecretValueResponse;
use landfall_base::{AccountId, Arn};
use landfall_store::{StoreError, View};

use super::ops::get_secret_value::{permissions, read_value};
use super::record::SECRETS;
use super::target::Target;
use super::versions;
use crate::pipe::{Context, Failure, Permission};

/// One version of a secret that a service reads for its caller. The service declares the permissions among those of its
/// own operation and then reads: so every check of `GetSecretValue` is made, and recorded, before anything is decrypted.
#[derive(Debug)]
pub struct SecretReading {
    target: Target,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl SecretReading {
    /// Looks a secret up. A selector is a version id or a staging label.
    ///
    /// # Errors
    /// `ValidationException` for what can be no secret's name; a row cannot be read.
    pub fn find(
        cx: &Context<'_>,
        view: &View,
        secret_id: &str,
        selector: Option<&str>,
    ) -> Result<Self, Failure> {
        let target = Target::find(cx, view, secret_id)?;
        let is_version = match selector {
            Some(selector) => versions::get(view, &target.key, selector)?.is_some(),
            None => false,
        };
        let selector = selector.map(str::to_owned);
        let (version_id, version_stage) = if is_version { (selector, None) } else { (None, selector) };
        Ok(Self { target, version_id, version_stage })
    }

    /// The checks of `GetSecretValue`.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn permissions(&self, cx: &Context<'_>, view: &View) -> Result<Vec<Permission>, Failure> {
        permissions(cx, view, &self.target, self.version_id.as_deref(), self.version_stage.as_deref())
    }

    /// What `GetSecretValue` answers.
    ///
    /// # Errors
    /// Those of `GetSecretValue`.
    pub fn read(&self, cx: &Context<'_>, view: &View) -> Result<GetSecretValueResponse, Failure> {
        let (id, stage) = (self.version_id.as_deref(), self.version_stage.as_deref());
        Ok(read_value(cx, view, &self.target, id, stage)?.into_response())
    }
}

/// The secrets of an account that have this name, in all Regions, but for those that are going to be deleted.
///
/// # Errors
/// A row cannot be read.
pub fn named(view: &View, account: &AccountId, name: &str) -> Result<Vec<Arn>, StoreError> {
    let mut found = Vec::new();
    for row in view.scan(&SECRETS, (account,)) {
        let ((_, _, other), secret) = row?;
        if other == name && secret.deletion.is_none() {
            found.push(secret.arn.clone());
        }
    }
    Ok(found)
}
