//! Rotation functions and rotations as the API shows them. Variables are left out: they may hold secrets.

use landfall_api::landfall as api;

use crate::secretsmanager::record::Secret;
use crate::secretsmanager::rotation::{Function, Program, Rotation, Run};

/// A function.
pub(super) fn shown(function: &Function) -> api::RotationFunction {
    let (command, image) = match &function.program {
        Program::Command(command) => (Some(command.clone()), None),
        Program::Image(image) => (None, Some(image.clone())),
    };
    api::RotationFunction {
        arn: function.arn.to_string(),
        name: function.name.clone(),
        role_arn: function.role_arn.to_string(),
        command,
        image,
        credential: function.credential.clone(),
        timeout_seconds: i64::from(function.timeout_seconds),
        policy: function.policy.text().to_owned(),
        created_at: Some(function.created_at),
    }
}

/// How a secret is rotated, and how far that is.
pub(super) fn shown_rotation(secret: &Secret, rotation: &Rotation, run: Option<&Run>) -> api::SecretRotation {
    api::SecretRotation {
        secret_arn: secret.arn.to_string(),
        function_arn: rotation.function_arn.clone(),
        enabled: rotation.enabled,
        last_rotated_at: rotation.last_rotated_at,
        next_at: rotation.next.map(|window| window.opens_at),
        version_id: run.map(|run| run.token.clone()),
        step: run.filter(|run| !run.given_up).map(|run| run.step.name().to_owned()),
        failures: run.map(|run| i64::from(run.failures)),
        failure: run.and_then(|run| run.failure.clone()),
        retry_at: run.filter(|run| run.failures > 0 && !run.given_up).map(|run| run.not_before),
    }
}
