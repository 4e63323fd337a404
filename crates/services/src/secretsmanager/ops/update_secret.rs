//! `UpdateSecret`: another description, another key, or a new current version.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::{SECRETS, Secret};
use crate::secretsmanager::rules;
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
}

impl Resolve for api::UpdateSecret {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target
            .permission("secretsmanager:UpdateSecret")
            .with_some("secretsmanager:Description", input.description.as_deref())
            .with_some("secretsmanager:KmsKeyId", input.kms_key_id.as_deref());
        refuse_type(input.r#type.as_deref())?;
        let value = SecretValue::of(input.secret_string, input.secret_binary)?;
        let request = Request {
            target,
            description: input.description,
            kms_key_id: input.kms_key_id,
            version: NewVersion::of(value, input.client_request_token)?,
        };
        Ok(Checked::one(request, permission))
    }
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
        rules::check_key(request.kms_key_id.as_deref(), &request.target.key.0, cx.region())?;
        if let Some(description) = request.description {
            secret.description = Some(description).filter(|text| !text.is_empty());
        }
        secret.changed_at = cx.now;
        if let Some(version) = &request.version {
            versions::add(cx, tx, &request.target.key, &mut secret, version)?;
        }
        tx.put(&SECRETS, &request.target.key, &secret);
        Ok(api::UpdateSecretResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
            version_id: request.version.map(|version| version.id),
        })
    }
}

/// Only a new value needs the key.
fn writable(request: &Request) -> Result<&Arc<Secret>, ServiceError> {
    if request.version.is_some() { request.target.readable() } else { request.target.usable() }
}
