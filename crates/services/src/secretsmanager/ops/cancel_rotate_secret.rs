//! `CancelRotateSecret`: turns rotation off and ends one that is under way. The pending version stays as it is.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::target::Target;
use crate::secretsmanager::{replication, rotation};

impl Resolve for api::CancelRotateSecret {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:CancelRotateSecret");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::CancelRotateSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        let Some(rotation) = &mut secret.rotation else {
            let message = "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN \
                           configured and you didn't include such an ARN as a parameter in this call.";
            return Err(api::error::invalid_request_exception(message).into());
        };
        rotation.enabled = false;
        secret.changed_at = cx.now;
        let version_id = rotation::cancel(tx, &target.key, &mut secret)?;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::CancelRotateSecretResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
            version_id,
        })
    }
}
