//! awsJson 1.0 and 1.1: bodies of requests, answers and errors (Smithy, "AWS JSON 1.0 and 1.1 protocol").

mod decode;
mod encode;
mod error;

use landfall_shape::{Protocol, Schema, Value};

pub use error::{decode_error, encode_error, error_headers};

use crate::DecodeError;

/// The `Content-Type` of requests and answers; that of 1.1 for services that do not speak JSON.
pub fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        Protocol::AwsJson11 | Protocol::AwsQuery | Protocol::Ec2Query => "application/x-amz-json-1.1",
    }
}

/// Reads a body as `schema` says: unknown members are ignored, null is absent, of repeated keys the last counts, an
/// empty body is an empty structure. Constraints are not looked at (see [`crate::validate`]).
///
/// # Errors
/// The body is not JSON in UTF-8, is nested more than 127 deep, or has a value of another kind than the schema's.
pub fn decode(schema: &'static Schema, body: &[u8]) -> Result<Value, DecodeError> {
    decode::decode(schema, body)
}

/// Writes a value: times as seconds since the epoch with millisecond fraction unless the schema says otherwise, blobs
/// as base64, absent members left out.
pub fn encode(schema: &'static Schema, value: &Value) -> Vec<u8> {
    encode::encode(Some(schema), value)
}
