//! awsQuery and ec2Query: forms in, XML out (Smithy, "AWS Query protocol" and "AWS EC2 query protocol").

mod answer;
mod decode;
mod encode;
mod error;
mod form;
mod rules;
mod xml;

use landfall_shape::{OperationSchema, ServiceSchema, Value};

pub use error::{decode_error, encode_ec2_error, encode_error};
pub use form::Form;

use crate::DecodeError;
use rules::Rules;

/// The `Content-Type` of requests.
pub const REQUEST_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The `Content-Type` of answers.
pub const ANSWER_TYPE: &str = "text/xml";
/// The `Content-Type` of EC2's answers.
pub const EC2_ANSWER_TYPE: &str = "text/xml;charset=UTF-8";

/// Reads an operation's input from a form: unknown parameters are ignored, lists are read in the order of their
/// indices whatever the gaps. Constraints are not looked at (see [`crate::validate`]).
///
/// # Errors
/// A value is not of its member's kind, or an index is not a number from 1.
pub fn decode_input(operation: &'static OperationSchema, form: &Form) -> Result<Value, DecodeError> {
    decode::decode(Rules::Aws, operation.input, form)
}

/// As [`decode_input`], from the form of an EC2 request.
///
/// # Errors
/// As [`decode_input`].
pub fn decode_ec2_input(operation: &'static OperationSchema, form: &Form) -> Result<Value, DecodeError> {
    decode::decode(Rules::Ec2, operation.input, form)
}

/// Writes an operation's input as a form with `Action` and `Version`.
pub fn encode_input(service: &ServiceSchema, operation: &'static OperationSchema, input: &Value) -> Vec<u8> {
    encode::encode(service, operation, input)
}

/// Writes an operation's output. Times have whole seconds, as AWS answers them.
pub fn encode_output(
    service: &ServiceSchema,
    operation: &'static OperationSchema,
    output: &Value,
    request_id: &str,
) -> Vec<u8> {
    answer::encode(service, operation, output, request_id)
}

/// Reads an operation's output.
///
/// # Errors
/// The answer is not XML, or a value is not of its member's kind.
pub fn decode_output(operation: &'static OperationSchema, body: &[u8]) -> Result<Value, DecodeError> {
    answer::decode(Rules::Aws, operation, body)
}

/// As [`decode_output`], from EC2's answer.
///
/// # Errors
/// As [`decode_output`].
pub fn decode_ec2_output(operation: &'static OperationSchema, body: &[u8]) -> Result<Value, DecodeError> {
    answer::decode(Rules::Ec2, operation, body)
}
