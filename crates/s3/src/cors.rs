//! What browsers ask a bucket on behalf of a page of another origin, and are told by the bucket's rules (User Guide, "How does
//! Amazon S3 evaluate the CORS configuration on a bucket?").

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use landfall_services::s3::cors::{Question, Rule, find};
use landfall_services::s3::error::about;
use landfall_services::s3::record::BUCKETS;
use landfall_shape::ServiceError;
use landfall_store::View;

const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

fn header(parts: &Parts, name: &HeaderName) -> Option<String> {
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Whether a browser asks whether it may ask.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
}

/// The answer to such a question.
///
/// # Errors
/// `BadRequest`, `AccessForbidden`
pub(crate) fn preflight(view: &View, bucket: &str, parts: &Parts) -> Result<HeaderMap, ServiceError> {
    let bad = |text: String| ServiceError::client("BadRequest", text);
    let origin = header(parts, &ORIGIN)
        .ok_or_else(|| bad("Insufficient information. Origin request header needed.".to_owned()))?;
    let method = header(parts, &ACCESS_CONTROL_REQUEST_METHOD);
    let method = method.ok_or_else(|| bad("Invalid Access-Control-Request-Method: null".to_owned()))?;
    let names = header(parts, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let names: Vec<String> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let rules = rules_of(view, bucket);
    let forbidden = |text: &str| {
        let error = ServiceError::with_status("AccessForbidden", 403, text);
        about(about(error, "Method", method.as_str()), "ResourceType", resource_type(parts))
    };
    if rules.is_empty() {
        return Err(forbidden("CORSResponse: CORS is not enabled for this bucket."));
    }
    let asked = Question { origin: &origin, method: &method, headers: &names };
    let rule = find(&rules, asked).ok_or_else(|| {
        forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / \
             Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        )
    })?;
    let mut headers = answer(rule, &origin);
    if !names.is_empty() {
        put(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &names.join(", ").to_ascii_lowercase());
    }
    Ok(headers)
}

fn resource_type(parts: &Parts) -> &'static str {
    if parts.uri.path().trim_matches('/').contains('/') { "OBJECT" } else { "BUCKET" }
}

/// What is added to the answer of a request that names an origin.
pub(crate) fn of_request(view: &View, bucket: &str, parts: &Parts) -> HeaderMap {
    let Some(origin) = header(parts, &ORIGIN) else { return HeaderMap::new() };
    let asked = Question { origin: &origin, method: parts.method.as_str(), headers: &[] };
    find(&rules_of(view, bucket), asked).map(|rule| answer(rule, &origin)).unwrap_or_default()
}

/// A row that cannot be read lets nobody in.
fn rules_of(view: &View, bucket: &str) -> Vec<Rule> {
    view.get(&BUCKETS, bucket).ok().flatten().map(|row| row.cors.clone()).unwrap_or_default()
}

fn answer(rule: &Rule, origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let origin = rule.answered_origin(origin);
    put(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    put(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    if origin != "*" {
        put(&mut headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if !rule.exposed.is_empty() {
        put(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    }
    if let Some(age) = rule.max_age {
        put(&mut headers, ACCESS_CONTROL_MAX_AGE, &age.to_string());
    }
    put(&mut headers, VARY, VARIES);
    headers
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
