//! `UpdateSecret`: another description, another key, or a new current version.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::secretsmanager::encryption::{self, SealingKey};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;
use crate::secretsmanager::value::SecretValue;
use crate::secretsmanager::versions::{self, NewVersion};

/// Changes to a secret.
#[derive(Debug)]
pub struct Request {
    target: Target,
    description: Option<String>,
    kms_key_id: Option<String>,
    version: Option<NewVersion>,
    sealing: SealingKey,
}

impl Resolve for api::UpdateSecret {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let sealing = sealing(cx, view, &target, input.kms_key_id.as_deref())?;
        let permission = target
            .permission("secretsmanager:UpdateSecret")
            .with_some("secretsmanager:Description", input.description.as_deref())
            .with_some("secretsmanager:KmsKeyId", input.kms_key_id.as_deref())
            .with_some("secretsmanager:KmsKeyArn", sealing.arn().filter(|_| input.kms_key_id.is_some()));
        refuse_type(input.r#type.as_deref())?;
        let value = SecretValue::of(input.secret_string, input.secret_binary)?;
        let version = NewVersion::of(value, input.client_request_token)?;
        let request = Request {
            target,
            description: input.description,
            kms_key_id: input.kms_key_id,
            version,
            sealing,
        };
        let mut permissions = vec![permission];
        permissions.extend(key_permissions(cx, view, &request)?);
        Ok(Checked::all(request, permissions))
    }
}

/// The key that the secret is to be under: the one that the request names, or the one that it is under already.
fn sealing(
    cx: &Context<'_>,
    view: &View,
    target: &Target,
    key_id: Option<&str>,
) -> Result<SealingKey, Failure> {
    match (key_id, target.usable()) {
        (Some(key_id), _) => SealingKey::find(cx, view, &target.key.0, Some(key_id)),
        (None, Ok(secret)) => SealingKey::of(cx, view, &target.key.0, secret),
        (None, Err(_)) => Ok(SealingKey::Default),
    }
}

/// The checks of the keys: of the new one for what is written, of the others for what has to be read for that.
fn key_permissions(cx: &Context<'_>, view: &View, request: &Request) -> Result<Vec<Permission>, Failure> {
    let Request { target, sealing, version, kms_key_id, .. } = request;
    let mut permissions = Vec::new();
    let Ok(secret) = target.usable() else { return Ok(permissions) };
    if let Some(version) = version {
        permissions.extend(sealing.permissions(cx, &secret.arn, &version.id)?);
    }
    if kms_key_id.is_some() {
        permissions.extend(sealing.validation(cx, &secret.arn)?);
        for (id, version) in encryption::to_reseal(cx, view, &target.key, secret, sealing)? {
            permissions.extend(encryption::read_permission(cx, view, &secret.arn, &id, &version)?);
            permissions.extend(sealing.permissions(cx, &secret.arn, &id)?);
        }
    }
    Ok(permissions)
}

/// Types belong to secrets that partners hold, and no partner is connected to this installation.
pub(super) fn refuse_type(kind: Option<&str>) -> Result<(), ServiceError> {
    match kind {
        None | Some("") => Ok(()),
        Some(kind) => Err(api::error::invalid_parameter_exception(format!(
            "The secret type {kind} is not available in this installation: leave out Type."
        ))),
    }
}

impl WriteHandler for api::UpdateSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(writable(&request)?));
        if let Some(key_id) = request.kms_key_id {
            request.sealing.check()?;
            secret.kms_key_id = Some(key_id).filter(|_| !matches!(request.sealing, SealingKey::Default));
            versions::reseal(cx, tx, &request.target.key, &secret, &request.sealing)?;
        }
        if let Some(description) = request.description {
            secret.description = Some(description).filter(|text| !text.is_empty());
        }
        secret.changed_at = cx.now;
        if let Some(version) = &request.version {
            versions::add(cx, tx, &request.target.key, &mut secret, &request.sealing, version)?;
        }
        replication::put(tx, &request.target.key, &mut secret);
        replication::note_key(tx, &request.target.key, &secret)?;
        Ok(api::UpdateSecretResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
            version_id: request.version.map(|version| version.id),
        })
    }
}

/// Only a new value or a new key needs the key. Of a replica nothing but the key can be changed.
fn writable(request: &Request) -> Result<&Arc<Secret>, ServiceError> {
    if request.kms_key_id.is_none() || request.version.is_some() || request.description.is_some() {
        request.target.own()?;
    }
    if request.version.is_some() || request.kms_key_id.is_some() {
        request.target.readable()
    } else {
        request.target.usable()
    }
}
