//! Errors with two readers: one half for the caller, one for the log.

use landfall_shape::ServiceError;

/// Why a call did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// An answer of the service: the caller sees it as it is.
    Service(ServiceError),
    /// Something of ours broke: the log gets the whole chain, the caller an internal error.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// An internal failure from any error or sentence.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// What the caller of `service` sees. Internal failures are logged here, once.
    pub fn into_service_error(self, service: &str) -> ServiceError {
        match self {
            Self::Service(error) => error,
            Self::Internal(cause) => {
                let chain = chain(cause.as_ref());
                tracing::error!(service, error = %chain, "internal failure");
                internal_error(service)
            }
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(error) => error.fmt(f),
            Self::Internal(cause) => f.write_str(&chain(cause.as_ref())),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The code each service's model gives to its own faults.
fn internal_error(service: &str) -> ServiceError {
    let code = match service {
        "ecr" | "ecs" => "ServerException",
        "secretsmanager" => "InternalServiceError",
        "kms" => "KMSInternalException",
        "ssm" => "InternalServerError",
        "logs" => "ServiceUnavailableException",
        "iam" => "ServiceFailure",
        "s3" => "InternalError",
        _ => "InternalFailure",
    };
    ServiceError::with_status(code, 500, "An internal error occurred. The server's log has the cause.")
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<landfall_store::StoreError> for Failure {
    fn from(error: landfall_store::StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<landfall_vault::VaultError> for Failure {
    fn from(error: landfall_vault::VaultError) -> Self {
        Self::internal(error)
    }
}
