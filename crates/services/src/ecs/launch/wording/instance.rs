//! The container agent's words, on EC2 and external instances. The agent capitalises the first letter of what it submits.

use landfall_shape::ServiceError;

use super::super::problem::{Problem, Purpose};
use super::sdk;
use crate::ecr::pull_through::{Missed, Why};
use crate::ecs::image_host::EcrImage;

/// Around an error of a container's log driver.
const LOGS: &str = "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create \
     Cloudwatch ";
/// Of the log driver, for options that it does not take.
const LOG_OPTIONS: &str =
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: ";
/// Of the log driver, without a role to ask with.
const NO_CREDENTIALS: &str = "NoCredentialProviders: no valid providers in chain. Deprecated.";

pub(super) fn reason(purpose: &Purpose, problem: &Problem, request_id: &str) -> String {
    capitalised(&text(purpose, problem, request_id))
}

/// As the agent puts it before it submits anything.
pub(super) fn text(purpose: &Purpose, problem: &Problem, request_id: &str) -> String {
    let called = |service, operation| match problem {
        Problem::Refused(error) => sdk::newer(service, operation, error, request_id),
        other => other.to_string(),
    };
    match purpose {
        Purpose::Role { arn } => super::cannot_assume(arn),
        Purpose::Registry { parameter } => registry(parameter, problem, request_id),
        Purpose::Ecr => match problem {
            Problem::NoRole => "CannotPullECRContainerError: engine ecr credentials: not found".to_owned(),
            _ => format!("CannotPullECRContainerError: {}", called("ECR", "GetAuthorizationToken")),
        },
        Purpose::Secret { value_from, secret_id } => secret(value_from, secret_id, problem, request_id),
        Purpose::Parameter { region } => match problem {
            Problem::NoRole => "ssm secret resource: unable to find execution role credentials".to_owned(),
            _ => format!(
                "fetching secret data from SSM Parameter Store in {region}: {}",
                called("SSM", "GetParameters")
            ),
        },
        Purpose::Bucket { .. } | Purpose::EnvironmentFile { .. } if *problem == Problem::NoRole => {
            "environment file resource: unable to find execution role credentials".to_owned()
        }
        Purpose::Bucket { bucket } => format!(
            "unable to initialize s3 client for bucket {bucket}, error: {}",
            called("S3", "GetBucketLocation")
        ),
        Purpose::EnvironmentFile { bucket, key } => format!(
            "unable to download env file with key {key} from bucket {bucket}, error: {}",
            called("S3", "GetObject")
        ),
        Purpose::EcrImage(image) => ecr_image(image, problem),
        Purpose::LogGroup => format!("{LOGS}log group: {}", logs(problem, &called, "CreateLogGroup")),
        Purpose::LogStream if matches!(problem, Problem::LogOption { .. }) => {
            format!("{LOG_OPTIONS}{problem}")
        }
        Purpose::LogStream => format!("{LOGS}log stream: {}", logs(problem, &called, "CreateLogStream")),
    }
}

/// Before what the Docker daemon says of a manifest that it does not get.
const MANIFEST: &str = "CannotPullImageManifestError: Error response from daemon: ";

/// What the daemon says of an image that the pull-through cache did not get.
fn upstream(image: &EcrImage, Missed { why, said, .. }: &Missed) -> String {
    match why {
        Why::NotFound => format!("{MANIFEST}manifest unknown: {}", said.message),
        Why::Refused => format!(
            "CannotPullContainerError: Error response from daemon: pull access denied for {}, repository does not exist or may \
             require 'docker login': denied: {}",
            image.name(),
            said.message
        ),
        Why::TooManyRequests => format!("{MANIFEST}toomanyrequests: {}", said.message),
        Why::Failed => format!("{MANIFEST}unavailable: {}", said.message),
    }
}

/// As the agent passes on what the Docker daemon says of a registry's answer, with what it puts before a refusal.
fn ecr_image(image: &EcrImage, problem: &Problem) -> String {
    const LAYER: &str = "CannotPullContainerError: Error response from daemon: error pulling image configuration: download failed \
                         after attempts=1: ";
    match problem {
        Problem::LayerAtS3 { .. } => format!(
            "{LAYER}error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"<?xml \
             version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?>\\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>\""
        ),
        Problem::NoLayer { error, .. } => match error.code {
            "AccessDeniedException" | "KmsException" => format!("{LAYER}denied: {}", error.message),
            _ => format!("{LAYER}unknown blob"),
        },
        Problem::Refused(error) if error.code == "KmsException" => format!(
            "CannotPullContainerError: Error response from daemon: pull access denied for {}, repository does not exist or may \
             require 'docker login': denied: {}",
            image.name(),
            error.message
        ),
        Problem::NoImage(_) => format!("{MANIFEST}manifest unknown: Requested image not found"),
        Problem::Upstream(missed) => upstream(image, missed),
        Problem::Refused(error) if error.code == "AccessDeniedException" => format!(
            "CannotPullContainerError: The task can\u{2019}t pull the image. Check that the role has the permissions to \
             pull images from the registry. Error response from daemon: pull access denied for {}, repository does not \
             exist or may require 'docker login': denied: {}",
            image.name(),
            error.message
        ),
        Problem::Refused(error) => format!("{MANIFEST}name unknown: {}", error.message),
        _ => "CannotPullECRContainerError: engine ecr credentials: not found".to_owned(),
    }
}

fn logs(
    problem: &Problem,
    called: &dyn Fn(&'static str, &'static str) -> String,
    operation: &'static str,
) -> String {
    match problem {
        Problem::NoRole => NO_CREDENTIALS.to_owned(),
        _ => called("CloudWatch Logs", operation),
    }
}

fn registry(parameter: &str, problem: &Problem, request_id: &str) -> String {
    match problem {
        Problem::Refused(error) => {
            format!("asm fetching secret from the service for {parameter}: {}", get_secret(error, request_id))
        }
        Problem::NoRole => "asm resource: unable to find execution role credentials".to_owned(),
        other => other.to_string(),
    }
}

fn secret(value_from: &str, secret_id: &str, problem: &Problem, request_id: &str) -> String {
    match problem {
        Problem::Refused(error) if error.code == "ResourceNotFoundException" => format!(
            "ResourceNotFoundException: The task can't retrieve the secret with ARN '{secret_id}' from AWS Secrets \
             Manager. Check whether the secret exists in the specified Region: {}",
            get_secret(error, request_id)
        ),
        Problem::Refused(error) => {
            // The agent writes the error twice.
            let error = get_secret(error, request_id);
            format!("secret {secret_id}: {error}: {error}")
        }
        Problem::NoRole => "ASM secret resource: unable to find execution role credentials".to_owned(),
        Problem::MalformedArn => {
            format!("trying to retrieve secret with value {value_from} resulted in error: {problem}")
        }
        other => other.to_string(),
    }
}

fn get_secret(error: &ServiceError, request_id: &str) -> String {
    sdk::newer("Secrets Manager", "GetSecretValue", error, request_id)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
