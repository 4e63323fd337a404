//! Failures in the words that ECS users know: containerd's for Fargate, the container agent's for EC2 and external
//! instances (ECS Developer Guide, "Stopped tasks error messages").

use landfall_acs::LaunchKind;
use landfall_image::{PullError, PullErrorKind};
use landfall_runtime::{RuntimeError, StartFailureKind};

/// Which half of a pull failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Asking what the reference means.
    Resolve,
    /// Bringing the layers.
    Pull,
}

/// A failed pull.
pub(crate) fn pull(launch: LaunchKind, stage: Stage, error: &PullError) -> String {
    let tries = error.attempts().max(1);
    match (launch, stage) {
        (LaunchKind::Fargate, Stage::Resolve) => format!(
            "CannotPullContainerError: pull image manifest has been retried {tries} time(s): {}",
            error.containerd_text()
        ),
        (LaunchKind::Fargate, Stage::Pull) => {
            format!(
                "CannotPullContainerError: ref pull has been retried {tries} time(s): {}",
                error.containerd_text()
            )
        }
        (_, Stage::Resolve) => format!("CannotPullImageManifestError: {}", error.docker_text()),
        (_, Stage::Pull) => format!("CannotPullContainerError: {}", error.docker_text()),
    }
}

/// What to change after a failed pull.
pub(crate) fn pull_hint(error: &PullError, notes: &[String]) -> String {
    let anonymous = notes.iter().any(|note| note.starts_with("without"));
    match error.kind() {
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized | PullErrorKind::Denied if anonymous => {
            "the registry wants a login: add `repositoryCredentials` with a secret that holds `username` and `password`"
        }
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized => {
            "the registry does not accept this user and password: put the right ones into the secret with `aws \
             secretsmanager put-secret-value`"
        }
        PullErrorKind::Denied => "the user is known and may not pull this repository: grant it at the registry",
        PullErrorKind::NotFound => "there is no such repository or tag: check the image's name, or push it first",
        PullErrorKind::TooManyRequests => "the registry limits requests: wait, or log in as a user with a higher limit",
        PullErrorKind::PlatformMismatch => {
            "the image was not built for this platform: build it for it, or set `runtimePlatform`"
        }
        PullErrorKind::Timeout | PullErrorKind::Connection => {
            "the registry cannot be reached from here: check the host name, the port and the network"
        }
        PullErrorKind::NoSpace => "the disk is full: free space below the data directory",
        _ => "look at the registry: its answer is not what an OCI registry gives",
    }
    .to_owned()
}

/// A container that did not start.
pub(crate) fn start(launch: LaunchKind, error: &RuntimeError) -> String {
    let fargate = launch == LaunchKind::Fargate;
    match error {
        RuntimeError::Start(failure) if failure.kind == StartFailureKind::User => {
            let daemon = if fargate { "" } else { "Error response from daemon: " };
            format!("CannotStartContainerError: {daemon}{failure}")
        }
        RuntimeError::Start(failure) => {
            let from = if fargate {
                "ResourceInitializationError: failed to create new container runtime task"
            } else {
                "Error response from daemon"
            };
            format!(
                "CannotStartContainerError: {from}: failed to create shim task: OCI runtime create failed: runc create \
                 failed: unable to start container process: {failure}: unknown"
            )
        }
        _ if fargate => format!("CannotCreateContainerError: {error}"),
        _ => format!("CannotCreateContainerError: Error response from daemon: {error}"),
    }
}

/// A task whose network could not be made.
pub(crate) fn sandbox(launch: LaunchKind, error: &RuntimeError) -> String {
    match (launch, error) {
        (LaunchKind::Fargate, _) => {
            format!("ResourceInitializationError: failed to configure the task's network: {error}")
        }
        (_, RuntimeError::PortTaken { .. }) => format!(
            "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity: {error}"
        ),
        _ => format!("ContainerNetworkingError: {error}"),
    }
}
