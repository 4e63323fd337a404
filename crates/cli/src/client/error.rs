//! Calls that did not succeed, in the AWS CLI's words and with hints of our own.

use landfall_wire::RemoteError;

use crate::error::CliError;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub(crate) struct CallError {
    operation: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The server refused.
    Refused(RemoteError),
    /// No server answered at the endpoint.
    Unreachable { endpoint: String, reason: String },
    /// The answer is not what the operation answers.
    Garbled(String),
    /// The request could not be made.
    Unsent(String),
}

impl CallError {
    pub(super) fn refused(operation: &'static str, error: RemoteError) -> Self {
        Self { operation, kind: Kind::Refused(error) }
    }

    pub(super) fn unreachable(operation: &'static str, endpoint: &str, error: &reqwest::Error) -> Self {
        Self {
            operation,
            kind: Kind::Unreachable { endpoint: endpoint.to_owned(), reason: root_cause(error) },
        }
    }

    pub(super) fn garbled(operation: &'static str, reason: String) -> Self {
        Self { operation, kind: Kind::Garbled(reason) }
    }

    pub(super) fn unsent(operation: &'static str, reason: String) -> Self {
        Self { operation, kind: Kind::Unsent(reason) }
    }

    /// The service's code, if a service answered.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.kind {
            Kind::Refused(error) => Some(&error.code),
            _ => None,
        }
    }

    /// The server says that the thing asked for does not exist, in whichever of its codes.
    pub(crate) fn is_not_found(&self) -> bool {
        let text = match &self.kind {
            Kind::Refused(error) => error.message.to_lowercase(),
            _ => return false,
        };
        self.code().is_some_and(|code| code.contains("NotFound")) || text.contains("not found")
    }

    fn sentence(&self) -> String {
        let operation = self.operation;
        match &self.kind {
            Kind::Refused(RemoteError { code, message, .. }) => {
                format!("An error occurred ({code}) when calling the {operation} operation: {message}")
            }
            Kind::Unreachable { endpoint, reason } => {
                format!("no server answers at `{endpoint}` ({operation}): {reason}")
            }
            Kind::Garbled(reason) => {
                format!("the answer to {operation} cannot be understood: {reason}")
            }
            Kind::Unsent(reason) => format!("{operation} cannot be called: {reason}"),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Unreachable { .. } => Some(
                "is the server running? start it with `landfall serve`, then point this shell at it with \
                 `eval \"$(landfall env)\"`",
            ),
            Kind::Garbled(_) => Some("is the endpoint a Landfall server of the same version?"),
            Kind::Refused(error) => hint_for(error),
            Kind::Unsent(_) => None,
        }
    }
}

fn hint_for(error: &RemoteError) -> Option<&'static str> {
    let code = error.code.as_str();
    match code {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature" => Some(
            "the server does not accept these keys: take the administrator's with `eval \"$(landfall env)\"`, or \
             unset `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
        ),
        "ExpiredTokenException" | "ExpiredToken" => {
            Some("the session has ended: get new keys, or unset `AWS_SESSION_TOKEN` and the keys beside it")
        }
        "UnknownOperationException" => Some("is the endpoint a Landfall server? this call is its own"),
        "ClusterNotFoundException" => {
            Some("make the cluster with `aws ecs create-cluster --cluster-name NAME`")
        }
        _ if code.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some("is the endpoint a Landfall server? `GET /_landfall/health` answers 200 on one")
        }
        _ => None,
    }
}

/// The innermost reason: the outer ones repeat the address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

impl From<CallError> for CliError {
    fn from(error: CallError) -> Self {
        let shown = Self::new(error.to_string());
        match error.hint() {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}
