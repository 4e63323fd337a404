//! Building answers.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use crate::OciError;

/// The body of an answer: in memory, or streamed from the disk.
pub type ResponseBody = UnsyncBoxBody<Bytes, io::Error>;

/// An answer in the making.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new() }
    }

    /// A value that cannot stand in a header is left out; names and digests always can.
    pub(super) fn header(mut self, name: HeaderName, value: impl ToString) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) fn docker_header(self, name: &'static str, value: impl ToString) -> Self {
        self.header(HeaderName::from_static(name), value)
    }

    pub(super) fn empty(self) -> Response<ResponseBody> {
        let without_length = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || self.headers.contains_key(CONTENT_LENGTH);
        let answer = if without_length { self } else { self.header(CONTENT_LENGTH, 0) };
        answer.finish(full(Bytes::new()))
    }

    pub(super) fn bytes(self, content: Bytes) -> Response<ResponseBody> {
        self.header(CONTENT_LENGTH, content.len()).finish(full(content))
    }

    pub(crate) fn json(self, value: &Value) -> Response<ResponseBody> {
        let answer = if self.headers.contains_key(CONTENT_TYPE) {
            self
        } else {
            self.header(CONTENT_TYPE, "application/json")
        };
        answer.bytes(value.to_string().into())
    }

    pub(super) fn stream(
        self,
        length: u64,
        content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Response<ResponseBody> {
        let body = StreamBody::new(content.map_ok(Frame::data));
        self.header(CONTENT_LENGTH, length).finish(body.boxed_unsync())
    }

    /// The answer that an error becomes.
    pub(crate) fn refusal(error: &OciError) -> Response<ResponseBody> {
        let answer = error
            .headers
            .iter()
            .fold(Self::new(error.status), |answer, (name, value)| answer.header(name.clone(), value));
        answer.json(&error.body())
    }

    fn finish(self, body: ResponseBody) -> Response<ResponseBody> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn full(content: Bytes) -> ResponseBody {
    Full::new(content).map_err(|never| match never {}).boxed_unsync()
}
