//! Which requests are S3's, and who makes them.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Request;
use http::request::Parts;
use hyper::body::Incoming;
use landfall_base::Timestamp;
use landfall_gateway::{Answer, Answering, Front, caller, signed_parts};
use landfall_services::pipe::{AuthMode, Caller, Failure, Installation};
use landfall_services::s3::keys::HEADERS;
use landfall_services::s3::names::is_bucket_name;
use landfall_services::s3::record::BUCKETS;
use landfall_services::sts::{CredentialError, Credentials, find_credentials};
use landfall_shape::ServiceError;
use landfall_wire::auth::{AuthFailure, Dialect, auth_error};
use landfall_wire::sigv4::{Claim, ClaimError, Payload, Verifier};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::validation::NameValidation;
use s3s::{Body, S3Result};

use crate::finish::{About, finish, refusal};
use crate::host::{Hosts, bucket_of};

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

/// The scope of the signature is `s3`, in the header or in a presigned query.
fn is_signed_for_s3(parts: &Parts) -> bool {
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
        let (mut parts, body) = request.into_parts();
        let about = about(&parts);
        let (caller, secret) = match self.authenticate(&parts, peer) {
            Ok(known) => known,
            Err(error) => return refusal(error, &about).await,
        };
        let key = caller.access_key_id.clone();
        let session = Session { installation: Arc::clone(&self.installation), caller: Arc::new(caller) };
        let mut service = S3ServiceBuilder::new(session);
        service.set_access(Decided);
        service.set_validation(Names);
        service.set_host(Hosts);
        match secret {
            Some(secret) => service.set_auth(SimpleAuth::from_single(key, secret)),
            None => {
                parts.headers.remove(http::header::AUTHORIZATION);
                service.set_auth(SimpleAuth::new());
            }
        }
        let request = Request::from_parts(parts, Body::from(body));
        match service.build().call(request).await {
            Ok(response) => finish(response, &about).await,
            Err(error) => {
                let error = Failure::internal(Box::<dyn std::error::Error + Send + Sync>::from(error));
                refusal(error.into_service_error("s3"), &about).await
            }
        }
    }

    /// The caller, and the secret that it signs with; none for those who do not sign.
    fn authenticate(
        &self,
        parts: &Parts,
        peer: SocketAddr,
    ) -> Result<(Caller, Option<String>), ServiceError> {
        let refuse = |failure: &AuthFailure| auth_error(failure, Dialect::S3);
        let installation = &self.installation;
        let signed = signed_parts(parts);
        let claim = match Claim::read(&signed) {
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
                return Ok((caller(anonymous, region, String::new(), parts, peer), None));
            }
            Err(error) => return Err(refuse(&error.into())),
        };
        claim.check_scope(None, "s3").map_err(|error| refuse(&error.into()))?;
        let region = claim.region.parse().map_err(|_| {
            let text = "the region in the credential scope is not valid".to_owned();
            refuse(&AuthFailure::Malformed(text))
        })?;
        let view = installation.store.view();
        let found = find_credentials(installation, &view, &claim.access_key_id, claim.session_token.as_ref());
        let credentials = found.map_err(|error| match error {
            CredentialError::Unknown => refuse(&AuthFailure::UnknownKey),
            CredentialError::Expired => refuse(&AuthFailure::Expired),
            CredentialError::Internal(failure) => failure.into_service_error("s3"),
        })?;
        let now = installation.clock.now();
        self.verifier
            .verify(&claim, &credentials.secret, &signed, Payload::Claimed, now)
            .map_err(|error| refuse(&error.into()))?;
        let secret = credentials.secret.expose().clone();
        let signature = keys_of_signature(&claim, parts, now);
        let mut caller = caller(credentials, region, claim.access_key_id, parts, peer);
        caller.via.extend(signature.into_iter().chain(keys_of_headers(parts)).map(condition));
        Ok((caller, Some(secret)))
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
