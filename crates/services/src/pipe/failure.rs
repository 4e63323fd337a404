//! Errors with two readers: one half for the caller, one for the log.

use landfall_registry::is_disk_full;
use landfall_shape::ServiceError;

const SEE_LOG: &str = "An internal error occurred. The server's log has the cause.";

const DISK_FULL: &str =
    "The server's disk is full: free some space, for example by deletions, and try again.";

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

    /// What the caller of `service` sees. Internal failures are logged here, once; of a full disk the caller learns, too.
    pub fn into_service_error(self, service: &str) -> ServiceError {
        match self {
            Self::Service(error) => error,
            Self::Internal(cause) => {
                let chain = chain(cause.as_ref());
                tracing::error!(service, error = %chain, "internal failure");
                let text = if is_disk_full(cause.as_ref()) { DISK_FULL } else { SEE_LOG };
                ServiceError::with_status(internal_code(service), 500, text)
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
fn internal_code(service: &str) -> &'static str {
    match service {
        "ecr" | "ecs" => "ServerException",
        "secretsmanager" => "InternalServiceError",
        "kms" => "KMSInternalException",
        "ssm" => "InternalServerError",
        "logs" => "ServiceUnavailableException",
        "iam" => "ServiceFailure",
        "s3" => "InternalError",
        _ => "InternalFailure",
    }
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

#[cfg(test)]
mod tests {
    use std::io;

    use landfall_registry::BlobError;

    use super::*;

    #[test]
    fn who_meets_a_full_disk_is_told() {
        let full = Failure::internal(BlobError::Io(io::ErrorKind::StorageFull.into()));
        let error = full.into_service_error("ecr");
        assert_eq!((error.code, error.message.as_str()), ("ServerException", DISK_FULL));
        let other = Failure::internal(BlobError::Io(io::ErrorKind::NotFound.into()));
        let error = other.into_service_error("iam");
        assert_eq!((error.code, error.message.as_str()), ("ServiceFailure", SEE_LOG));
    }
}
