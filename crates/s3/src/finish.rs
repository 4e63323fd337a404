//! What every answer has beside what the operation says: request ids, and in errors what they are about.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use landfall_base::random;
use landfall_gateway::{Answer, AnswerBody, streamed};
use landfall_shape::ServiceError;
use s3s::{Body, HttpResponse};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// What an error is about.
pub(crate) struct About {
    pub(crate) path: String,
    pub(crate) head: bool,
}

impl About {
    fn bucket(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    fn key(&self) -> &str {
        self.path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key)
    }
}

/// An answer of `s3s` as it goes out.
pub(crate) async fn finish(response: HttpResponse, about: &About) -> Answer {
    let (mut parts, body) = response.into_parts();
    let request_id = random::base32(16);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        parts.headers.insert(HOST_ID, value.clone());
        parts.headers.insert(REQUEST_ID, value);
    }
    if about.head || parts.status.as_u16() == 304 {
        if parts.status.as_u16() >= 300 {
            parts.headers.remove(CONTENT_LENGTH);
            return http::Response::from_parts(parts, AnswerBody::Whole(Full::new(Bytes::new())));
        }
        return streamed(http::Response::from_parts(parts, body));
    }
    if parts.status.as_u16() < 400 {
        return streamed(http::Response::from_parts(parts, body));
    }
    let text = whole(body).await;
    let text = with_details(&text, about, &request_id);
    parts.headers.remove(CONTENT_LENGTH);
    http::Response::from_parts(parts, AnswerBody::Whole(Full::new(text.into())))
}

async fn whole(body: Body) -> String {
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn with_details(text: &str, about: &About, request_id: &str) -> String {
    let mut details = String::new();
    let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next()).unwrap_or_default();
    match code {
        "NoSuchBucket" | "BucketNotEmpty" | "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => {
            element(&mut details, "BucketName", about.bucket());
        }
        "InvalidBucketName" => element(&mut details, "BucketName", about.bucket()),
        "NoSuchKey" => element(&mut details, "Key", about.key()),
        _ => element(&mut details, "Resource", &about.path),
    }
    element(&mut details, "RequestId", request_id);
    element(&mut details, "HostId", request_id);
    text.replacen("</Error>", &format!("{details}</Error>"), 1)
}

fn element(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("<{name}>{}</{name}>", escaped(value)));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An error before `s3s` saw the request.
pub(crate) async fn refusal(error: ServiceError, about: &About) -> Answer {
    let response = crate::convert::error(error).to_http_response();
    match response {
        Ok(response) => finish(response, about).await,
        Err(_) => landfall_gateway::plain(500, "application/xml", Bytes::new()),
    }
}
