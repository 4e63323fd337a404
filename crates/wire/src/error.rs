//! What can go wrong between bytes and values.

use landfall_shape::{Protocol, ServiceError};

/// A body that is not what the protocol or the schema asks for. Never holds a value from the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error as a service that speaks `protocol` answers it, with status 400.
    pub fn into_service_error(self, protocol: Protocol) -> ServiceError {
        let code = match protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => "SerializationException",
            Protocol::AwsQuery => "MalformedInput",
            Protocol::Ec2Query => "InvalidParameterValue",
        };
        ServiceError::client(code, self.message)
    }
}

/// An error that a service answered to us as its client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct RemoteError {
    /// HTTP status of the answer.
    pub status: u16,
    /// The code without namespace, for example `ResourceNotFoundException`. Where the answer has none: the status.
    pub code: String,
    /// The sentence; may be empty.
    pub message: String,
    /// The service's name for the request, if it gave one.
    pub request_id: Option<String>,
}
