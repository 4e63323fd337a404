//! The canonical request and the string to sign.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::{ALGORITHM, RequestParts, sha256_hex};

/// RFC 3986 unreserved characters stand for themselves.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// The canonical request. `excluded` names a query parameter that is left out (the signature of a presigned request).
pub(super) fn request(
    parts: &RequestParts<'_>,
    raw_path: bool,
    excluded: Option<&str>,
    signed_headers: &[String],
    payload_hash: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(640);
    out.extend_from_slice(parts.method.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(path(parts.path, raw_path).as_bytes());
    out.push(b'\n');
    out.extend_from_slice(query(parts.query, excluded).as_bytes());
    out.push(b'\n');
    for name in signed_headers {
        push_header(&mut out, name, parts.headers);
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.join(";").as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    out
}

/// The string to sign over a canonical request. `timestamp` is in basic ISO 8601 form, `scope` is
/// `date/region/service/aws4_request`.
pub(super) fn string_to_sign(timestamp: &str, scope: &str, canonical: &[u8]) -> String {
    format!("{ALGORITHM}\n{timestamp}\n{scope}\n{}", sha256_hex(canonical))
}

fn path(path: &str, raw: bool) -> Cow<'_, str> {
    if path.is_empty() || path == "/" {
        return Cow::Borrowed("/");
    }
    if raw {
        // Decoding first makes `%7E` and `~` the same path, whichever the client wrote.
        let decoded: Vec<u8> = percent_decode_str(path).collect();
        return Cow::Owned(percent_encode(&decoded, ENCODED_IN_PATH).to_string());
    }
    Cow::Owned(percent_encode(normalize(path).as_bytes(), ENCODED_IN_PATH).to_string())
}

/// Removes `.`, `..` and empty segments (RFC 3986 §5.2.4, and SigV4's "redundant slashes").
fn normalize(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len() + 1);
    for segment in &segments {
        out.push('/');
        out.push_str(segment);
    }
    let directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if segments.is_empty() || directory {
        out.push('/');
    }
    out
}

fn query(query: &str, excluded: Option<&str>) -> String {
    if query.is_empty() {
        return String::new();
    }
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| excluded != Some(name))
        .map(|(name, value)| (reencode(name), reencode(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn reencode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
    percent_encode(&decoded, ENCODED).to_string()
}

fn push_header(out: &mut Vec<u8>, name: &str, headers: &HeaderMap) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, value) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_collapsed(out, value.as_bytes());
    }
    out.push(b'\n');
}

/// Trims a value and turns runs of spaces into one.
fn push_collapsed(out: &mut Vec<u8>, value: &[u8]) {
    let mut previous = 0;
    for &byte in value.trim_ascii() {
        if byte != b' ' || previous != b' ' {
            out.push(byte);
        }
        previous = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_service() {
        for (sent, raw, expected) in [
            ("", false, "/"),
            ("/", false, "/"),
            ("/a/./b/../c", false, "/a/c"),
            ("//a//", false, "/a/"),
            ("/../..", false, "/"),
            ("/a%20b", false, "/a%2520b"),
            ("/a%20b", true, "/a%20b"),
            ("/a//b/..", true, "/a//b/.."),
            ("/%7Euser", true, "/~user"),
        ] {
            assert_eq!(path(sent, raw), expected, "{sent} {raw}");
        }
    }

    #[test]
    fn queries_are_decoded_sorted_and_encoded_once() {
        for (sent, expected) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&a", "a=&a=1&a=2"),
            ("a=%2f&b=%7e", "a=%2F&b=~"),
            ("a=x=y", "a=x%3Dy"),
            ("a=b+c", "a=b%20c"),
            ("a=1&X-Amz-Signature=ff", "a=1"),
        ] {
            assert_eq!(query(sent, Some("X-Amz-Signature")), expected, "{sent}");
        }
    }
}
