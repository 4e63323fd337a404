//! What can go wrong in a step, without words: [`super::wording`] has those.

use landfall_shape::ServiceError;

use crate::ecr::pull_through::Missed;
use crate::ecs::image_host::EcrImage;
pub use crate::ecs::rules::log_lines::WrongOption;

pub use super::credential::CredentialProblem;
pub use super::env_file::EnvFileProblem;
pub use super::json::NotJson;

/// What a step was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Becoming the execution role.
    Role {
        /// Its ARN.
        arn: String,
    },
    /// The credential for a registry.
    Registry {
        /// `credentialsParameter`
        parameter: String,
    },
    /// A token for Amazon ECR.
    Ecr,
    /// An image in Amazon ECR.
    EcrImage(EcrImage),
    /// A secret for the environment or a log driver.
    Secret {
        /// `valueFrom`
        value_from: String,
        /// `SecretId`
        secret_id: String,
    },
    /// A parameter for the environment or a log driver.
    Parameter {
        /// Where.
        region: String,
    },
    /// Where the bucket of an environment file lies.
    Bucket {
        /// Its name.
        bucket: String,
    },
    /// An environment file.
    EnvironmentFile {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
    },
    /// A log group.
    LogGroup,
    /// A log stream.
    LogStream,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The service said no.
    Refused(ServiceError),
    /// The task has no execution role.
    NoRole,
    /// A registry credential of the wrong form.
    Credential(CredentialProblem),
    /// A secret that should be JSON is not.
    NotJson(NotJson),
    /// A secret that should be a JSON object is something else, as Go calls it.
    NotObject(&'static str),
    /// The JSON object lacks a key.
    MissingKey {
        /// The key.
        key: String,
        /// One that differs from it in case alone.
        meant: Option<String>,
    },
    /// There are no such parameters.
    InvalidParameters(Vec<String>),
    /// An environment file cannot be read.
    EnvFile(EnvFileProblem),
    /// An option of the log driver makes no sense.
    LogOption {
        /// Which.
        wrong: WrongOption,
        /// It came from a secret. Its value is not to be told.
        from_secret: bool,
    },
    /// ECR has the repository and not the image: ECR's reason.
    NoImage(String),
    /// The pull-through cache did not get the image from its upstream registry.
    Upstream(Box<Missed>),
    /// ECR gave the manifest and not a layer.
    NoLayer {
        /// The layer's digest.
        digest: String,
        /// ECR's reason.
        error: ServiceError,
    },
    /// The endpoint that the task reaches S3 through does not let layers of ECR pass.
    LayerAtS3 {
        /// Where AWS keeps the layer.
        address: String,
    },
    /// A variable's value, or its name, contains a zero byte: no program can be given that.
    ZeroByte {
        /// The variable's name, without what is behind a zero byte.
        variable: String,
    },
    /// `valueFrom` is an ARN with the wrong number of parts.
    MalformedArn,
}

impl Problem {
    /// What no variable can hold.
    pub(super) fn zero_byte(variable: &str) -> Self {
        Self::ZeroByte { variable: variable.split('\0').next().unwrap_or_default().to_owned() }
    }
}

impl std::fmt::Display for Problem {
    /// The bare sentence, without what an agent puts around it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::NoRole => f.write_str("unable to find execution role credentials"),
            Self::Credential(problem) => problem.fmt(f),
            Self::NotJson(why) => why.fmt(f),
            Self::NotObject(kind) => {
                write!(f, "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
            }
            Self::MissingKey { key, .. } => write!(f, "retrieved secret from Secrets Manager did not contain json key {key}"),
            Self::InvalidParameters(names) => write!(f, "invalid parameters: {}", names.join(",")),
            Self::EnvFile(problem) => problem.fmt(f),
            Self::LogOption { wrong, .. } => wrong.fmt(f),
            Self::NoImage(reason) => f.write_str(reason),
            Self::Upstream(missed) => f.write_str(&missed.said.message),
            Self::NoLayer { error, .. } => error.fmt(f),
            Self::LayerAtS3 { address } => write!(f, "unexpected status code {address}: 403 Forbidden"),
            Self::ZeroByte { variable } => write!(f, "the variable `{variable}` contains a zero byte"),
            Self::MalformedArn => f.write_str(
                "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try \
                 again.",
            ),
        }
    }
}

impl std::fmt::Display for CredentialProblem {
    /// The container agent's sentence, which Fargate tells as well.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "asm fetching authorization data: empty secrets value",
            Self::Schema => {
                "asm fetching authorization data: unable to unmarshal secret value, invalid schema"
            }
            Self::Username => "asm fetching username: AuthorizationData is malformed, empty field",
            Self::Password => "asm fetching password: AuthorizationData is malformed, empty field",
        })
    }
}
