//! Which requests are S3's, and who makes them.

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use landfall_base::{Region, Sensitive, Timestamp};
use landfall_gateway::{Answer, Answering, Front, caller, lend, signed_parts};
use landfall_services::pipe::{AuthMode, Caller, Failure, Installation};
use landfall_services::s3::keys::HEADERS;
use landfall_services::s3::names::is_bucket_name;
use landfall_services::s3::record::BUCKETS;
use landfall_services::s3::{buckets, error};
use landfall_services::sts::{CredentialError, Credentials, find_credentials};
use landfall_shape::ServiceError;
use landfall_wire::auth::{AuthFailure, Dialect, auth_error};
use landfall_wire::sigv2;
use landfall_wire::sigv4::{Claim, ClaimError, Payload, Verifier, signature_of};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::validation::NameValidation;
use s3s::{Body, HttpResponse, S3Result};

use crate::finish::{About, finish, refusal};
use crate::host::{Hosts, bucket_of};
use crate::{arguments, cors, refusals, subresources};

/// S3 on the port of all services.
#[derive(Debug)]
pub struct S3Front {
    installation: Arc<Installation>,
    verifier: Verifier,
}

/// One request's caller, in front of the store.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) installation: Arc<Installation>,
    pub(crate) caller: Arc<Caller>,
}

/// Everything is decided in the operations, which know the rows.
struct Decided;

#[async_trait::async_trait]
impl S3Access for Decided {
    async fn check(&self, _cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}

struct Names;

impl NameValidation for Names {
    fn validate_bucket_name(&self, name: &str) -> bool {
        is_bucket_name(name)
    }
}

impl Front for S3Front {
    fn claims(&self, parts: &Parts) -> bool {
        if parts.headers.contains_key("x-amz-target") {
            return false;
        }
        is_signed_for_s3(parts)
            || host(parts).is_some_and(|host| bucket_of(host).is_some())
            || self.is_public(parts)
    }

    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answering<'_> {
        Box::pin(self.respond(request, peer))
    }
}

fn host(parts: &Parts) -> Option<&str> {
    parts.headers.get(http::header::HOST)?.to_str().ok()
}

fn authorization(parts: &Parts) -> Option<&str> {
    parts.headers.get(http::header::AUTHORIZATION)?.to_str().ok()
}

/// The scope of the signature is `s3`, in the header or in a presigned query; or it is one of version 2, and the request is
/// none of a query API, which have `Action`.
fn is_signed_for_s3(parts: &Parts) -> bool {
    let names_action =
        || parts.uri.query().unwrap_or_default().split('&').any(|it| it.starts_with("Action="));
    if sigv2::is_signed(&signed_parts(parts)) && !names_action() {
        return true;
    }
    let query = parts.uri.query().unwrap_or_default();
    let presigned = query.split('&').filter_map(|pair| pair.strip_prefix("X-Amz-Credential="));
    authorization(parts).is_some_and(|text| text.contains("/s3/aws4_request"))
        || presigned
            .into_iter()
            .any(|it| it.contains("%2Fs3%2Faws4_request") || it.contains("/s3/aws4_request"))
}

impl S3Front {
    /// The front of an installation.
    pub fn new(installation: Arc<Installation>) -> Self {
        Self { installation, verifier: Verifier::new() }
    }

    /// Without a signature: a path that begins with the name of a bucket. Paths of other protocols on this port cannot be
    /// names of buckets, or are known before (`/v2/`, `/health`).
    fn is_public(&self, parts: &Parts) -> bool {
        let first = parts.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        authorization(parts).is_none()
            && first != "health"
            && is_bucket_name(first)
            && self.installation.store.view().contains(&BUCKETS, first)
    }

    async fn respond(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (parts, body) = request.into_parts();
        let (body, lender) = lend(&parts.headers, body);
        let mut answer = self.answer_to(parts, Body::http_body_unsync(body), peer).await;
        // What is refused early must not cost the connection's next request.
        lender.settle(&mut answer).await;
        answer
    }

    async fn answer_to(&self, parts: Parts, body: Body, peer: SocketAddr) -> Answer {
        let about = about(&parts);
        if cors::is_preflight(&parts) {
            let asked = cors::preflight(&self.installation.store.view(), about.bucket(), &parts);
            return match asked {
                Ok(headers) => finish(allowed(headers), &about).await,
                Err(error) => refusal(error, &about).await,
            };
        }
        let of_origin = cors::of_request(&self.installation.store.view(), about.bucket(), &parts);
        let mut answer = self.answer_to_caller(parts, body, peer, &about).await;
        answer.headers_mut().extend(of_origin);
        answer
    }

    async fn answer_to_caller(
        &self,
        mut parts: Parts,
        body: Body,
        peer: SocketAddr,
        about: &About,
    ) -> Answer {
        let (caller, onward) = match self.authenticate(&mut parts, peer) {
            Ok(known) => known,
            Err(error) => return refusal(error, about).await,
        };
        let query = parts.uri.query().unwrap_or_default();
        let checked = subresources::check(&parts.method, &about.path, query)
            .and_then(|()| arguments::check(&parts, !about.key().is_empty()));
        if let Err(error) = checked {
            return refusal(error, about).await;
        }
        pass_over_range(&mut parts);
        quote_etags(&mut parts, &onward);
        let key = caller.access_key_id.clone();
        let session = Session { installation: Arc::clone(&self.installation), caller: Arc::new(caller) };
        let mut service = S3ServiceBuilder::new(session);
        service.set_access(Decided);
        service.set_validation(Names);
        service.set_host(Hosts);
        match onward {
            Onward::Signed(_, secret) => {
                service.set_auth(SimpleAuth::from_single(key, secret.expose().clone()));
            }
            Onward::Plain => {
                parts.headers.remove(http::header::AUTHORIZATION);
                service.set_auth(SimpleAuth::new());
            }
        }
        let request = Request::from_parts(parts, body);
        match service.build().call(request).await {
            Ok(response) => finish(response, about).await,
            Err(error) => {
                let error = Failure::internal(Box::<dyn std::error::Error + Send + Sync>::from(error));
                refusal(error.into_service_error("s3"), about).await
            }
        }
    }

    /// The caller, and how the request goes on.
    fn authenticate(&self, parts: &mut Parts, peer: SocketAddr) -> Result<(Caller, Onward), ServiceError> {
        if sigv2::is_signed(&signed_parts(parts)) {
            return self.authenticate_v2(parts, peer);
        }
        let installation = &self.installation;
        let claim = match Claim::read(&signed_parts(parts)) {
            Ok(claim) => claim,
            Err(ClaimError::Missing) => {
                let anonymous = Credentials {
                    secret: String::new().into(),
                    principal: match installation.auth {
                        AuthMode::Off => landfall_services::root_of(&installation.default_account),
                        _ => landfall_services::anonymous(),
                    },
                    account: installation.default_account.clone(),
                    session: None,
                };
                let region = installation.default_region.clone();
                return Ok((caller(anonymous, region, String::new(), parts, peer), Onward::Plain));
            }
            Err(error) => return Err(refusals::of_claim(error)),
        };
        claim.check_scope(None, "s3").map_err(|error| refusals::of_scope(&error))?;
        let region = claim.region.parse().map_err(|_| {
            let text = "the region in the credential scope is not valid".to_owned();
            auth_error(&AuthFailure::Malformed(text), Dialect::S3)
        })?;
        let credentials = self.credentials(&claim.access_key_id, claim.session_token.as_ref())?;
        let now = installation.clock.now();
        self.verifier
            .verify(&claim, &credentials.secret, &signed_parts(parts), Payload::Claimed, now)
            .map_err(|error| refusals::of_signature(&claim, error, now))?;
        let secret = credentials.secret.clone();
        let signature = keys_of_signature(&claim, parts, now);
        let presigned = claim.expires.is_some();
        if presigned {
            plain_query(parts);
        }
        let mut caller = caller(credentials, region, claim.access_key_id.clone(), parts, peer);
        caller.via.extend(signature.into_iter().chain(keys_of_headers(parts)).map(condition));
        // Without a body everything that is signed has been verified.
        let whole = presigned || matches!(parts.method, http::Method::GET | http::Method::HEAD);
        Ok((caller, if whole { Onward::Plain } else { Onward::Signed(Box::new(claim), secret) }))
    }

    /// As [`Self::authenticate`], for signatures of version 2.
    fn authenticate_v2(&self, parts: &mut Parts, peer: SocketAddr) -> Result<(Caller, Onward), ServiceError> {
        let claim = sigv2::Claim::read(&signed_parts(parts)).map_err(|error| refusals::of_v2(None, error))?;
        let region = self.region_of(parts);
        if !SIGV2_REGIONS.contains(&region.as_str()) && region != self.installation.default_region {
            let text = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
            return Err(error::invalid_request(text));
        }
        let credentials = self.credentials(&claim.access_key_id, claim.session_token.as_ref())?;
        let now = self.installation.clock.now();
        let bucket = host(parts).and_then(bucket_of).flatten();
        claim
            .verify(&credentials.secret, &signed_parts(parts), bucket, now)
            .map_err(|error| refusals::of_v2(Some(&claim.access_key_id), error))?;
        let way = if claim.expires.is_some() { "REST-QUERY-STRING" } else { "REST-HEADER" };
        let signature = [("s3:authType", way.to_owned()), ("s3:signatureversion", "AWS".to_owned())];
        if claim.expires.is_some() {
            plain_query(parts);
        }
        let mut caller = caller(credentials, region, claim.access_key_id, parts, peer);
        caller.via.extend(signature.into_iter().chain(keys_of_headers(parts)).map(condition));
        Ok((caller, Onward::Plain))
    }

    fn credentials(
        &self,
        id: &str,
        session_token: Option<&Sensitive<String>>,
    ) -> Result<Credentials, ServiceError> {
        let view = self.installation.store.view();
        find_credentials(&self.installation, &view, id, session_token).map_err(|error| match error {
            CredentialError::Unknown => refusals::unknown_key(id),
            CredentialError::Expired => refusals::expired_token(),
            CredentialError::Internal(failure) => failure.into_service_error("s3"),
        })
    }

    /// Where the bucket of a request is: version 2 signs no Region.
    fn region_of(&self, parts: &Parts) -> Region {
        let about = about(parts);
        let known = buckets::region_of(&self.installation.store.view(), about.bucket());
        known.unwrap_or_else(|| self.installation.default_region.clone())
    }
}

/// An answer that has headers and nothing else.
fn allowed(headers: HeaderMap) -> HttpResponse {
    let mut response = HttpResponse::new(Body::empty());
    *response.headers_mut() = headers;
    response
}

/// A range that is none counts as not asked for (RFC 9110 §14.2).
fn pass_over_range(parts: &mut Parts) {
    if matches!(parts.method, http::Method::GET | http::Method::HEAD)
        && header(parts, "range").is_some_and(|text| !is_range(&text))
    {
        parts.headers.remove(http::header::RANGE);
    }
}

/// `s3s` takes a suffix without a length for one of length zero.
fn is_range(text: &str) -> bool {
    text != "bytes=-" && s3s::dto::Range::parse(text).is_ok()
}

/// Conditions that name an ETag.
const ETAGS: [&str; 4] =
    ["if-match", "if-none-match", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"];

/// S3 takes an ETag without quotation marks, or with one of them, as one with both. The signature was verified with what
/// was sent; where `s3s` verifies it again, for the sake of the body, it sees one of what it reads. The chunks of a body are
/// signed after the request: there everything stays as it is.
fn quote_etags(parts: &mut Parts, onward: &Onward) {
    let signed = match onward {
        Onward::Plain => None,
        Onward::Signed(..) if has_signed_chunks(parts) => return,
        Onward::Signed(claim, secret) => Some((claim, secret)),
    };
    let mut changed = false;
    for name in ETAGS {
        let Some(value) = parts.headers.get_mut(name) else { continue };
        if let Some(quoted) = quoted(value).filter(|quoted| quoted != value) {
            *value = quoted;
            changed = true;
        }
    }
    let Some((claim, secret)) = signed.filter(|_| changed) else { return };
    let signature = signature_of(claim, secret, &signed_parts(parts));
    let written = authorization(parts).map(|text| text.replace(&claim.signature, &signature));
    if let Some(value) = written.and_then(|text| HeaderValue::from_str(&text).ok()) {
        parts.headers.insert(http::header::AUTHORIZATION, value);
    }
}

fn has_signed_chunks(parts: &Parts) -> bool {
    header(parts, "x-amz-content-sha256").is_some_and(|it| it.starts_with("STREAMING-AWS4-"))
}

fn quoted(value: &HeaderValue) -> Option<HeaderValue> {
    let is_tag = |text: &&str| !matches!(*text, "" | "*") && !text.starts_with("W/");
    let text = value.to_str().ok().map(str::trim).filter(is_tag)?;
    HeaderValue::from_str(&format!("\"{}\"", etag_in(text))).ok()
}

/// What a condition names, without quotation marks. What can be no ETag is that of no object.
fn etag_in(text: &str) -> &str {
    let text = text.strip_prefix('"').unwrap_or(text);
    let text = text.strip_suffix('"').unwrap_or(text);
    // RFC 9110 §8.8.3
    let fits = text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e));
    if fits { text } else { "none" }
}

/// How a request goes on to `s3s`.
enum Onward {
    /// Everything that is signed was verified here, or nothing is: `s3s` sees a request without a signature.
    Plain,
    /// The body, or the signatures of its chunks, is still to be verified: what was claimed, and the secret.
    Signed(Box<Claim>, Sensitive<String>),
}

/// Regions that knew signatures of version 2 (User Guide, "Authenticating Requests (AWS Signature Version 2)"), beside the
/// installation's own.
const SIGV2_REGIONS: [&str; 9] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Parameters of a presigned query that no operation asks for.
const OF_SIGNATURE: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Takes the signature out of a verified presigned query. What else there is of `x-amz-…`, and with version 2
/// `content-type`, stands for headers.
fn plain_query(parts: &mut Parts) {
    let mut kept = Vec::new();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let lower = name.to_ascii_lowercase();
        if sigv2::is_of_signature(name) || OF_SIGNATURE.contains(&lower.as_str()) {
            continue;
        }
        if !lower.starts_with("x-amz-") && lower != "content-type" && lower != "content-md5" {
            kept.push(pair);
            continue;
        }
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        let header = HeaderName::from_bytes(lower.as_bytes()).ok().zip(HeaderValue::from_str(&value).ok());
        if let Some((name, value)) = header {
            parts.headers.entry(name).or_insert(value);
        }
    }
    let path = parts.uri.path();
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = target.parse().ok();
    if let Ok(uri) = http::Uri::from_parts(uri) {
        parts.uri = uri;
    }
}

fn condition((key, value): (&str, String)) -> (String, Vec<String>) {
    (key.to_owned(), vec![value])
}

/// Condition keys about how a request is signed (Amazon S3 API Reference, "Amazon S3 Signature Version 4 authentication
/// specific policy keys").
fn keys_of_signature(claim: &Claim, parts: &Parts, now: Timestamp) -> Vec<(&'static str, String)> {
    let way = if claim.expires.is_some() { "REST-QUERY-STRING" } else { "REST-HEADER" };
    let mut keys =
        vec![("s3:authType", way.to_owned()), ("s3:signatureversion", "AWS4-HMAC-SHA256".to_owned())];
    let content = header(parts, "x-amz-content-sha256");
    keys.extend(content.map(|content| ("s3:x-amz-content-sha256", content)));
    // S3 has the age for presigned requests only.
    let age = claim.expires.map(|_| now.millis().saturating_sub(claim.date.millis()).max(0));
    keys.extend(age.map(|age| ("s3:signatureAge", age.to_string())));
    keys
}

/// Condition keys that are headers of a write.
fn keys_of_headers(parts: &Parts) -> Vec<(&'static str, String)> {
    if !matches!(parts.method, http::Method::PUT | http::Method::POST | http::Method::DELETE) {
        return Vec::new();
    }
    HEADERS.iter().filter_map(|(name, key)| Some((*key, header(parts, name)?))).collect()
}

fn header(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn about(parts: &Parts) -> About {
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let path = match host(parts).and_then(bucket_of).flatten() {
        Some(bucket) => format!("/{bucket}{path}"),
        None => path,
    };
    About { path, head: parts.method == http::Method::HEAD }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_range() {
        for (text, expected) in [
            ("bytes=0-1", true),
            ("bytes=5-", true),
            ("bytes=-5", true),
            ("bytes=-0", true),
            ("bytes=-", false),
            ("bytes=1-0", false),
            ("bytes=-1-", false),
            ("bytes=0-1,3-4", false),
        ] {
            assert_eq!(is_range(text), expected, "{text}");
        }
    }

    #[test]
    fn etags_without_quotation_marks_get_them() {
        for (given, wanted) in [
            ("abc", "\"abc\""),
            ("\"abc\"", "\"abc\""),
            ("abc\"", "\"abc\""),
            ("\"abc", "\"abc\""),
            ("unknown etag", "\"none\""),
            ("\"unknown etag\"", "\"none\""),
            ("a\"b", "\"none\""),
            ("W/\"abc\"", "W/\"abc\""),
            ("*", "*"),
            ("", ""),
        ] {
            for name in ETAGS {
                let request = Request::builder().header(name, given).body(()).unwrap();
                let mut parts = request.into_parts().0;
                quote_etags(&mut parts, &Onward::Plain);
                assert_eq!(parts.headers[name], wanted, "{name}");
            }
        }
    }
}
