//! The secret that a request is about, whether it exists or not, and the checks against it.

use std::sync::Arc;

use landfall_base::{Arn, Region};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::names::SecretId;
use super::record::{SECRETS, Secret, SecretKey};
use super::rules;
use crate::pipe::{Context, Failure, Permission};

/// What a `SecretId` stands for.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the secret is, or would be.
    pub key: SecretKey,
    /// The secret's full ARN; for what does not exist, the ARN formed from what was given.
    pub arn: Arn,
    secret: Option<Arc<Secret>>,
    foreign: bool,
    /// What the caller called it, where that is not its ARN. A refusal says no more: the suffix is not for everybody.
    given: Option<String>,
}

impl Target {
    /// Looks a secret up by name, ARN or ARN without suffix.
    ///
    /// # Errors
    /// `ValidationException` for what can be none of them.
    pub fn find(cx: &Context<'_>, view: &View, secret_id: &str) -> Result<Self, Failure> {
        let id = SecretId::parse(secret_id, cx.account(), cx.region()).ok_or_else(rules::invalid_name)?;
        let foreign = id.named.0 != *cx.account();
        let here = id.named.1 == *cx.region() && id.arn.partition() == cx.region().partition();
        let found = if here { look_up(view, &id)? } else { None };
        let (key, arn, secret) = match found {
            Some((key, secret)) => (key, secret.arn.clone(), Some(secret)),
            None => (id.named, id.arn, None),
        };
        let given = (secret_id != arn.as_str()).then(|| secret_id.to_owned());
        Ok(Self { key, arn, secret, foreign, given })
    }

    /// A secret that was found by its key.
    pub fn found(cx: &Context<'_>, key: SecretKey, secret: Arc<Secret>) -> Self {
        let foreign = key.0 != *cx.account();
        Self { key, arn: secret.arn.clone(), secret: Some(secret), foreign, given: None }
    }

    /// A check against the secret, with its tags, its policy and the keys that every operation has.
    pub fn permission(&self, action: &'static str) -> Permission {
        let mut permission = Permission::on(action, &self.arn)
            .with("secretsmanager:SecretId", self.arn.as_str())
            .with("secretsmanager:SecretPrimaryRegion", self.primary_region());
        permission.shown.clone_from(&self.given);
        let Some(secret) = &self.secret else { return permission };
        let function = secret.rotation.as_ref().map(|rotation| rotation.function_arn.as_str());
        let permission = permission
            .with_some("secretsmanager:resource/AllowRotationLambdaArn", function)
            .with_resource_tags(secret.tags())
            .guarded_by(secret.policy.clone());
        secret.tags().fold(permission, |permission, (key, value)| {
            permission.with(format!("secretsmanager:ResourceTag/{key}"), value)
        })
    }

    fn primary_region(&self) -> &str {
        let primary = self.secret.as_ref().and_then(|secret| secret.primary.as_ref());
        primary.map_or_else(|| self.arn.region(), Region::as_str)
    }

    /// Whether the caller is of another account than the secret.
    pub fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The secret, perhaps scheduled for deletion.
    ///
    /// # Errors
    /// `ResourceNotFoundException`
    pub fn existing(&self) -> Result<&Arc<Secret>, ServiceError> {
        self.secret.as_ref().ok_or_else(rules::not_found)
    }

    /// The secret, not scheduled for deletion.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `InvalidRequestException`
    pub fn usable(&self) -> Result<&Arc<Secret>, ServiceError> {
        let secret = self.existing()?;
        if secret.deletion.is_some() { Err(rules::marked_for_deletion()) } else { Ok(secret) }
    }

    /// The secret, perhaps scheduled for deletion, where it is no replica.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `InvalidParameterException`
    pub fn own(&self) -> Result<&Arc<Secret>, ServiceError> {
        let secret = self.existing()?;
        if secret.primary.is_some() { Err(rules::replica()) } else { Ok(secret) }
    }

    /// The secret, where it may be changed.
    ///
    /// # Errors
    /// As [`own`](Self::own) and [`usable`](Self::usable).
    pub fn changeable(&self) -> Result<&Arc<Secret>, ServiceError> {
        self.own()?;
        self.usable()
    }

    /// The secret, where values may be written.
    ///
    /// # Errors
    /// As [`own`](Self::own) and [`readable`](Self::readable).
    pub fn writable(&self) -> Result<&Arc<Secret>, ServiceError> {
        self.own()?;
        self.readable()
    }

    /// The secret, where its values may be read.
    ///
    /// # Errors
    /// As [`usable`](Self::usable), and `InvalidRequestException` for callers of other accounts where the secret's key
    /// does not serve them.
    pub fn readable(&self) -> Result<&Arc<Secret>, ServiceError> {
        let secret = self.usable()?;
        if self.foreign && !rules::may_read_across_accounts(secret) {
            return Err(rules::default_key_across_accounts());
        }
        Ok(secret)
    }
}

/// A whole ARN goes before an ARN without suffix: names that look as if they ended in one are allowed.
fn look_up(view: &View, id: &SecretId) -> Result<Option<(SecretKey, Arc<Secret>)>, Failure> {
    if let Some(key) = id.unsuffixed()
        && let Some(secret) = view.get(&SECRETS, &key)?.filter(|secret| secret.arn == id.arn)
    {
        return Ok(Some((key, secret)));
    }
    Ok(view.get(&SECRETS, &id.named)?.map(|secret| (id.named.clone(), secret)))
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let target = Target::find(cx, view, arn.as_str());
    let there = target.ok().filter(|target| target.secret.is_some());
    Ok(there.map(|target| target.permission("secretsmanager:DescribeSecret")))
}
