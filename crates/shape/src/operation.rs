//! Operations and services, as static data and as types.

use crate::{Schema, Shape, Structure};

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `application/x-amz-json-1.0`
    AwsJson10,
    /// `application/x-amz-json-1.1`
    AwsJson11,
    /// Form in, XML out.
    AwsQuery,
    /// EC2's form in, XML out: lists without a wrapper, members under names of their own, other errors.
    Ec2Query,
}

impl Protocol {
    /// Whether requests are forms and answers XML.
    pub const fn is_query(self) -> bool {
        matches!(self, Self::AwsQuery | Self::Ec2Query)
    }
}

/// A service as its model describes it.
#[derive(Debug)]
pub struct ServiceSchema {
    /// Short lower-case name: `ecs`, `secretsmanager`, `logs`, `iam`, `sts`. Also the IAM action prefix.
    pub name: &'static str,
    /// Name in the SigV4 credential scope.
    pub signing_name: &'static str,
    /// `2014-11-13`
    pub api_version: &'static str,
    /// How it speaks.
    pub protocol: Protocol,
    /// What stands before the dot in `X-Amz-Target`; empty for query services.
    pub target_prefix: &'static str,
    /// Namespace of XML answers; empty for JSON services.
    pub xml_namespace: &'static str,
    /// Operations with generated types.
    pub operations: &'static [&'static OperationSchema],
}

/// An operation as its model describes it.
#[derive(Debug)]
pub struct OperationSchema {
    /// `GetSecretValue`
    pub name: &'static str,
    /// Its input structure.
    pub input: &'static Schema,
    /// Its output structure (without members where the model has no output).
    pub output: &'static Schema,
    /// The model names an output structure, even if it is empty.
    pub has_output: bool,
    /// How it pages.
    pub paginator: Option<Paginator>,
}

/// How an operation pages: names of members.
#[derive(Debug)]
pub struct Paginator {
    /// Input member with the token.
    pub input_token: &'static str,
    /// Output member with the token.
    pub output_token: &'static str,
    /// Input member with the page size, if any.
    pub limit_key: Option<&'static str>,
}

/// A type that stands for an operation, for example `landfall_api::ecs::RunTask`.
pub trait Operation: 'static {
    /// The service.
    const SERVICE: &'static ServiceSchema;
    /// The operation.
    const SCHEMA: &'static OperationSchema;
    /// What goes in.
    type Input: Shape + Send + 'static;
    /// What comes out.
    type Output: Shape + Send + 'static;
}

/// An error as a service answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceError {
    /// The code, for example `ResourceNotFoundException`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The sentence for the caller.
    pub message: String,
    /// Further modelled members.
    pub members: Structure,
}

impl ServiceError {
    /// An error that the caller caused, answered with 400.
    pub fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self::with_status(code, 400, message)
    }

    /// An error with a status of its own.
    pub fn with_status(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), members: Structure::new() }
    }
}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}
