//! Request headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use landfall_base::Sensitive;

use crate::{Credentials, ErrorCode, OciError};

/// The header's text, if it is there and is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &CONTENT_LENGTH).and_then(|text| text.parse().ok())
}

/// What the `Authorization` header holds. A header that cannot be read is an error, never the same as none.
///
/// # Errors
/// `UNAUTHORIZED`, answered 400.
pub fn credentials(headers: &HeaderMap) -> Result<Option<Credentials>, OciError> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(|(scheme, rest)| {
        if scheme.eq_ignore_ascii_case("basic") {
            basic(rest.trim())
        } else if scheme.eq_ignore_ascii_case("bearer") {
            Some(Credentials::Bearer(rest.trim().into()))
        } else {
            None
        }
    });
    parsed.map(Some).ok_or_else(|| {
        OciError::new(
            ErrorCode::Unauthorized,
            "the `Authorization` header cannot be read: expected Basic or Bearer",
        )
        .status(http::StatusCode::BAD_REQUEST)
    })
}

fn basic(encoded: &str) -> Option<Credentials> {
    let plain = Sensitive::new(String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?);
    let (username, password) = plain.expose().split_once(':')?;
    Some(Credentials::Basic { username: username.to_owned(), password: password.into() })
}

/// Whether the client can take `media_type`. No `Accept` header means anything (RFC 9110 §12.5.1).
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let mut names = ranges.filter_map(|range| range.split(';').next()).map(str::trim);
    // Old clients say `application/json` and mean any manifest.
    names.any(|name| name == media_type || matches!(name, "*/*" | "application/*" | "application/json"))
}

/// Whether the client has what `etag` stands for already (RFC 9110 §13.1.2).
pub(super) fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|text| text.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn authorization_headers() {
        let read = |value: &str| credentials(&with(AUTHORIZATION, &[value]));
        let Ok(Some(Credentials::Basic { username, password })) = read("basic QTpiOmM=") else {
            panic!("not basic")
        };
        assert_eq!((username.as_str(), password.expose().as_str()), ("A", "b:c"));
        assert!(matches!(read("Bearer x"), Ok(Some(Credentials::Bearer(_)))));
        assert!(matches!(credentials(&HeaderMap::new()), Ok(None)));
        for bad in ["Basic", "Basic !", "Basic QQ==", "Basic /w==", "Digest x", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn if_none_match_headers() {
        for (values, expected) in [
            (&[][..], false),
            (&["\"a\""], true),
            (&["\"b\", W/\"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&["a"], false),
            (&["\"b\""], false),
        ] {
            assert_eq!(has_already(&with(IF_NONE_MATCH, values), "\"a\""), expected, "{values:?}");
        }
    }

    #[test]
    fn accept_headers() {
        for (values, expected) in [
            (&[][..], true),
            (&["a/b"], true),
            (&["x/y, a/b;q=0.5"], true),
            (&["x/y", "a/b"], true),
            (&["*/*"], true),
            (&["x/y"], false),
        ] {
            assert_eq!(accepts(&with(ACCEPT, values), "a/b"), expected, "{values:?}");
        }
    }
}
