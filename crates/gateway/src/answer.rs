//! Answers on their way out.

use std::io;
use std::pin::Pin;
use std::task;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, SizeHint};
use landfall_shape::{OperationSchema, Protocol, ServiceError, ServiceSchema, Value};
use landfall_wire::{json, query};

/// A body that is at hand, as those of API calls are, or one that is read while it is sent.
#[derive(Debug)]
pub enum AnswerBody {
    /// At hand.
    Whole(Full<Bytes>),
    /// Read while it is sent.
    Streamed(UnsyncBoxBody<Bytes, io::Error>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed(body) => body.size_hint(),
        }
    }
}

/// An answer.
pub type Answer = Response<AnswerBody>;

/// An answer whose body is read while it is sent.
pub fn streamed<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    response.map(|body| AnswerBody::Streamed(body.map_err(io::Error::other).boxed_unsync()))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// An answer with a status, a media type and a body.
pub fn plain(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(Full::new(body.into())));
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
        Protocol::Ec2Query => {
            plain(200, query::EC2_ANSWER_TYPE, query::encode_output(service, operation, value, request_id))
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
        Protocol::Ec2Query => {
            plain(error.status, query::EC2_ANSWER_TYPE, query::encode_ec2_error(error, request_id))
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
