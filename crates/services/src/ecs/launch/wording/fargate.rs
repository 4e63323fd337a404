//! Fargate's words (Developer Guide, "Stopped tasks error messages", `ResourceInitializationError`).

use super::super::problem::{Problem, Purpose};
use super::sdk;
use crate::ecr::pull_through::Why;
use crate::ecs::image_host::EcrImage;

/// Registry credentials, tokens and secrets begin like this.
const RESOURCES: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";
/// Of a registry credential in Secrets Manager.
const REGISTRY: &str = "unable to get registry auth from asm: service call has been retried 1 time(s): ";
/// Of a secret for the environment.
const SECRET: &str = "unable to retrieve secret from asm: service call has been retried 1 time(s): ";
/// Of a parameter for the environment.
const PARAMETER: &str = "unable to retrieve secrets from ssm: service call has been retried 1 time(s): ";
/// Of a token for ECR.
const ECR: &str = "unable to retrieve ecr registry auth: service call has been retried 1 time(s): ";
/// Of an environment file.
const ENVIRONMENT_FILE: &str = "ResourceInitializationError: failed to download env files: file download command: non \
                                empty error stream: ";
/// Of the log driver.
const LOGS: &str = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 \
                    times: failed to create Cloudwatch ";

pub(super) fn reason(purpose: &Purpose, problem: &Problem, request_id: &str) -> String {
    let cause = cause(problem, request_id);
    match purpose {
        Purpose::Role { arn } => super::cannot_assume(arn),
        Purpose::Registry { parameter } => match problem {
            Problem::Refused(_) => {
                format!("{RESOURCES}{REGISTRY}asm fetching secret from the service for {parameter}: {cause}")
            }
            _ => format!("{RESOURCES}{REGISTRY}{cause}"),
        },
        Purpose::Secret { secret_id, .. } => match problem {
            Problem::Refused(_) => {
                format!("{RESOURCES}{SECRET}failed to fetch secret {secret_id} from secrets manager: {cause}")
            }
            _ => format!("{RESOURCES}{SECRET}{cause}"),
        },
        Purpose::Parameter { .. } => format!("{RESOURCES}{PARAMETER}{cause}"),
        Purpose::Ecr => format!("{RESOURCES}{ECR}{cause}"),
        Purpose::EcrImage(image) => ecr_image(image, problem),
        Purpose::Bucket { .. } | Purpose::EnvironmentFile { .. } => format!("{ENVIRONMENT_FILE}{cause}"),
        Purpose::LogGroup => format!("{LOGS}log group: {cause} : exit status 1"),
        Purpose::LogStream if matches!(problem, Problem::LogOption { .. }) => {
            format!("ResourceInitializationError: failed to validate logger args: {cause} : exit status 1")
        }
        Purpose::LogStream => format!("{LOGS}log stream: {cause} : exit status 1"),
    }
}

/// As containerd tells what a registry answers. It asks for a manifest with `HEAD`, whose answer has no body, so that a task on
/// Fargate is told the status and not ECR's sentence: `403 Forbidden`, whether the role's or another account's repository policy
/// does not allow `ecr:BatchGetImage`, and the bare status of what an upstream registry of the pull-through cache answered.
/// Stopped tasks of Fargate that users have shown in public say so; `denied: User: … is not authorized to perform: …` is the
/// Docker daemon's, and so the container agent's. Of a layer, which is asked for with `GET`, ECR's sentence is told.
fn ecr_image(image: &EcrImage, problem: &Problem) -> String {
    if let Some(answer) = layer(image, problem) {
        return format!(
            "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: {answer}"
        );
    }
    let EcrImage { host, repository, .. } = image;
    let answer = match (status(problem), &image.digest) {
        (None, _) => "not found".to_owned(),
        (Some(status), None) => format!(
            "pulling from host {host} failed with status code [manifests {}]: {status}",
            image.reference()
        ),
        (Some(status), Some(digest)) => format!(
            "unexpected status from HEAD request to https://{host}/v2/{repository}/blobs/{digest}: {status}"
        ),
    };
    let reference = if image.digest.is_some() || image.image.ends_with(&format!(":{}", image.reference())) {
        image.image.clone()
    } else {
        format!("{}:{}", image.image, image.reference())
    };
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: \
         {answer}"
    )
}

/// With what the registry answers a request for a manifest; `None` where there is none.
fn status(problem: &Problem) -> Option<&'static str> {
    match problem {
        Problem::NoImage(_) => None,
        Problem::Refused(error) => {
            matches!(error.code, "AccessDeniedException" | "KmsException").then_some("403 Forbidden")
        }
        Problem::Upstream(missed) => match missed.why {
            Why::NotFound => None,
            Why::Refused => Some("403 Forbidden"),
            Why::TooManyRequests => Some("429 Too Many Requests"),
            Why::Failed => Some("502 Bad Gateway"),
        },
        _ => Some("403 Forbidden"),
    }
}

/// What containerd says of a layer that it does not get. What the bucket answers is no document of a registry.
fn layer(EcrImage { host, repository, .. }: &EcrImage, problem: &Problem) -> Option<String> {
    match problem {
        Problem::LayerAtS3 { .. } => Some(problem.to_string()),
        Problem::NoLayer { digest, error } => Some(match error.code {
            "AccessDeniedException" | "KmsException" => format!(
                "unexpected status code https://{host}/v2/{repository}/blobs/{digest}: 403 Forbidden - Server message: denied: {}",
                error.message
            ),
            _ => format!("content at https://{host}/v2/{repository}/blobs/{digest} not found: not found"),
        }),
        _ => None,
    }
}

fn cause(problem: &Problem, request_id: &str) -> String {
    match problem {
        Problem::Refused(error) => sdk::older(error, request_id),
        other => other.to_string(),
    }
}
