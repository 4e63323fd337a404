//! What every answer has beside what the operation says: request ids, and in errors what they are about.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use landfall_base::random;
use landfall_gateway::{Answer, AnswerBody, streamed};
use landfall_shape::ServiceError;
use s3s::{Body, HttpResponse};

use crate::convert::{BARE_ETAG, ELEMENT, STATUS};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// What an error is about.
pub(crate) struct About {
    pub(crate) path: String,
    pub(crate) head: bool,
}

impl About {
    pub(crate) fn bucket(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    pub(crate) fn key(&self) -> &str {
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
    let elements = take_elements(&mut parts.headers);
    let status = parts.headers.remove(&STATUS);
    let status = status.and_then(|value| StatusCode::from_bytes(value.as_bytes()).ok());
    parts.status = status.unwrap_or(parts.status);
    if about.head || parts.status.as_u16() == 304 {
        if parts.status.as_u16() >= 300 {
            parts.headers.remove(CONTENT_LENGTH);
            if parts.status.as_u16() >= 400 {
                parts.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/xml"));
            }
            return http::Response::from_parts(parts, AnswerBody::Whole(Full::new(Bytes::new())));
        }
        return streamed(http::Response::from_parts(parts, body));
    }
    if parts.headers.remove(&BARE_ETAG).is_some() {
        let text = without_quotes(&whole(body).await);
        parts.headers.remove(CONTENT_LENGTH);
        return http::Response::from_parts(parts, AnswerBody::Whole(Full::new(text.into())));
    }
    if parts.status.as_u16() < 400 {
        return streamed(http::Response::from_parts(parts, body));
    }
    let text = whole(body).await;
    let text = with_details(&text, about, &request_id, &elements);
    parts.headers.remove(CONTENT_LENGTH);
    http::Response::from_parts(parts, AnswerBody::Whole(Full::new(text.into())))
}

/// Elements that the error has beside code and message, by name.
fn take_elements(headers: &mut HeaderMap) -> Vec<(String, String)> {
    let elements = headers.get_all(&ELEMENT).iter().filter_map(|value| {
        let (name, value) = value.to_str().ok()?.split_once('=')?;
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        Some((name.to_owned(), value))
    });
    let elements = elements.collect();
    headers.remove(&ELEMENT);
    elements
}

fn without_quotes(text: &str) -> String {
    text.replacen("<ETag>\"", "<ETag>", 1).replacen("\"</ETag>", "</ETag>", 1)
}

async fn whole(body: Body) -> String {
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn with_details(text: &str, about: &About, request_id: &str, elements: &[(String, String)]) -> String {
    let mut details = String::new();
    let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next()).unwrap_or_default();
    if let Some(message) = message_of(code).filter(|_| !text.contains("<Message>")) {
        element(&mut details, "Message", message);
    }
    for (name, value) in elements {
        element(&mut details, name, value);
    }
    let own = match code {
        "NoSuchKey" => ("Key", about.key()),
        "NoSuchBucket"
        | "InvalidBucketName"
        | "BucketNotEmpty"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "NoSuchBucketPolicy"
        | "NoSuchTagSet"
        | "NoSuchCORSConfiguration"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchWebsiteConfiguration"
        | "OwnershipControlsNotFoundError"
        | "NoSuchPublicAccessBlockConfiguration"
        | "ObjectLockConfigurationNotFoundError"
        | "ReplicationConfigurationNotFoundError" => ("BucketName", about.bucket()),
        _ => ("Resource", about.path.as_str()),
    };
    if elements.is_empty() || own.0 != "Resource" && !elements.iter().any(|(name, _)| name == own.0) {
        element(&mut details, own.0, own.1);
    }
    element(&mut details, "RequestId", request_id);
    element(&mut details, "HostId", request_id);
    text.replacen("</Error>", &format!("{details}</Error>"), 1)
}

/// S3's sentence for what `s3s` refuses by a code alone.
fn message_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        _ => return None,
    })
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
