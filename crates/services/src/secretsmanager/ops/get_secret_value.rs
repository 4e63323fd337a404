//! `GetSecretValue`: one value of a secret, in plaintext.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::secretsmanager::record::{SECRETS, Secret, SecretKey, VERSIONS, Version};
use crate::secretsmanager::stages::CURRENT;
use crate::secretsmanager::target::Target;
use crate::secretsmanager::value::SecretValue;
use crate::secretsmanager::{encryption, rules, versions};

/// A version of a secret to be read.
#[derive(Debug)]
pub struct Request {
    target: Target,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl Resolve for api::GetSecretValue {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let (id, stage) = (input.version_id.as_deref(), input.version_stage.as_deref());
        let permissions = permissions(cx, view, &target, id, stage)?;
        let request = Request { target, version_id: input.version_id, version_stage: input.version_stage };
        Ok(Checked::all(request, permissions))
    }
}

/// The check for reading a version. Without id or label the key `secretsmanager:VersionStage` holds the label that is
/// read: a policy that allows the current value only must not stand in the way of a plain read.
fn permission(target: &Target, id: Option<&str>, stage: Option<&str>) -> Permission {
    let stage = stage.or(if id.is_none() { Some(CURRENT) } else { None });
    target
        .permission("secretsmanager:GetSecretValue")
        .with_some("secretsmanager:VersionId", id)
        .with_some("secretsmanager:VersionStage", stage)
}

/// The checks for reading a version: of the secret, and of the customer's key that the version is under.
///
/// # Errors
/// A row cannot be read.
pub(in crate::secretsmanager) fn permissions(
    cx: &Context<'_>,
    view: &View,
    target: &Target,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<Vec<Permission>, Failure> {
    let mut permissions = vec![permission(target, id, stage)];
    if let Ok(secret) = target.readable()
        && let Ok(id) = choose(secret, id, stage)
        && let Some(version) = versions::get(view, &target.key, &id)?
    {
        permissions.extend(encryption::read_permission(cx, view, &secret.arn, &id, &version)?);
    }
    Ok(permissions)
}

impl ReadHandler for api::GetSecretValue {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let (id, stage) = (request.version_id.as_deref(), request.version_stage.as_deref());
        Ok(read_value(cx, view, &request.target, id, stage)?.into_response())
    }
}

/// A value that was read, and where it belongs.
pub(in crate::secretsmanager) struct ReadValue {
    pub(in crate::secretsmanager) secret: Arc<Secret>,
    pub(in crate::secretsmanager) version_id: String,
    pub(in crate::secretsmanager) version: Arc<Version>,
    pub(in crate::secretsmanager) value: SecretValue,
}

impl ReadValue {
    /// As `GetSecretValue` answers.
    pub(in crate::secretsmanager) fn into_response(self) -> api::GetSecretValueResponse {
        let (secret_string, secret_binary) = self.value.into_members();
        api::GetSecretValueResponse {
            arn: Some(self.secret.arn.to_string()),
            name: Some(self.secret.name.clone()),
            version_stages: Some(self.secret.stages.labels(&self.version_id)),
            version_id: Some(self.version_id),
            secret_binary,
            secret_string,
            created_date: Some(self.version.created_at),
        }
    }
}

/// Reads a version of a secret and notes the day.
pub(in crate::secretsmanager) fn read_value(
    cx: &Context<'_>,
    view: &View,
    target: &Target,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<ReadValue, Failure> {
    let secret = target.readable()?;
    let version_id = choose(secret, id, stage)?;
    let version = versions::get(view, &target.key, &version_id)?;
    let missing = || match (id, stage) {
        // A version that a rotation is going to make.
        (None, Some(stage)) => no_stage(stage),
        _ => no_version(&version_id),
    };
    let version = version.ok_or_else(missing)?;
    if stage.is_some_and(|stage| secret.stages.version(stage) != Some(version_id.as_str())) {
        let message = "You provided a VersionStage that is not associated to the provided VersionId.";
        return Err(api::error::invalid_request_exception(message).into());
    }
    if target.is_foreign() && encryption::key_arn(&version).is_none() {
        return Err(rules::default_key_across_accounts().into());
    }
    let value = SecretValue::open(cx, view, &secret.arn, &version_id, &version)?;
    note_access(cx, &target.key, secret, &version_id, &version);
    Ok(ReadValue { secret: Arc::clone(secret), version_id, version, value })
}

/// The id of the version that is asked for.
fn choose(secret: &Secret, id: Option<&str>, stage: Option<&str>) -> Result<String, ServiceError> {
    if let Some(id) = id {
        return Ok(id.to_owned());
    }
    let stage = stage.unwrap_or(CURRENT);
    secret.stages.version(stage).map(str::to_owned).ok_or_else(|| no_stage(stage))
}

fn no_stage(stage: &str) -> ServiceError {
    let what = "Secrets Manager can't find the specified secret value for staging label";
    api::error::resource_not_found_exception(format!("{what}: {stage}"))
}

/// The error for a version that does not exist.
pub(super) fn no_version(id: &str) -> ServiceError {
    let what = "Secrets Manager can't find the specified secret value for VersionId";
    api::error::resource_not_found_exception(format!("{what}: {id}"))
}

/// Dates of access are days, so at most one read a day has something to write.
fn note_access(cx: &Context<'_>, key: &SecretKey, secret: &Secret, id: &str, version: &Version) {
    let today = Some(cx.now.day());
    if secret.accessed_on == today && version.accessed_on == today {
        return;
    }
    let (key, arn, id) = (key.clone(), secret.arn.clone(), id.to_owned());
    cx.defer(move |tx| {
        let same = tx.get(&SECRETS, &key).is_ok_and(|row| row.is_some_and(|row| row.arn == arn));
        if !same {
            return;
        }
        let secret = tx.update(&SECRETS, &key, |secret| secret.accessed_on = today);
        let (account, region, name) = &key;
        let version_key = (account, region, name.as_str(), id.as_str());
        let version = tx.update(&VERSIONS, &version_key, |version| version.accessed_on = today);
        if let Err(error) = secret.and(version) {
            tracing::warn!(%error, secret = %arn, "the day of the last access was not noted");
        }
    });
}
