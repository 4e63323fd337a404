//! Operations of Landfall's own API, one a file.

mod check_deployment_start;
mod check_task_start;
mod create_account;
mod create_snapshot;
mod delete_organization_policy;
mod delete_rotation_function;
mod describe_deployment_start;
mod describe_pull;
mod describe_task_start;
mod list_accounts;
mod list_allowed_principals;
mod list_organization_policies;
mod list_rotations;
mod put_organization_policy;
mod put_rotation_function;

use landfall_shape::ServiceError;

use crate::ecs::launch::check::ImageLook;
use crate::pipe::Context;

/// What is to be done about the images of a check.
fn image_look(skip: Option<bool>, pull: Option<bool>, token: Option<String>) -> ImageLook {
    match (pull, skip) {
        (Some(true), _) => ImageLook::Pull { token },
        (_, Some(true)) => ImageLook::Skip,
        _ => ImageLook::Ask,
    }
}

/// Whether the caller is of the account that the installation began with: it looks after the others.
fn is_of_default_account(cx: &Context<'_>) -> bool {
    *cx.account() == cx.installation.default_account
}

fn denied(cx: &Context<'_>, action: &str) -> ServiceError {
    let text = format!(
        "User: {} is not authorized to perform: {action} on resource: * because only principals of account {} may do \
         that",
        cx.caller.arn(),
        cx.installation.default_account
    );
    ServiceError::client("AccessDeniedException", text)
}
