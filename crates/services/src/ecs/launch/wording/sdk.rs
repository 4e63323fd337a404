//! Errors of services as the two versions of the AWS SDK for Go write them: Fargate's texts have the older form, the
//! container agent's the newer.

use landfall_shape::ServiceError;

/// `Code: message`, and behind codes that the service's model does not have, status and request id.
pub(super) fn older(error: &ServiceError, request_id: &str) -> String {
    let ServiceError { code, status, message, .. } = error;
    if is_modelled(code) || is_of_the_sdk(code) {
        return format!("{code}: {message}");
    }
    format!("{code}: {message} status code: {status}, request id: {request_id}")
}

/// `operation error …: Operation, https response error StatusCode: 400, RequestID: …, [api error ]Code: message`.
pub(super) fn newer(service: &str, operation: &str, error: &ServiceError, request_id: &str) -> String {
    let ServiceError { code, status, message, .. } = error;
    if is_of_the_sdk(code) {
        return format!("operation error {service}: {operation}, {code}: {message}");
    }
    let kind = if is_modelled(code) { "" } else { "api error " };
    format!(
        "operation error {service}: {operation}, https response error StatusCode: {status}, RequestID: {request_id}, \
         {kind}{code}: {message}"
    )
}

/// What the SDK says itself, before it asks anything.
fn is_of_the_sdk(code: &str) -> bool {
    code == "MissingEndpoint"
}

/// Codes that the models of Secrets Manager and CloudWatch Logs list for the operations of a launch. Denials are in
/// neither.
fn is_modelled(code: &str) -> bool {
    matches!(
        code,
        "ResourceNotFoundException"
            | "InvalidParameterException"
            | "InvalidRequestException"
            | "DecryptionFailure"
            | "InternalServiceError"
            | "ResourceAlreadyExistsException"
            | "LimitExceededException"
            | "OperationAbortedException"
            | "ServiceUnavailableException"
    )
}
