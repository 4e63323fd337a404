//! From what HTTP and the network say to a [`PullError`].

use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use crate::error::Place;
use crate::{PullError, PullErrorKind};

/// Most of a registry's message that is kept, in characters.
const MAX_MESSAGE: usize = 500;

/// The network failed. The words are those that Go's HTTP client has for it, which users know from Docker and containerd.
pub(super) fn network_failure(error: &reqwest::Error, place: &Place, url: &Url) -> PullError {
    let host = url.host_str().unwrap_or_default();
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let causes = causes(error);
    let io_kind = io_kind(error);
    let has = |needle: &str| causes.contains(needle);
    let (kind, message) = if error.is_timeout() || io_kind == Some(io::ErrorKind::TimedOut) {
        (PullErrorKind::Timeout, format!("dial tcp {address}: i/o timeout"))
    } else if has("InvalidContentType") {
        (PullErrorKind::Tls, "http: server gave HTTP response to HTTPS client".to_owned())
    } else if has("certificate") || has("handshake") || has("Handshake") {
        (PullErrorKind::Tls, format!("tls: {}", last_cause(error)))
    } else if has("dns error") {
        (PullErrorKind::Connection, format!("dial tcp: lookup {host}: no such host"))
    } else if io_kind == Some(io::ErrorKind::ConnectionRefused) {
        (PullErrorKind::Connection, format!("dial tcp {address}: connect: connection refused"))
    } else if io_kind == Some(io::ErrorKind::ConnectionReset) {
        (PullErrorKind::Connection, format!("read tcp {address}: read: connection reset by peer"))
    } else if has("before message completed") || has("end of file") || has("unexpected EOF") {
        (PullErrorKind::Connection, "EOF".to_owned())
    } else {
        (PullErrorKind::Connection, format!("dial tcp {address}: {}", last_cause(error)))
    };
    PullError::new(kind, place, message)
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The causes only: the outermost text holds the URL with its query.
fn causes(error: &reqwest::Error) -> String {
    chain(error).map(|cause| format!("{cause:?} {cause}\n")).collect()
}

fn last_cause(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(|| "connection failed".to_owned(), ToString::to_string)
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

/// A registry's error document (OCI Distribution Specification, "Error codes"), or the looser ones seen in the wild.
#[derive(Default, Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    errors: Vec<ErrorEntry>,
    #[serde(default)]
    details: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// The code and message in an error body; both may be absent.
fn error_words(body: &[u8]) -> (Option<String>, String) {
    let document: ErrorDocument = serde_json::from_slice(body).unwrap_or_default();
    if let Some(entry) = document.errors.into_iter().next() {
        return (entry.code, clip(&entry.message.unwrap_or_default()));
    }
    let loose = document.details.or(document.message).and_then(|value| value.as_str().map(clip));
    (None, loose.unwrap_or_default())
}

/// One line of bounded length without control characters: a registry's text ends in logs and on terminals.
fn clip(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE).collect();
    line.trim().to_owned()
}

/// Turns an answer that is no success into an error.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], place: &Place) -> PullError {
    let (code, message) = error_words(body);
    let kind = match (status.as_u16(), code.as_deref()) {
        (429, _) | (_, Some("TOOMANYREQUESTS")) => PullErrorKind::TooManyRequests,
        (401, _) => PullErrorKind::Unauthorized,
        (403, _) => PullErrorKind::Denied,
        (404, _) if is_html(headers) => PullErrorKind::NotARegistry,
        (404, Some("DENIED")) => PullErrorKind::Denied,
        (404, _) => PullErrorKind::NotFound,
        (_, Some("MANIFEST_UNKNOWN" | "NAME_UNKNOWN" | "BLOB_UNKNOWN")) => PullErrorKind::NotFound,
        (status, _) => PullErrorKind::Server(status),
    };
    PullError::new(kind, place, message)
        .with_status(status.as_u16())
        .with_registry_code(code)
        .with_retry_after(retry_after(headers))
}

/// Whether an answer is a web page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// `Retry-After` in its seconds form (RFC 9110 §10.2.3); registries do not send dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bodies_of_all_sorts_give_their_words() {
        let cases: [(&str, Option<&str>, &str); 6] = [
            (r#"{"errors":[{"code":"DENIED","message":"no\nway"}]}"#, Some("DENIED"), "no way"),
            (r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#, Some("UNAUTHORIZED"), ""),
            (r#"{"details":"incorrect username or password"}"#, None, "incorrect username or password"),
            (r#"{"message":7}"#, None, ""),
            ("<html>", None, ""),
            ("", None, ""),
        ];
        for (body, code, message) in cases {
            assert_eq!(error_words(body.as_bytes()), (code.map(str::to_owned), message.to_owned()), "{body}");
        }
    }
}
