//! `RotateSecret`: turns rotation on, and rotates at once unless told otherwise.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_base::Arn;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::rotation::{self, Purpose, ROTATIONS, Rotation, schedule::Rules};
use crate::secretsmanager::target::Target;

/// A rotation to be set up.
#[derive(Debug)]
pub struct Request {
    target: Target,
    token: Option<String>,
    function_arn: Option<String>,
    rules: Option<Rules>,
    immediately: bool,
}

impl Resolve for api::RotateSecret {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        refuse_external(&input)?;
        let changes_rules = input.rotation_rules.is_some();
        let permission = target
            .permission("secretsmanager:RotateSecret")
            .with_some("secretsmanager:RotationLambdaARN", input.rotation_lambda_arn.as_deref())
            .with("secretsmanager:ModifyRotationRules", changes_rules.to_string())
            .with_some(
                "secretsmanager:RotateImmediately",
                input.rotate_immediately.map(|immediately| immediately.to_string()),
            );
        let kept = target.existing().ok().and_then(|secret| secret.rotation.as_ref());
        let function_arn = input.rotation_lambda_arn.or_else(|| kept.map(|it| it.function_arn.clone()));
        let invoke = function_arn.as_deref().map(|arn| invoke(view, arn)).transpose()?.flatten();
        let request = Request {
            target,
            token: input.client_request_token,
            function_arn,
            rules: input.rotation_rules.map(Rules::of).transpose()?,
            immediately: input.rotate_immediately.unwrap_or(true),
        };
        Ok(Checked::all(request, [permission].into_iter().chain(invoke).collect()))
    }
}

/// Secrets that partners hold have rotation of their own, and no partner is connected to this installation.
fn refuse_external(input: &api::RotateSecretRequest) -> Result<(), ServiceError> {
    if input.external_secret_rotation_metadata.is_none() && input.external_secret_rotation_role_arn.is_none()
    {
        return Ok(());
    }
    Err(api::error::invalid_parameter_exception(
        "Rotation by a partner is not available in this installation: leave out ExternalSecretRotationMetadata and \
         ExternalSecretRotationRoleArn.",
    ))
}

/// Whoever turns rotation on must be allowed to invoke the function (API reference, `RotateSecret`).
fn invoke(view: &View, arn: &str) -> Result<Option<Permission>, Failure> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let policy = rotation::find(view, arn)?.map(|function| Arc::clone(&function.policy));
    Ok(Some(Permission::on(rotation::INVOKE, &parsed).guarded_by(policy)))
}

impl WriteHandler for api::RotateSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let key = &request.target.key;
        let mut secret = Secret::clone(Arc::as_ref(request.target.changeable()?));
        let no_function = || {
            let message = "No Lambda rotation function ARN is associated with this secret.";
            api::error::invalid_request_exception(message)
        };
        let function_arn = request.function_arn.ok_or_else(no_function)?;
        rotation::invocable(cx, tx, &secret, &function_arn)?;
        let under_way = tx.get(&ROTATIONS, key)?.filter(|run| !run.given_up);
        if let Some(run) = under_way {
            if request.token.as_ref() == Some(&run.token) {
                return Ok(answer(&secret, Some(run.token.clone())));
            }
            let message = "A previous rotation isn't complete. That rotation will be reattempted.";
            return Err(api::error::invalid_request_exception(message).into());
        }
        let before = secret.rotation.take();
        let kept = before.as_ref().map(|rotation| rotation.rules.clone());
        secret.rotation = Some(Rotation {
            enabled: true,
            function_arn,
            rules: request.rules.or(kept).unwrap_or_default(),
            next: before.as_ref().and_then(|rotation| rotation.next),
            last_rotated_at: before.and_then(|rotation| rotation.last_rotated_at),
        });
        rotation::reschedule(tx, key, &mut secret, Some(cx.now));
        secret.changed_at = cx.now;
        let purpose = if request.immediately { Purpose::Rotate } else { Purpose::Test };
        let token = rotation::begin(cx, tx, key, &mut secret, purpose, request.token)?;
        replication::put(tx, key, &mut secret);
        Ok(answer(&secret, request.immediately.then_some(token)))
    }
}

fn answer(secret: &Secret, version_id: Option<String>) -> api::RotateSecretResponse {
    api::RotateSecretResponse {
        arn: Some(secret.arn.to_string()),
        name: Some(secret.name.clone()),
        version_id,
    }
}
