//! What a visitor sees where no container answers.

use http::StatusCode;
use landfall_gateway::{Answer, plain};

/// An answer of the edge's own.
pub(crate) fn page(status: StatusCode, text: &str) -> Answer {
    let reason = status.canonical_reason().unwrap_or_default();
    let body = format!(
        "<!doctype html><title>{code} {reason}</title><h1>{code} {reason}</h1><p>{text}</p>\n",
        code = status.as_u16()
    );
    plain(status.as_u16(), "text/html; charset=utf-8", body)
}
