//! Answers on their way out.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use landfall_shape::{OperationSchema, Protocol, ServiceError, ServiceSchema, Value};
use landfall_wire::{json, query};

/// An answer with its whole body.
pub(crate) type Answer = Response<Full<Bytes>>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// An answer with a status, a media type and a body.
pub(crate) fn plain(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// What an operation answered.
pub(crate) fn output(
    service: &ServiceSchema,
    operation: &'static OperationSchema,
    value: &Value,
    request_id: &str,
) -> Answer {
    let answer = match service.protocol {
        Protocol::AwsQuery => {
            plain(200, query::ANSWER_TYPE, query::encode_output(service, operation, value, request_id))
        }
        protocol if operation.has_output => {
            plain(200, json::content_type(protocol), json::encode(operation.output, value))
        }
        protocol => plain(200, json::content_type(protocol), Bytes::new()),
    };
    identified(answer, request_id)
}

/// An error, in the form of the protocol.
pub(crate) fn error(
    service: Option<&ServiceSchema>,
    protocol: Protocol,
    error: &ServiceError,
    request_id: &str,
) -> Answer {
    let answer = match protocol {
        Protocol::AwsQuery => {
            plain(error.status, query::ANSWER_TYPE, query::encode_error(error, service, request_id))
        }
        _ => {
            let mut answer =
                plain(error.status, json::content_type(protocol), json::encode_error(error, service));
            for (name, value) in json::error_headers(error, protocol) {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    answer.headers_mut().insert(name, HeaderValue::from_static(value));
                }
            }
            answer
        }
    };
    identified(answer, request_id)
}

fn identified(mut answer: Answer, request_id: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}
