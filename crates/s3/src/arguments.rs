//! Arguments that `s3s` would take as they are, or refuse in words of its own: numbers that are none, ids of versions that
//! can be none.

use http::Method;
use http::request::Parts;
use landfall_services::s3::error;
use landfall_services::s3::names::is_version_id;
use landfall_shape::ServiceError;

/// Numbers of listings.
const NUMBERS: [&str; 4] = ["max-keys", "max-parts", "max-uploads", "part-number-marker"];

/// Looks at the query of a request, and at a header that its operation cannot do without.
///
/// # Errors
/// `InvalidArgument`, `InvalidRequest`
pub(crate) fn check(parts: &Parts, has_key: bool) -> Result<(), ServiceError> {
    for pair in parts.uri.query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        check_number(name, &value)?;
        if name == "versionId" && has_key {
            check_version_id(&value)?;
        }
        if name == "attributes" && has_key && parts.method == Method::GET {
            check_attributes(parts)?;
        }
    }
    Ok(())
}

fn check_number(name: &str, value: &str) -> Result<(), ServiceError> {
    let Some(name) = NUMBERS.into_iter().find(|number| *number == name) else { return Ok(()) };
    if value.parse::<i32>().is_ok() {
        return Ok(());
    }
    let text = format!("Provided {name} not an integer or within integer range");
    Err(error::bad_argument(name, value, text))
}

/// Looks whether a version can have this id.
///
/// # Errors
/// `InvalidArgument`
pub(crate) fn check_version_id(id: &str) -> Result<(), ServiceError> {
    let text = if id.is_empty() {
        "Version id cannot be the empty string"
    } else if is_version_id(id) {
        return Ok(());
    } else {
        "Invalid version id specified"
    };
    Err(error::bad_argument("versionId", id, text))
}

fn check_attributes(parts: &Parts) -> Result<(), ServiceError> {
    let named = |value: &http::HeaderValue| !value.as_bytes().trim_ascii().is_empty();
    if parts.headers.get_all("x-amz-object-attributes").iter().any(named) {
        return Ok(());
    }
    let text = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty";
    Err(error::invalid_request(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(target: &str, has_key: bool) -> Result<(), String> {
        let request = http::Request::builder().uri(target).body(()).unwrap();
        check(&request.into_parts().0, has_key).map_err(|error| error.message)
    }

    #[test]
    fn numbers_and_versions() {
        let range = |name: &str| Err(format!("Provided {name} not an integer or within integer range"));
        let id = "0123456789abcdef0123456789ABCDEF";
        for (target, has_key, expected) in [
            ("/b?max-keys=5".to_owned(), false, Ok(())),
            ("/b?max-keys=-5".to_owned(), false, Ok(())),
            ("/b?max-keys=2147483648".to_owned(), false, range("max-keys")),
            ("/b/k?uploadId=u&max-parts=x".to_owned(), true, range("max-parts")),
            ("/b/k?part-number-marker=".to_owned(), true, range("part-number-marker")),
            (format!("/b/k?versionId={id}"), true, Ok(())),
            ("/b/k?versionId=null".to_owned(), true, Ok(())),
            ("/b/k?versionId=%6eull".to_owned(), true, Ok(())),
            ("/b/k?versionId=no".to_owned(), true, Err("Invalid version id specified".to_owned())),
            ("/b/k?versionId=".to_owned(), true, Err("Version id cannot be the empty string".to_owned())),
            ("/b?versionId=no".to_owned(), false, Ok(())),
        ] {
            assert_eq!(checked(&target, has_key), expected, "{target}");
        }
        assert!(checked("/b/k?attributes", true).is_err());
    }
}
