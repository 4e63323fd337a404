//! AWS Signature Version 4, both sides (AWS IAM User Guide, "Create a signed AWS API request").
//!
//! A server reads a [`Claim`] from the request, finds the secret of its access key, asks [`Claim::check_scope`] whether the
//! signature is meant for it, and then [`Verifier::verify`]. A client calls [`sign`].

mod canonical;
mod claim;
mod key;
mod sign;
mod verify;

use hex_simd::AsciiCase;
use http::HeaderMap;

pub use claim::{Claim, ClaimError};
pub use sign::{Credentials, SignError, sign};
pub use verify::{SignatureError, Verifier, signature_of};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// What of a request is signed, beside its body.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// `POST`
    pub method: &'a str,
    /// As on the request line, percent-encoded, without the query.
    pub path: &'a str,
    /// As on the request line, without `?`.
    pub query: &'a str,
    /// All headers, `host` among them.
    pub headers: &'a HeaderMap,
}

/// What is known of a request's body.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// The whole body.
    Bytes(&'a [u8]),
    /// Its SHA-256 in lower-case hexadecimal digits, where the body has been hashed on its way to disk.
    Digest(&'a str),
    /// Not seen yet: the claim of `x-amz-content-sha256` is taken as it stands and the caller compares it afterwards.
    /// Only S3 carries that header.
    Claimed,
}

/// S3 signs the path as it is; every other service encodes it once more and removes dot segments.
fn signs_raw_path(service: &str) -> bool {
    service == "s3" || service.starts_with("s3-") || service == "s3express"
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex_simd::encode_to_string(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes), AsciiCase::Lower)
}

#[cfg(test)]
mod tests;
