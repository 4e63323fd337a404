//! Refusals before and around an operation, in the words and codes of each protocol.

use landfall_shape::{Protocol, ServiceError};

use crate::sigv4::{ClaimError, SignatureError};

/// Whose error codes an answer uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// awsJson 1.0 and 1.1
    Json,
    /// awsQuery
    Query,
    /// ec2Query
    Ec2,
    /// S3's REST XML
    S3,
}

impl From<Protocol> for Dialect {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => Self::Json,
            Protocol::AwsQuery => Self::Query,
            Protocol::Ec2Query => Self::Ec2,
        }
    }
}

/// Why a caller is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthFailure {
    /// No such access key, an inactive one, or a session token that does not belong to it.
    UnknownKey,
    /// The signature is another than ours, or its scope names another service, Region or day. With AWS's sentence.
    BadSignature(String),
    /// Signed too long ago or in the future. With AWS's sentence.
    ClockSkew(String),
    /// The session of temporary credentials is over.
    Expired,
    /// Nothing is signed.
    Missing,
    /// There is a signature that cannot be read. With AWS's sentence.
    Malformed(String),
    /// The caller is known and may not. With IAM's sentence.
    Denied(String),
    /// Too many requests.
    Throttled,
}

const INVALID_TOKEN: &str = "The security token included in the request is invalid.";
const EXPIRED_TOKEN: &str = "The security token included in the request is expired";

/// The refusal as a service answers it.
pub fn auth_error(failure: &AuthFailure, dialect: impl Into<Dialect>) -> ServiceError {
    let dialect = dialect.into();
    let (code, status) = code_and_status(failure, dialect);
    ServiceError::with_status(code, status, message(failure, dialect))
}

fn code_and_status(failure: &AuthFailure, dialect: Dialect) -> (&'static str, u16) {
    match dialect {
        Dialect::Json => (json_code(failure), 400),
        Dialect::Query => query_code(failure),
        Dialect::Ec2 => ec2_code(failure),
        Dialect::S3 => s3_code(failure),
    }
}

fn json_code(failure: &AuthFailure) -> &'static str {
    match failure {
        AuthFailure::UnknownKey => "UnrecognizedClientException",
        AuthFailure::BadSignature(_) | AuthFailure::ClockSkew(_) => "InvalidSignatureException",
        AuthFailure::Expired => "ExpiredTokenException",
        AuthFailure::Missing => "MissingAuthenticationTokenException",
        AuthFailure::Malformed(_) => "IncompleteSignatureException",
        AuthFailure::Denied(_) => "AccessDeniedException",
        AuthFailure::Throttled => "ThrottlingException",
    }
}

fn query_code(failure: &AuthFailure) -> (&'static str, u16) {
    match failure {
        AuthFailure::UnknownKey => ("InvalidClientTokenId", 403),
        AuthFailure::BadSignature(_) | AuthFailure::ClockSkew(_) => ("SignatureDoesNotMatch", 403),
        AuthFailure::Expired => ("ExpiredToken", 403),
        AuthFailure::Missing => ("MissingAuthenticationToken", 403),
        AuthFailure::Malformed(_) => ("IncompleteSignature", 400),
        AuthFailure::Denied(_) => ("AccessDenied", 403),
        AuthFailure::Throttled => ("Throttling", 400),
    }
}

fn ec2_code(failure: &AuthFailure) -> (&'static str, u16) {
    match failure {
        AuthFailure::UnknownKey | AuthFailure::BadSignature(_) => ("AuthFailure", 401),
        AuthFailure::ClockSkew(_) | AuthFailure::Expired => ("RequestExpired", 400),
        AuthFailure::Missing => ("MissingAuthenticationToken", 403),
        AuthFailure::Malformed(_) => ("IncompleteSignature", 400),
        AuthFailure::Denied(_) => ("UnauthorizedOperation", 403),
        AuthFailure::Throttled => ("RequestLimitExceeded", 503),
    }
}

fn s3_code(failure: &AuthFailure) -> (&'static str, u16) {
    match failure {
        AuthFailure::UnknownKey => ("InvalidAccessKeyId", 403),
        AuthFailure::BadSignature(_) => ("SignatureDoesNotMatch", 403),
        AuthFailure::ClockSkew(_) => ("RequestTimeTooSkewed", 403),
        AuthFailure::Expired => ("ExpiredToken", 400),
        AuthFailure::Missing | AuthFailure::Denied(_) => ("AccessDenied", 403),
        AuthFailure::Malformed(_) => ("AuthorizationHeaderMalformed", 400),
        AuthFailure::Throttled => ("SlowDown", 503),
    }
}

fn message(failure: &AuthFailure, dialect: Dialect) -> String {
    match failure {
        AuthFailure::UnknownKey if dialect == Dialect::S3 => {
            "The AWS Access Key Id you provided does not exist in our records.".to_owned()
        }
        AuthFailure::UnknownKey | AuthFailure::BadSignature(_) if dialect == Dialect::Ec2 => {
            "AWS was not able to validate the provided access credentials".to_owned()
        }
        AuthFailure::ClockSkew(_) | AuthFailure::Expired if dialect == Dialect::Ec2 => {
            "Request has expired.".to_owned()
        }
        AuthFailure::UnknownKey => INVALID_TOKEN.to_owned(),
        AuthFailure::Expired => EXPIRED_TOKEN.to_owned(),
        AuthFailure::Missing if dialect == Dialect::S3 => "Access Denied".to_owned(),
        AuthFailure::Missing => "Missing Authentication Token".to_owned(),
        AuthFailure::Throttled if dialect == Dialect::S3 => "Please reduce your request rate.".to_owned(),
        AuthFailure::Throttled => "Rate exceeded".to_owned(),
        AuthFailure::BadSignature(text)
        | AuthFailure::ClockSkew(text)
        | AuthFailure::Malformed(text)
        | AuthFailure::Denied(text) => text.clone(),
    }
}

impl From<ClaimError> for AuthFailure {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Missing => Self::Missing,
            error => Self::Malformed(error.to_string()),
        }
    }
}

impl From<SignatureError> for AuthFailure {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Expired { .. }
            | SignatureError::NotYetCurrent { .. }
            | SignatureError::PresignedExpired { .. } => Self::ClockSkew(error.to_string()),
            error => Self::BadSignature(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_the_code_and_status_of_its_protocol() {
        let cases = [
            (AuthFailure::UnknownKey, "UnrecognizedClientException", ("InvalidClientTokenId", 403)),
            (
                AuthFailure::BadSignature(String::new()),
                "InvalidSignatureException",
                ("SignatureDoesNotMatch", 403),
            ),
            (
                AuthFailure::ClockSkew(String::new()),
                "InvalidSignatureException",
                ("SignatureDoesNotMatch", 403),
            ),
            (AuthFailure::Expired, "ExpiredTokenException", ("ExpiredToken", 403)),
            (
                AuthFailure::Missing,
                "MissingAuthenticationTokenException",
                ("MissingAuthenticationToken", 403),
            ),
            (
                AuthFailure::Malformed(String::new()),
                "IncompleteSignatureException",
                ("IncompleteSignature", 400),
            ),
            (AuthFailure::Denied(String::new()), "AccessDeniedException", ("AccessDenied", 403)),
            (AuthFailure::Throttled, "ThrottlingException", ("Throttling", 400)),
        ];
        for (failure, json, query) in cases {
            let error = auth_error(&failure, Protocol::AwsJson11);
            assert_eq!((error.code, error.status), (json, 400), "{failure:?}");
            let error = auth_error(&failure, Protocol::AwsQuery);
            assert_eq!((error.code, error.status), query, "{failure:?}");
        }
    }

    #[test]
    fn sentences_are_those_of_aws() {
        let sentence = |failure| auth_error(&failure, Protocol::AwsJson11).message;
        assert_eq!(
            sentence(AuthFailure::UnknownKey),
            "The security token included in the request is invalid."
        );
        assert_eq!(sentence(AuthFailure::Expired), "The security token included in the request is expired");
        assert_eq!(sentence(AuthFailure::Missing), "Missing Authentication Token");
        assert_eq!(sentence(AuthFailure::Denied("User: x".to_owned())), "User: x");
        let s3 = auth_error(&AuthFailure::ClockSkew("late".to_owned()), Dialect::S3);
        assert_eq!((s3.code, s3.status), ("RequestTimeTooSkewed", 403));
    }
}
