//! Error bodies of the JSON protocols, both ways.

use http::HeaderMap;
use landfall_shape::{Protocol, ServiceError, ServiceSchema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::encode::Typed;
use crate::RemoteError;

/// Headers of an error answer beside `x-amzn-RequestId`: its media type, and the code again for clients that look for
/// it there first.
pub fn error_headers(error: &ServiceError, protocol: Protocol) -> [(&'static str, &'static str); 2] {
    [("content-type", super::content_type(protocol)), ("x-amzn-errortype", error.code)]
}

/// Writes an error body: `__type`, the message (left out if empty) and further modelled members. The message's key is
/// `Message` for Secrets Manager and for refusals of every service, as AWS has it, and `message` otherwise.
pub fn encode_error(error: &ServiceError, service: Option<&ServiceSchema>) -> Vec<u8> {
    let capital =
        error.code == "AccessDeniedException" || service.is_some_and(|s| s.name == "secretsmanager");
    let body = ErrorBody { error, message_key: if capital { "Message" } else { "message" } };
    serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec())
}

struct ErrorBody<'a> {
    error: &'a ServiceError,
    message_key: &'static str,
}

impl Serialize for ErrorBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("__type", self.error.code)?;
        if !self.error.message.is_empty() {
            object.serialize_entry(self.message_key, &self.error.message)?;
        }
        for (name, value) in self.error.members.iter() {
            let taken = name == "__type" || name.eq_ignore_ascii_case("message");
            if !taken {
                object.serialize_entry(name, &Typed { schema: None, value })?;
            }
        }
        object.end()
    }
}

/// Reads an error answer. Never fails: an answer that is not ours to understand (an HTML page of a proxy) becomes an
/// error whose code is the status.
pub fn decode_error(status: u16, headers: &HeaderMap, body: &[u8]) -> RemoteError {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(serde_json::Value::as_str);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = header("x-amzn-errortype").or_else(|| text("__type")).or_else(|| text("code"));
    let message = text("message").or_else(|| text("Message")).or_else(|| text("errorMessage"));
    RemoteError {
        status,
        code: code
            .map(bare_code)
            .filter(|code| !code.is_empty())
            .map_or_else(|| status.to_string(), str::to_owned),
        message: message.unwrap_or_default().to_owned(),
        request_id: header("x-amzn-requestid").map(str::to_owned),
    }
}

/// `com.amazonaws.ecs#ClientException:http://…` names `ClientException`.
fn bare_code(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.rsplit_once('#').map_or(code, |(_, code)| code).trim()
}
