//! `PutSecretValue`: a new version of a secret.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::encryption::SealingKey;
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;
use crate::secretsmanager::value::SecretValue;
use crate::secretsmanager::versions::{self, NewVersion};

/// A version to be added.
#[derive(Debug)]
pub struct Request {
    target: Target,
    version: NewVersion,
    sealing: SealingKey,
}

impl Resolve for api::PutSecretValue {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:PutSecretValue");
        let value = SecretValue::of(input.secret_string, input.secret_binary)?;
        let missing =
            || api::error::invalid_request_exception("You must provide either SecretString or SecretBinary.");
        let mut version = NewVersion::of(value, input.client_request_token)?.ok_or_else(missing)?;
        if let Some(labels) = input.version_stages {
            version.labels = labels;
        }
        let mut permissions = vec![permission];
        let sealing = match target.readable() {
            Ok(secret) => SealingKey::of(cx, view, &target.key.0, secret)?,
            Err(_) => SealingKey::Default,
        };
        permissions.extend(sealing.permissions(cx, &target.arn, &version.id)?);
        Ok(Checked::all(Request { target, version, sealing }, permissions))
    }
}

impl WriteHandler for api::PutSecretValue {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, version, sealing } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.writable()?));
        versions::add(cx, tx, &target.key, &mut secret, &sealing, &version)?;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::PutSecretValueResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
            version_stages: Some(secret.stages.labels(&version.id)),
            version_id: Some(version.id),
        })
    }
}
