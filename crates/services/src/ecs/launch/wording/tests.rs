use landfall_iam::Layer;
use landfall_shape::ServiceError;

use super::super::advice::plain::Plain;
use super::super::advice::{Circumstances, KeyInUse, KeyState, advise};
use super::super::plan::{Step, When, Work};
use super::super::problem::{CredentialProblem, EnvFileProblem, NotJson, Problem, Purpose, WrongOption};
use super::super::value_from::{self, ValueFrom};
use super::*;
use crate::ecr::pull_through::{Missed, Said, Why};
use crate::ecs::image_host::EcrImage;
use crate::pipe::CheckRecord;

const ID: &str = "f1f2";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub-AbCdEf";
const DENIED: &str = "User: arn:aws:sts::111122223333:assumed-role/exec/7f3a is not authorized to perform: \
                      secretsmanager:GetSecretValue on resource: S because no identity-based policy allows the \
                      secretsmanager:GetSecretValue action";

fn refused(code: &'static str, message: &str) -> Problem {
    Problem::Refused(ServiceError::client(code, message))
}

fn registry() -> Purpose {
    Purpose::Registry { parameter: SECRET.to_owned() }
}

fn secret() -> Purpose {
    Purpose::Secret { value_from: format!("{SECRET}:key::"), secret_id: SECRET.to_owned() }
}

/// Fargate's text and the container agent's for each failure.
fn cases() -> Vec<(Purpose, Problem, String, String)> {
    let mut cases = registry_cases();
    cases.extend(secret_cases());
    cases.extend(log_cases());
    cases.extend(other_cases());
    cases.extend(ecr_cases());
    cases.extend(key_cases());
    cases.extend(content_cases());
    cases.extend(option_cases());
    cases
}

const RESOURCES: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";
const FILES: &str = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: ";
const RETRIED: &str = "service call has been retried 1 time(s): ";

fn registry_cases() -> Vec<(Purpose, Problem, String, String)> {
    let fargate = |tail: &str| format!("{RESOURCES}unable to get registry auth from asm: {RETRIED}{tail}");
    let fetching =
        |tail: &str| fargate(&format!("asm fetching secret from the service for {SECRET}: {tail}"));
    let agent = |tail: &str| {
        format!(
            "Asm fetching secret from the service for {SECRET}: operation error Secrets Manager: GetSecretValue, https \
             response error StatusCode: 400, RequestID: {ID}, {tail}"
        )
    };
    let refusals = [
        ("AccessDeniedException", DENIED, true),
        ("AccessDeniedException", "Access to KMS is not allowed", true),
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", false),
        (
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
            false,
        ),
        (
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
            false,
        ),
    ];
    let refusals = refusals.map(|(code, message, unmodelled)| {
        let (tail, kind) = if unmodelled {
            (format!("{code}: {message} status code: 400, request id: {ID}"), "api error ")
        } else {
            (format!("{code}: {message}"), "")
        };
        (registry(), refused(code, message), fetching(&tail), agent(&format!("{kind}{code}: {message}")))
    });
    let contents = [
        (CredentialProblem::Empty, "asm fetching authorization data: empty secrets value"),
        (
            CredentialProblem::Schema,
            "asm fetching authorization data: unable to unmarshal secret value, invalid schema",
        ),
        (CredentialProblem::Username, "asm fetching username: AuthorizationData is malformed, empty field"),
        (CredentialProblem::Password, "asm fetching password: AuthorizationData is malformed, empty field"),
    ];
    let contents = contents.map(|(problem, text)| {
        (registry(), Problem::Credential(problem), fargate(text), text.replacen("asm", "Asm", 1))
    });
    refusals.into_iter().chain(contents).collect()
}

fn secret_cases() -> Vec<(Purpose, Problem, String, String)> {
    let fargate = |tail: &str| format!("{RESOURCES}unable to retrieve secret from asm: {RETRIED}{tail}");
    let fetch =
        |tail: &str| fargate(&format!("failed to fetch secret {SECRET} from secrets manager: {tail}"));
    let operation = |tail: &str| {
        format!(
            "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: {ID}, \
             {tail}"
        )
    };
    let missing = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    let denied = operation(&format!("api error AccessDeniedException: {DENIED}"));
    let malformed = "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and \
                     try again.";
    let no_key = "retrieved secret from Secrets Manager did not contain json key k";
    vec![
        (
            secret(),
            refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
            fetch(missing),
            format!(
                "ResourceNotFoundException: The task can't retrieve the secret with ARN '{SECRET}' from AWS Secrets \
                 Manager. Check whether the secret exists in the specified Region: {}",
                operation(missing)
            ),
        ),
        (
            secret(),
            refused("AccessDeniedException", DENIED),
            fetch(&format!("AccessDeniedException: {DENIED} status code: 400, request id: {ID}")),
            format!("Secret {SECRET}: {denied}: {denied}"),
        ),
        (
            secret(),
            Problem::MissingKey { key: "k".to_owned(), meant: None },
            fargate(no_key),
            "Retrieved secret from Secrets Manager did not contain json key k".to_owned(),
        ),
        (
            secret(),
            Problem::MalformedArn,
            fargate(malformed),
            format!("Trying to retrieve secret with value {SECRET}:key:: resulted in error: {malformed}"),
        ),
        (
            secret(),
            Problem::NotJson(NotJson::Start),
            fargate("invalid character looking for beginning of value"),
            "Invalid character looking for beginning of value".to_owned(),
        ),
    ]
}

fn log_cases() -> Vec<(Purpose, Problem, String, String)> {
    let fargate = |tail: &str| {
        format!(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
             failed to create Cloudwatch {tail} : exit status 1"
        )
    };
    let agent = |tail: &str| {
        format!(
            "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to \
             create Cloudwatch {tail}"
        )
    };
    let operation = |name: &str, tail: &str| {
        format!(
            "operation error CloudWatch Logs: {name}, https response error StatusCode: 400, RequestID: {ID}, {tail}"
        )
    };
    let missing = "ResourceNotFoundException: The specified log group does not exist.";
    vec![
        (
            Purpose::LogStream,
            refused("ResourceNotFoundException", "The specified log group does not exist."),
            fargate(&format!("log stream: {missing}")),
            agent(&format!("log stream: {}", operation("CreateLogStream", missing))),
        ),
        (
            Purpose::LogStream,
            refused("AccessDeniedException", "no"),
            fargate(&format!("log stream: AccessDeniedException: no status code: 400, request id: {ID}")),
            agent(&format!(
                "log stream: {}",
                operation("CreateLogStream", "api error AccessDeniedException: no")
            )),
        ),
        (
            Purpose::LogGroup,
            refused("AccessDeniedException", "no"),
            fargate(&format!("log group: AccessDeniedException: no status code: 400, request id: {ID}")),
            agent(&format!(
                "log group: {}",
                operation("CreateLogGroup", "api error AccessDeniedException: no")
            )),
        ),
        (
            Purpose::LogStream,
            Problem::NoRole,
            fargate("log stream: unable to find execution role credentials"),
            agent("log stream: NoCredentialProviders: no valid providers in chain. Deprecated."),
        ),
    ]
}

fn other_cases() -> Vec<(Purpose, Problem, String, String)> {
    let role = "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/exec' that was provided for this task. \
                Please verify that the role being passed has the proper trust relationship and permissions and that \
                your IAM user has permissions to pass this role.";
    let no = || refused("UnknownOperationException", "no");
    let older = format!("UnknownOperationException: no status code: 400, request id: {ID}");
    let newer = |service: &str, operation: &str| {
        format!(
            "operation error {service}: {operation}, https response error StatusCode: 400, RequestID: {ID}, api error \
             UnknownOperationException: no"
        )
    };
    vec![
        (
            Purpose::Role { arn: "arn:aws:iam::111122223333:role/exec".to_owned() },
            refused("AccessDenied", "no"),
            role.to_owned(),
            role.to_owned(),
        ),
        (
            Purpose::Ecr,
            no(),
            format!("{RESOURCES}unable to retrieve ecr registry auth: {RETRIED}{older}"),
            format!("CannotPullECRContainerError: {}", newer("ECR", "GetAuthorizationToken")),
        ),
        (
            Purpose::Parameter { region: "us-east-1".to_owned() },
            no(),
            format!("{RESOURCES}unable to retrieve secrets from ssm: {RETRIED}{older}"),
            format!(
                "Fetching secret data from SSM Parameter Store in us-east-1: {}",
                newer("SSM", "GetParameters")
            ),
        ),
        (
            Purpose::Parameter { region: "us-east-1".to_owned() },
            Problem::InvalidParameters(vec!["a".to_owned(), "/b/c".to_owned()]),
            format!("{RESOURCES}unable to retrieve secrets from ssm: {RETRIED}invalid parameters: a,/b/c"),
            "Fetching secret data from SSM Parameter Store in us-east-1: invalid parameters: a,/b/c"
                .to_owned(),
        ),
        (
            Purpose::Bucket { bucket: "b".to_owned() },
            no(),
            format!("{FILES}{older}"),
            format!(
                "Unable to initialize s3 client for bucket b, error: {}",
                newer("S3", "GetBucketLocation")
            ),
        ),
        (
            Purpose::EnvironmentFile { bucket: "b".to_owned(), key: "k.env".to_owned() },
            no(),
            format!("{FILES}{older}"),
            format!(
                "Unable to download env file with key k.env from bucket b, error: {}",
                newer("S3", "GetObject")
            ),
        ),
    ]
}

/// Keys that values are under and that cannot be used.
fn key_cases() -> Vec<(Purpose, Problem, String, String)> {
    let parameter = Purpose::Parameter { region: "us-east-1".to_owned() };
    let disabled = "arn:aws:kms:us-east-1:111122223333:key/0a is disabled.";
    let ssm = (
        parameter,
        refused("InvalidKeyId", disabled),
        format!(
            "{RESOURCES}unable to retrieve secrets from ssm: {RETRIED}InvalidKeyId: {disabled} status code: 400, request id: \
             {ID}"
        ),
        format!(
            "Fetching secret data from SSM Parameter Store in us-east-1: operation error SSM: GetParameters, https response \
             error StatusCode: 400, RequestID: {ID}, api error InvalidKeyId: {disabled}"
        ),
    );
    let secrets = [
        (
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        ),
        (
            "InvalidRequestException",
            "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
        ),
    ];
    let secrets = secrets.map(|(code, message)| {
        let agent = format!(
            "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: {ID}, {code}: \
             {message}"
        );
        (
            secret(),
            refused(code, message),
            format!(
                "{RESOURCES}unable to retrieve secret from asm: {RETRIED}failed to fetch secret {SECRET} from secrets manager: \
                 {code}: {message}"
            ),
            format!("Secret {SECRET}: {agent}: {agent}"),
        )
    });
    secrets.into_iter().chain([ssm]).collect()
}

/// Secrets that are no JSON objects, and environment files that cannot be read.
fn content_cases() -> Vec<(Purpose, Problem, String, String)> {
    let secrets = [
        (
            Problem::NotJson(NotJson::Unfinished),
            "unexpected end of JSON input",
            "Unexpected end of JSON input",
        ),
        (
            Problem::NotJson(NotJson::Quote),
            "invalid character '\\'' looking for beginning of value",
            "Invalid character '\\'' looking for beginning of value",
        ),
        (
            Problem::NotJson(NotJson::Character("after top-level value")),
            "invalid character after top-level value",
            "Invalid character after top-level value",
        ),
        (
            Problem::NotObject("array"),
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
            "Json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
    ];
    let secrets = secrets.map(|(problem, fargate, agent)| {
        let fargate = format!("{RESOURCES}unable to retrieve secret from asm: {RETRIED}{fargate}");
        (secret(), problem, fargate, agent.to_owned())
    });
    let file = || Purpose::EnvironmentFile { bucket: "b".to_owned(), key: "k.env".to_owned() };
    let agent =
        |tail: &str| format!("Unable to download env file with key k.env from bucket b, error: {tail}");
    let no_list = "User: arn:aws:sts::111122223333:assumed-role/exec/7f3a is not authorized to perform: s3:ListBucket on \
                   resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:ListBucket action";
    let long = "bufio.Scanner: token too long";
    let files = [
        (
            file(),
            refused("AccessDenied", no_list),
            format!("{FILES}AccessDenied: {no_list} status code: 400, request id: {ID}"),
            agent(&format!(
                "operation error S3: GetObject, https response error StatusCode: 400, RequestID: {ID}, api error AccessDenied: \
                 {no_list}"
            )),
        ),
        (file(), Problem::EnvFile(EnvFileProblem::LongLine), format!("{FILES}{long}"), agent(long)),
        (
            Purpose::Bucket { bucket: "files".to_owned() },
            refused("NoSuchBucket", "The specified bucket does not exist"),
            format!(
                "{FILES}NoSuchBucket: The specified bucket does not exist status code: 400, request id: {ID}"
            ),
            format!(
                "Unable to initialize s3 client for bucket files, error: operation error S3: GetBucketLocation, https response \
                 error StatusCode: 400, RequestID: {ID}, api error NoSuchBucket: The specified bucket does not exist"
            ),
        ),
    ];
    secrets.into_iter().chain(files).collect()
}

/// Options that the log driver does not take.
fn option_cases() -> Vec<(Purpose, Problem, String, String)> {
    let daemon =
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: ";
    let options = [
        ("max-buffer-size", "error parsing option max-buffer-size: invalid size: 'xx'"),
        ("mode", "logger: logging mode not supported: xx"),
        ("awslogs-multiline-pattern", "awslogs could not parse multiline pattern key \"xx\""),
        ("awslogs-foo", "unknown log opt 'awslogs-foo' for awslogs log driver"),
    ];
    let options = options.map(|(name, said)| {
        let wrong = WrongOption { name: name.to_owned(), value: "xx".to_owned(), beside: None };
        (
            Purpose::LogStream,
            Problem::LogOption { wrong, from_secret: false },
            format!("ResourceInitializationError: failed to validate logger args: {said} : exit status 1"),
            format!("{daemon}{said}"),
        )
    });
    let endpoint = "MissingEndpoint: 'Endpoint' configuration is required for this service";
    let region = (
        Purpose::LogStream,
        refused("MissingEndpoint", "'Endpoint' configuration is required for this service"),
        format!(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to \
             create Cloudwatch log stream: {endpoint} : exit status 1"
        ),
        format!(
            "{daemon}failed to create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream, {endpoint}"
        ),
    );
    options.into_iter().chain([region]).collect()
}

/// The step that has a purpose.
fn step(purpose: &Purpose) -> Step {
    let of_stream =
        || Work::LogStream { group: "/app".to_owned(), stream: "s".to_owned(), create_group: false };
    let work = match purpose.clone() {
        Purpose::Role { arn } => Work::AssumeRole { role: arn },
        Purpose::Registry { parameter } => Work::RegistryCredential { parameter },
        Purpose::Ecr => Work::EcrToken { registry: "111122223333".parse().unwrap() },
        Purpose::EcrImage(image) => Work::EcrImage(image),
        Purpose::Secret { value_from, .. } => {
            let ValueFrom::Secret(reference) = value_from::parse(&value_from) else { panic!("{value_from}") };
            Work::Secret { value_from, reference: Some(reference), targets: Vec::new() }
        }
        Purpose::Parameter { .. } => Work::Parameters(Vec::new()),
        Purpose::Bucket { bucket } => Work::BucketLocation { bucket, key: "k.env".to_owned() },
        Purpose::EnvironmentFile { bucket, key } => Work::EnvironmentFile { bucket, key },
        Purpose::LogGroup => Work::LogGroup { group: "/app".to_owned() },
        Purpose::LogStream => of_stream(),
    };
    Step {
        name: "step",
        containers: vec!["app".to_owned()],
        principal: "arn:aws:sts::111122223333:assumed-role/exec/7f3a".to_owned(),
        action: "service:Action",
        resource: "arn:aws:iam::111122223333:role/exec".to_owned(),
        region: "us-east-1".to_owned(),
        context: Vec::new(),
        when: When::Always,
        work,
    }
}

/// The kind of cause that check and trace give for it.
fn cause(purpose: &Purpose, problem: &Problem) -> &'static str {
    let step = step(purpose);
    let error = match problem {
        Problem::Refused(error) | Problem::NoLayer { error, .. } => Some(error),
        _ => None,
    };
    // The key's refusal comes from a service, and that of a file that is missing speaks of another permission.
    let by_policy = error.is_some_and(|it| {
        it.code.starts_with("AccessDenied")
            && !it.message.contains("KMS")
            && !it.message.contains("s3:ListBucket")
    });
    let by_endpoint = matches!(problem, Problem::LayerAtS3 { .. });
    let denied = (by_policy || by_endpoint).then(|| CheckRecord {
        principal: step.principal.clone(),
        action: step.action.to_owned(),
        resource: step.resource.clone(),
        allowed: false,
        layer: Layer::Identity,
        deciding: None,
        message: None,
        trace: None,
        hints: Vec::new(),
        fix: None,
        context: Vec::new(),
    });
    let of_key =
        error.is_some_and(|it| matches!(it.code, "DecryptionFailure" | "InvalidKeyId" | "KmsException"));
    let key = of_key.then(|| KeyInUse {
        arn: "arn:aws:kms:us-east-1:111122223333:key/0a".to_owned(),
        state: KeyState::Disabled,
    });
    let plain = Plain::new();
    let of = Circumstances {
        role: Some("arn:aws:iam::111122223333:role/exec"),
        denied: denied.as_ref(),
        key: key.as_ref(),
        ..plain.of(&step)
    };
    advise(of, problem).cause.as_str()
}

/// Every text with the kind of its cause is in `texts.tsv`: `landfall check --reason` is tested with that. Of texts that
/// have several causes there are several lines.
#[test]
fn texts_and_causes_are_written_down() {
    let lines = cases().into_iter().flat_map(|(purpose, problem, fargate, agent)| {
        let cause = cause(&purpose, &problem);
        [fargate, agent].map(|text| format!("{cause}\t{}\n", submitted(&text)))
    });
    let mut lines: std::collections::BTreeSet<String> = lines.collect();
    // The role exists and does not trust, or there is none: one text for both.
    let role = lines.iter().find_map(|line| line.strip_prefix("CONFIGURATION\tECS was unable to assume"));
    let role = role.map(|rest| format!("PERMISSION\tECS was unable to assume{rest}"));
    lines.extend(role);
    let fresh: String = lines.into_iter().collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ecs/launch/wording/texts.tsv");
    if std::env::var_os("LANDFALL_WRITE_DOCS").is_some() {
        std::fs::write(path, &fresh).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, fresh, "set LANDFALL_WRITE_DOCS=1 to write it");
}

const REGISTRY: &str = "444455556666.dkr.ecr.us-east-1.amazonaws.com";

/// What ECR answers a pull, in both wordings.
fn ecr_cases() -> Vec<(Purpose, Problem, String, String)> {
    let purpose = |path: &str| Purpose::EcrImage(EcrImage::parse(&format!("{REGISTRY}/{path}")).unwrap());
    let manifest = |path: &str, tail: &str| {
        format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
             {REGISTRY}/{path}: {tail}"
        )
    };
    let layer = |tail: &str| {
        format!(
            "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: {tail}"
        )
    };
    let agent_layer = |tail: &str| {
        format!(
            "CannotPullContainerError: Error response from daemon: error pulling image configuration: download failed after \
             attempts=1: {tail}"
        )
    };
    let denied = "User: arn:aws:sts::111122223333:assumed-role/exec/7f3a is not authorized to perform: \
                  ecr:BatchGetImage on resource: R because no identity-based policy allows the ecr:BatchGetImage action";
    let no_repository =
        "The repository with name 'app' does not exist in the registry with id '444455556666'";
    let agent_denied = format!(
        "CannotPullContainerError: The task can\u{2019}t pull the image. Check that the role has the permissions to pull \
         images from the registry. Error response from daemon: pull access denied for {REGISTRY}/app, repository does \
         not exist or may require 'docker login': denied: {denied}"
    );
    vec![
        (
            purpose("app:1"),
            refused("AccessDeniedException", denied),
            manifest(
                "app:1",
                &format!("pulling from host {REGISTRY} failed with status code [manifests 1]: 403 Forbidden"),
            ),
            agent_denied.clone(),
        ),
        (
            purpose("app@sha256:00"),
            refused("AccessDeniedException", denied),
            manifest(
                "app@sha256:00",
                &format!(
                    "unexpected status from HEAD request to https://{REGISTRY}/v2/app/blobs/sha256:00: 403 Forbidden"
                ),
            ),
            agent_denied,
        ),
        (
            purpose("app"),
            refused("RepositoryNotFoundException", no_repository),
            manifest("app:latest", "not found"),
            format!("CannotPullImageManifestError: Error response from daemon: name unknown: {no_repository}"),
        ),
        (
            purpose("app:2"),
            Problem::NoImage("Requested image not found".to_owned()),
            manifest("app:2", "not found"),
            "CannotPullImageManifestError: Error response from daemon: manifest unknown: Requested image not found"
                .to_owned(),
        ),
        (
            purpose("hub/app:1"),
            upstream(Why::Refused, "The authentication to the upstream registry failed."),
            manifest(
                "hub/app:1",
                &format!("pulling from host {REGISTRY} failed with status code [manifests 1]: 403 Forbidden"),
            ),
            format!(
                "CannotPullContainerError: Error response from daemon: pull access denied for {REGISTRY}/hub/app, repository does \
                 not exist or may require 'docker login': denied: The authentication to the upstream registry failed."
            ),
        ),
        (
            purpose("hub/app@sha256:00"),
            upstream(Why::TooManyRequests, "Rate exceeded"),
            manifest(
                "hub/app@sha256:00",
                &format!(
                    "unexpected status from HEAD request to https://{REGISTRY}/v2/hub/app/blobs/sha256:00: 429 Too Many Requests"
                ),
            ),
            "CannotPullImageManifestError: Error response from daemon: toomanyrequests: Rate exceeded".to_owned(),
        ),
        (
            purpose("hub/app:1"),
            upstream(Why::Failed, "The upstream registry did not give the image: it is down"),
            manifest(
                "hub/app:1",
                &format!("pulling from host {REGISTRY} failed with status code [manifests 1]: 502 Bad Gateway"),
            ),
            "CannotPullImageManifestError: Error response from daemon: unavailable: The upstream registry did not give the image: it \
             is down"
                .to_owned(),
        ),
        (
            purpose("app:3"),
            Problem::NoLayer {
                digest: "sha256:0a".to_owned(),
                error: ServiceError::client("AccessDeniedException", "User: U is not authorized"),
            },
            layer(&format!(
                "unexpected status code https://{REGISTRY}/v2/app/blobs/sha256:0a: 403 Forbidden - Server message: denied: User: \
                 U is not authorized"
            )),
            agent_layer("denied: User: U is not authorized"),
        ),
        (
            purpose("app:4"),
            Problem::LayerAtS3 { address: "https://prod-us-east-1-starport-layer-bucket.s3/0a".to_owned() },
            layer("unexpected status code https://prod-us-east-1-starport-layer-bucket.s3/0a: 403 Forbidden"),
            agent_layer(
                "error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"<?xml \
                 version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?>\\n<Error><Code>AccessDenied</Code><Message>Access \
                 Denied</Message></Error>\"",
            ),
        ),
        (
            purpose("app:5"),
            refused("KmsException", "the key is disabled."),
            manifest(
                "app:5",
                &format!("pulling from host {REGISTRY} failed with status code [manifests 5]: 403 Forbidden"),
            ),
            format!(
                "CannotPullContainerError: Error response from daemon: pull access denied for {REGISTRY}/app, repository does not \
                 exist or may require 'docker login': denied: the key is disabled."
            ),
        ),
        (
            Purpose::Ecr,
            Problem::NoRole,
            format!("{RESOURCES}unable to retrieve ecr registry auth: {RETRIED}unable to find execution role credentials"),
            "CannotPullECRContainerError: engine ecr credentials: not found".to_owned(),
        ),
    ]
}

fn upstream(why: Why, message: &str) -> Problem {
    Problem::Upstream(Box::new(Missed {
        why,
        said: Said { message: message.to_owned(), detail: "not for a task's reason".to_owned() },
        upstream: "registry.example".to_owned(),
        prefix: "hub".to_owned(),
        credential: None,
        role: None,
    }))
}

#[test]
fn each_launch_type_has_its_words_for_each_failure() {
    for (purpose, problem, fargate, agent) in cases() {
        assert_eq!(reason(LaunchKind::Fargate, &purpose, &problem, ID), fargate, "{purpose:?} {problem:?}");
        for launch in [LaunchKind::Ec2, LaunchKind::External] {
            let agent: String = agent.chars().take(LONGEST).collect();
            assert_eq!(reason(launch, &purpose, &problem, ID), agent, "{purpose:?} {problem:?}");
        }
    }
}

#[test]
fn reasons_are_one_line_of_limited_length() {
    let problem = refused("AccessDeniedException", &format!("a\n\t b {}", "x".repeat(2000)));
    let text = reason(LaunchKind::Fargate, &registry(), &problem, ID);
    assert_eq!(text.chars().count(), LONGEST);
    assert!(text.contains("a b xxx") && !text.contains('\n'));
}
