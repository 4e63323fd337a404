//! Failures in the words that ECS users know: containerd's for Fargate, the container agent's for EC2 and external
//! instances (ECS Developer Guide, "Stopped tasks error messages").

use std::path::Path;

use landfall_acs::advice::{self, not_started};
use landfall_acs::{
    Assignment, Cause, ContainerAssignment, Dependency, Finding, Fix, LaunchKind, MountPoint, Tmpfs,
};
use landfall_image::{PullError, PullErrorKind, RunConfig};
use landfall_runtime::{RuntimeError, StartFailure, StartFailureKind, check_tmpfs};
use serde_json::Value;

use super::pull::Pulled;
use super::spec::mebibytes;

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
        (_, Stage::Pull) => format!("CannotPullContainerError: {}", with_advice(error.docker_text())),
    }
}

/// What the container agent puts before Docker's words where it knows them; not where a manifest was asked for.
fn with_advice(words: String) -> String {
    let advice = [
        ("denied: requested access to the resource is denied", "Check whether the image exists."),
        ("request canceled while waiting for connection", "Check your network configuration."),
    ];
    match advice.iter().find(|(known, _)| words.contains(known)) {
        Some((_, advice)) => format!("The task can\u{2019}t pull the image. {advice} {words}"),
        None => words,
    }
}

/// Why a pull failed and what to change. `message` is AWS's.
pub(super) fn pull_finding(of: &Pulled<'_>, error: &PullError, message: String) -> Finding {
    let Pulled { image, anonymous, .. } = *of;
    let (cause, headline, fix) = match error.kind() {
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized | PullErrorKind::Denied if anonymous => (
            Cause::Registry,
            format!(
                "the registry of `{image}` wants a login, and the container has no `repositoryCredentials`"
            ),
            "the registry wants a login: add `repositoryCredentials` with a secret that holds `username` and `password`",
        ),
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized => (
            Cause::Registry,
            format!("the registry of `{image}` does not accept the user and password in the secret"),
            "the registry does not accept this user and password: put the right ones into the secret with `aws \
             secretsmanager put-secret-value`",
        ),
        PullErrorKind::Denied => (
            Cause::Registry,
            format!("the registry knows the user, and does not let him pull `{image}`"),
            "the user is known and may not pull this repository: grant it at the registry",
        ),
        PullErrorKind::NotFound => (
            Cause::Registry,
            format!("the registry has no image `{image}`"),
            "there is no such repository or tag: push it, or correct the image's name",
        ),
        PullErrorKind::TooManyRequests => (
            Cause::Registry,
            format!("the registry of `{image}` limits requests"),
            "the registry limits requests: wait, or log in as a user with a higher limit",
        ),
        PullErrorKind::InvalidReference => (
            Cause::Configuration,
            format!("`{image}` is not the name of an image"),
            "correct `image` in the task definition: `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`",
        ),
        PullErrorKind::PlatformMismatch => (
            Cause::Configuration,
            format!("`{image}` was not built for the platform of the task"),
            "the image was not built for this platform: build it for it, or set `runtimePlatform`",
        ),
        PullErrorKind::Timeout | PullErrorKind::Connection => (
            Cause::Network,
            format!("the registry of `{image}` cannot be reached"),
            "the registry cannot be reached from here: check the host name, the port and the network",
        ),
        PullErrorKind::Tls => (
            Cause::Network,
            format!("there is no secure connection to the registry of `{image}`"),
            "check the registry's certificate; for one that speaks plain HTTP start the server with \
             `--insecure-registry HOST`",
        ),
        PullErrorKind::NoSpace | PullErrorKind::LimitExceeded => (
            Cause::Capacity,
            format!("there is no room for `{image}`"),
            "the disk is full, or the image larger than the limit: free space below the data directory",
        ),
        PullErrorKind::Io => (
            Cause::Capacity,
            format!("`{image}` cannot be written to disk"),
            "look at the file system below the data directory",
        ),
        _ => (
            Cause::Registry,
            format!("the registry gives for `{image}` what is no usable image"),
            "look at the registry: its answer is not what an OCI registry gives",
        ),
    };
    let fix = to_paste(of, error, fix).unwrap_or_else(|| Fix::advice(fix));
    Finding { headline, cause, message, fix: Some(fix) }
}

/// What can be pasted.
fn to_paste(of: &Pulled<'_>, error: &PullError, text: &str) -> Option<Fix> {
    match error.kind() {
        PullErrorKind::NoCredential
        | PullErrorKind::Unauthorized
        | PullErrorKind::Denied
        | PullErrorKind::TooManyRequests
            if of.anonymous =>
        {
            of.login.cloned()
        }
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized => {
            Some(Fix::command("put the right user and password into the secret", of.replace?))
        }
        PullErrorKind::Denied | PullErrorKind::TooManyRequests => Some(Fix::command(text, of.replace?)),
        PullErrorKind::NotFound => {
            Some(Fix::instead_of_digest(of.image).unwrap_or_else(|| Fix::command(text, push(of.image))))
        }
        _ => None,
    }
}

fn push(image: &str) -> String {
    format!("docker tag IMAGE {image}\ndocker push {image}")
}

/// Docker's words for a container without a program.
pub(crate) const NO_COMMAND: &str = "No command specified";

/// What was to be started.
#[derive(Clone, Copy)]
pub(crate) struct Started<'a> {
    /// The container.
    pub(crate) container: &'a str,
    /// Its `entryPoint` in the task definition.
    pub(crate) entry_point: Option<&'a Vec<String>>,
    /// Its `command` there.
    pub(crate) command: Option<&'a Vec<String>>,
    /// What its image runs.
    pub(crate) image: &'a RunConfig,
}

/// Why a container did not start and what to change.
pub(crate) fn start_finding(of: Started<'_>, error: &RuntimeError, message: String) -> Finding {
    let mut finding = start_finding_in_words(of.container, error, message);
    if let (RuntimeError::Start(failure), Some(fix)) = (error, &mut finding.fix) {
        fix.document = corrected(failure.kind, of);
    }
    finding
}

/// The members of the task definition with what the image has itself.
fn corrected(kind: StartFailureKind, of: Started<'_>) -> Option<String> {
    let given = |words: Option<&Vec<String>>| words.is_some_and(|it| !it.is_empty());
    let member = |name: &str, words: &[String]| format!("\"{name}\": {}", Value::from(words.to_vec()));
    let image = of.image;
    match kind {
        // Without an entry point the command is the program, if the image has no entry point either.
        StartFailureKind::NotFound | StartFailureKind::NotExecutable if given(of.entry_point) => {
            let runs = given(of.command) || !image.entrypoint.is_empty() || !image.cmd.is_empty();
            runs.then(|| member("entryPoint", &image.entrypoint))
        }
        StartFailureKind::NotFound | StartFailureKind::NotExecutable if given(of.command) => {
            (!image.cmd.is_empty()).then(|| member("command", &image.cmd))
        }
        StartFailureKind::User => {
            let user = if image.user.is_empty() { "0" } else { &image.user };
            Some(format!("\"user\": {}", Value::from(user)))
        }
        StartFailureKind::WorkingDirectory => Some("\"workingDirectory\": \"/\"".to_owned()),
        _ => None,
    }
}

/// What is mounted into a container, and its kernel parameters.
pub(crate) struct Outfit<'a> {
    /// With the host's path, where it is a volume of the host.
    pub(crate) mounts: Vec<(&'a MountPoint, Option<&'a str>)>,
    pub(crate) tmpfs: &'a [Tmpfs],
    pub(crate) controls: &'a [(String, String)],
}

impl<'a> Outfit<'a> {
    pub(crate) fn of(assignment: &'a Assignment, wanted: &'a ContainerAssignment) -> Self {
        let host_path = |point: &MountPoint| {
            let volume = assignment.volumes.iter().find(|it| it.name == point.source_volume);
            volume.and_then(|it| it.host_path.as_deref())
        };
        Self {
            mounts: wanted.mount_points.iter().map(|it| (it, host_path(it))).collect(),
            tmpfs: &wanted.tmpfs,
            controls: &wanted.system_controls,
        }
    }

    /// What to do about a mount or a kernel parameter that could not be made: the members without it, and without what else
    /// is known to fail.
    pub(crate) fn left_out(&self, failure: &StartFailure, known: &[StartFailure]) -> Option<Fix> {
        let names = |failure: &StartFailure, name: &str| failure.message.contains(&format!("`{name}`"));
        let fails = |name: &str| names(failure, name) || known.iter().any(|it| names(it, name));
        let paths = |(point, host): &(&'a MountPoint, Option<&'a str>)| {
            [Some(point.container_path.as_str()), *host].into_iter().flatten()
        };
        if self.mounts.iter().any(|it| paths(it).any(|path| names(failure, path))) {
            let kept = self.mounts.iter().filter(|it| !paths(it).any(fails)).map(|(point, _)| *point);
            return Some(advice::without_mount(kept));
        }
        if self.tmpfs.iter().any(|(path, ..)| names(failure, path)) {
            let options = |it: &'a Tmpfs| if fails(&it.0) { taken(it) } else { it.2.iter().collect() };
            return Some(advice::with_options(self.tmpfs.iter().map(|it| (it, options(it)))));
        }
        let kept = || self.controls.iter().filter(|(name, _)| !fails(name));
        self.controls.iter().any(|(name, _)| names(failure, name)).then(|| advice::without_parameter(kept()))
    }
}

/// The options of a file system in memory that the kernel takes; none where each is taken, and all together are not.
fn taken((path, size, options): &Tmpfs) -> Vec<&String> {
    let takes = |options: &[String]| check_tmpfs(Path::new(path), Some(mebibytes(*size)), options).is_ok();
    let taken: Vec<_> = options.iter().filter(|it| takes(std::slice::from_ref(it))).collect();
    if taken.len() == options.len() { Vec::new() } else { taken }
}

fn start_finding_in_words(container: &str, error: &RuntimeError, message: String) -> Finding {
    let found = |cause, headline: String, fix: &str| Finding {
        headline,
        cause,
        message: message.clone(),
        fix: Some(Fix::advice(fix)),
    };
    let of_image = |headline: String, fix| found(Cause::Configuration, headline, fix);
    match error {
        RuntimeError::Start(failure) => match failure.kind {
            StartFailureKind::NotFound => of_image(
                format!("the program of `{container}` is not in the image"),
                "correct `entryPoint` or `command`, or leave it to the image",
            ),
            StartFailureKind::NotExecutable if failure.message.ends_with("argument list too long") => {
                of_image(
                    format!(
                        "the arguments and the environment of `{container}` are larger than a program can be given"
                    ),
                    "let the program fetch large values itself",
                )
            }
            StartFailureKind::NotExecutable => of_image(
                format!("the program of `{container}` cannot be executed"),
                "make the file executable in the image, and build it for this platform",
            ),
            StartFailureKind::User => of_image(
                format!("the user of `{container}` is not in the image"),
                "give a user that the image has, or a number",
            ),
            StartFailureKind::WorkingDirectory => of_image(
                format!("the working directory of `{container}` cannot be entered"),
                "correct `workingDirectory`",
            ),
            _ => of_image(
                format!("`{container}` cannot be set up: {failure}"),
                "look at mounts, limits and the image",
            ),
        },
        RuntimeError::Invalid(why) if why == NO_COMMAND => of_image(
            format!("`{container}` has no program: neither the image nor the task definition names one"),
            "name a `command` that the image has",
        ),
        RuntimeError::Invalid(why) => {
            of_image(format!("`{container}` cannot be run as written: {why}"), "correct the task definition")
        }
        _ => found(
            Cause::Capacity,
            format!("this machine could not make `{container}`: {error}"),
            "`landfall doctor` says what the machine lacks",
        ),
    }
}

/// A container that has waited too long for another one, in the words of the container agent.
pub(crate) fn dependency_timed_out(
    container: &ContainerAssignment,
    dependency: &Dependency,
    image: &str,
) -> String {
    format!(
        "CannotStartContainerError: dependency graph: container ordering dependency [{}({image}) (RUNNING->RUNNING)] for \
         target [{}({}) (MANIFEST_PULLED->RUNNING)] has timed out.",
        dependency.container, container.name, container.image
    )
}

/// Why a container never started and what to change.
pub(crate) fn dependency_finding(
    container: &ContainerAssignment,
    dependency: &Dependency,
    exit_code: Option<i32>,
    reason: Option<&str>,
) -> Finding {
    let (waiting, other) = (&container.name, &dependency.container);
    let condition = dependency.condition.as_str();
    let (headline, fix) = match (reason, exit_code) {
        (Some(_), _) => (
            format!("`{waiting}` waited for `{other}` to be {condition} longer than its `startTimeout`"),
            format!("give `{other}` a longer `startTimeout`, or find out in its log what takes so long"),
        ),
        (None, Some(code)) => (
            format!(
                "`{waiting}` waits for `{other}` to be {condition}, and that ended with exit code {code}"
            ),
            format!("look at the log of `{other}`: it has to be {condition} before `{waiting}` starts"),
        ),
        (None, None) => (
            format!("`{waiting}` waits for `{other}` to be {condition}, and that never will be"),
            format!("look at the log of `{other}`: it has to be {condition} before `{waiting}` starts"),
        ),
    };
    let message = reason.unwrap_or("Task failed to start").to_owned();
    Finding { headline, cause: Cause::Configuration, message, fix: Some(Fix::advice(fix)) }
}

/// Why a task's network could not be made and what to change.
pub(crate) fn sandbox_finding(error: &RuntimeError, message: String) -> Finding {
    let (headline, fix) = match error {
        RuntimeError::PortTaken { host_port, .. } => (
            format!("port {host_port} of this machine is taken"),
            "stop what uses it, or leave `hostPort` out to get a free one",
        ),
        _ => (
            format!("the task's network could not be made: {error}"),
            "`landfall doctor` says what the machine lacks",
        ),
    };
    Finding { headline, cause: Cause::Capacity, message, fix: Some(Fix::advice(fix)) }
}

/// A container that did not start.
pub(crate) fn start(launch: LaunchKind, error: &RuntimeError) -> String {
    let fargate = launch == LaunchKind::Fargate;
    match error {
        RuntimeError::Start(failure) if failure.kind == StartFailureKind::User => {
            let daemon = if fargate { "" } else { "Error response from daemon: " };
            format!("CannotStartContainerError: {daemon}{failure}")
        }
        RuntimeError::Start(failure) => not_started(launch, &failure.to_string()),
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
