//! The key that a request is about, whether it exists or not, and the checks against it.

use std::sync::Arc;

use landfall_api::kms::error;
use landfall_base::{AccountId, Arn};
use landfall_iam::Grant as Rule;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::ciphertext::Reference;
use super::key_policy;
use super::kind::{Spec, Usage};
use super::names::{KeyName, alias_arn, invalid_id, key_arn, no_alias, service_of};
use super::record::{ALIASES, ALIASES_OF_KEY, GRANTS, KEYS, Key, KeyKey};
use super::rules;
use crate::pipe::{Context, Failure, KeyGuard, Permission, ciphertext_refusal};

/// What a `KeyId` or a ciphertext stands for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where the key is, or would be.
    pub(super) place: KeyKey,
    /// The key's ARN; for an alias that does not exist, the alias's.
    pub(super) arn: Arn,
    /// The grants on the key.
    pub(super) grants: Vec<Rule>,
    key: Option<Arc<Key>>,
    /// What to say of a key that is not there, where that is not what its ARN says.
    missing: Option<ServiceError>,
    alias: Option<String>,
    aliases: Vec<String>,
    by_ciphertext: bool,
}

impl Target {
    /// Looks a key up by id, ARN, alias or alias ARN.
    ///
    /// # Errors
    /// `NotFoundException` for what can be none of them.
    pub(super) fn find(cx: &Context<'_>, view: &View, key_id: &str) -> Result<Self, Failure> {
        Self::find_in(cx, view, cx.account(), key_id)
    }

    /// Looks a key up for an operation that takes no alias.
    ///
    /// # Errors
    /// `NotFoundException` for what can be no key.
    pub(super) fn find_key(cx: &Context<'_>, view: &View, key_id: &str) -> Result<Self, Failure> {
        match KeyName::parse(key_id, cx.account(), cx.region())? {
            KeyName::Key(place) => Self::at(view, place),
            KeyName::Alias(_) => Err(invalid_id(key_id).into()),
        }
    }

    /// Looks a key up by what the owner of `account` calls it.
    ///
    /// # Errors
    /// `NotFoundException` for what can be no key.
    pub(super) fn find_in(
        cx: &Context<'_>,
        view: &View,
        account: &AccountId,
        key_id: &str,
    ) -> Result<Self, Failure> {
        let alias = match KeyName::parse(key_id, account, cx.region())? {
            KeyName::Key(place) => return Self::at(view, place),
            KeyName::Alias(alias) => alias,
        };
        let Some(row) = view.get(&ALIASES, &alias)? else {
            let missing = no_alias(&alias);
            return Ok(Self { arn: alias_arn(&alias), missing: Some(missing), ..Self::absent(alias) });
        };
        let found = Self::at(view, (alias.0, alias.1, row.key_id.clone()))?;
        Ok(Self { alias: Some(alias.2), ..found })
    }

    /// Looks a key up by its ARN, whatever the Region.
    ///
    /// # Errors
    /// `NotFoundException` for what can be no key.
    pub(super) fn of_arn(view: &View, arn: &Arn) -> Result<Self, Failure> {
        let place = arn.account_id().zip(arn.region().parse().ok());
        let (account, region) = place.ok_or_else(|| invalid_id(arn.as_str()))?;
        match KeyName::parse(arn.as_str(), &account, &region)? {
            KeyName::Key(place) => Self::at(view, place),
            KeyName::Alias(_) => Err(invalid_id(arn.as_str()).into()),
        }
    }

    /// Looks up the key that a ciphertext names, for a check of `action`.
    ///
    /// # Errors
    /// `InvalidCiphertextException` for what is not a ciphertext.
    pub(super) fn of_ciphertext(
        cx: &Context<'_>,
        view: &View,
        action: &str,
        ciphertext: &[u8],
    ) -> Result<Self, Failure> {
        let reference = Reference::of(ciphertext).ok_or_else(|| error::invalid_ciphertext_exception(""))?;
        let found = Self::at(view, (reference.account, cx.region().clone(), reference.key_id))?;
        let missing = found.key.is_none().then(|| {
            let refusal = ciphertext_refusal(cx.caller.principal.display(), action);
            ServiceError::client("AccessDeniedException", refusal)
        });
        Ok(Self { by_ciphertext: true, missing, ..found })
    }

    /// The key at a place.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn at(view: &View, place: KeyKey) -> Result<Self, Failure> {
        let Some(key) = view.get(&KEYS, &place)? else { return Ok(Self::absent(place)) };
        let (account, region, id) = &place;
        let grants = view.list(&GRANTS, (account, region, id.as_str()))?;
        let aliases = view.list(&ALIASES_OF_KEY, (account, region, id.as_str()))?;
        Ok(Self {
            grants: grants.into_iter().map(|(_, grant)| grant.effective()).collect(),
            aliases: aliases.into_iter().map(|((_, _, _, alias), _)| alias).collect(),
            key: Some(key),
            ..Self::absent(place)
        })
    }

    fn absent(place: KeyKey) -> Self {
        let arn = key_arn(&place);
        let (grants, aliases) = (Vec::new(), Vec::new());
        Self { place, arn, grants, key: None, missing: None, alias: None, aliases, by_ciphertext: false }
    }

    /// A check against the key, with its policy, its grants and the condition keys that every operation has.
    ///
    /// # Errors
    /// None that can happen.
    pub(super) fn permission(&self, cx: &Context<'_>, action: &'static str) -> Result<Permission, Failure> {
        let permission = Permission::on(action, &self.arn)
            .with_some(
                "kms:CallerAccount",
                (!cx.caller.principal.is_anonymous()).then_some(cx.account().as_str()),
            )
            .with_some("kms:RequestAlias", self.alias.as_deref());
        let Some(key) = &self.key else { return self.without_key(permission) };
        let guard = KeyGuard {
            grants: self.grants.clone(),
            aws_managed: key.managed_for.is_some(),
            by_ciphertext: self.by_ciphertext,
        };
        Ok(permission
            .with("kms:KeySpec", key.spec.as_str())
            .with("kms:KeyUsage", key.usage.as_str())
            .with("kms:KeyOrigin", "AWS_KMS")
            .with("kms:MultiRegion", "false")
            .with_all("kms:ResourceAliases", self.aliases.iter().cloned())
            .with_resource_tags(key.tags())
            .guarded_by_key(Arc::clone(&key.policy), guard))
    }

    /// Where there is no key, IAM decides who learns that in the account, and nobody does elsewhere.
    fn without_key(&self, permission: Permission) -> Result<Permission, Failure> {
        if !self.arn.resource().starts_with("key/") {
            return Ok(permission);
        }
        let guard = KeyGuard { by_ciphertext: self.by_ciphertext, ..KeyGuard::default() };
        Ok(permission.guarded_by_key(key_policy::default(&self.place.0)?, guard))
    }

    /// The service whose default key this is to be, in the caller's account, where it was not needed yet.
    pub(super) fn to_be_made(&self, account: &AccountId) -> Option<&'static str> {
        if self.key.is_some() || self.place.0 != *account {
            return None;
        }
        service_of(&self.place.2)
    }

    /// The key, in whatever state.
    ///
    /// # Errors
    /// `NotFoundException`; for a key that only a ciphertext named, `AccessDeniedException`.
    pub(super) fn existing(&self) -> Result<&Arc<Key>, ServiceError> {
        let missing = || error::not_found_exception(format!("Key '{}' does not exist", self.arn));
        self.key.as_ref().ok_or_else(|| self.missing.clone().unwrap_or_else(missing))
    }

    /// The key, not scheduled for deletion.
    ///
    /// # Errors
    /// As [`existing`](Self::existing), and `KMSInvalidStateException`.
    pub(super) fn present(&self) -> Result<&Arc<Key>, ServiceError> {
        let key = self.existing()?;
        rules::check_present(key).map(|()| key)
    }

    /// The key, ready for use.
    ///
    /// # Errors
    /// As [`present`](Self::present), and `DisabledException`.
    pub(super) fn usable(&self) -> Result<&Arc<Key>, ServiceError> {
        let key = self.existing()?;
        rules::check_enabled(key).map(|()| key)
    }

    /// The key, ready for `operation` with `algorithm`.
    ///
    /// # Errors
    /// As [`usable`](Self::usable), and `InvalidKeyUsageException`.
    pub(super) fn fit_for(
        &self,
        what_for: (Usage, &str),
        algorithm: &str,
    ) -> Result<&Arc<Key>, ServiceError> {
        let key = self.usable()?;
        key.kind().check(key.arn.as_str(), what_for, algorithm).map(|()| key)
    }

    /// The key, ready to encrypt data keys.
    ///
    /// # Errors
    /// As [`fit_for`](Self::fit_for).
    pub(super) fn symmetric(&self, operation: &str) -> Result<&Arc<Key>, ServiceError> {
        self.fit_for((Usage::Encrypt, operation), Spec::Symmetric.as_str())
    }
}

/// A check for an action that is about no key.
pub(super) fn on_account(cx: &Context<'_>, action: &'static str) -> Permission {
    Permission::on_anything(action).with("kms:CallerAccount", cx.account().as_str())
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let Some(id) = arn.resource().strip_prefix("key/") else { return Ok(None) };
    let target = Target::at(view, (cx.account().clone(), cx.region().clone(), id.to_owned()))?;
    target.permission(cx, "kms:DescribeKey").map(Some)
}
