//! The pull-through cache: an image that is asked for and not here is fetched, and served while it comes; one that was not
//! looked up for a day is looked up before the registry answers. Whoever asks needs `ecr:BatchImportUpstreamImage` for that, and `ecr:CreateRepository` for a
//! repository that is not there yet.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{HeaderName, Method};
use landfall_registry::{Digest, Reference};
use landfall_services::ecr::pull_through::{self, Arriving, Awaited, Begun, ImportError, Need, Said};
use landfall_services::ecr::record::RepositoryKey;
use landfall_services::ecr::registry;
use landfall_services::pipe::{CallName, Caller, Failure, Installation, audit};
use serde_json::json;

use super::access::{EcrAccess, PROTOCOL};
use crate::answer::{Answer, plain};

/// Fetches the image that a request asks for, if that has to be. An answer is the refusal; without one the registry goes on.
pub(super) async fn fill(
    installation: &Arc<Installation>,
    access: &EcrAccess,
    (key, reference): (&RepositoryKey, &Reference),
    parts: &Parts,
    peer: SocketAddr,
) -> Option<Answer> {
    let view = installation.store.view();
    let need = pull_through::need(&view, key, reference, installation.clock.now()).ok()?;
    if need == Need::Nothing {
        return None;
    }
    // Who may not pull at all is told so by the registry.
    let caller = access.visitor(&view, parts, peer)?.in_region(&key.1);
    let pull = registry::permission(&view, "ecr:BatchGetImage", key).ok()?;
    access.decide_all(&view, &caller, "BatchGetImage", vec![pull]).ok()?;
    let takes = |image: &Arc<Arriving>| landfall_registry::accepts(&parts.headers, &image.sent.media_type);
    let coming = installation.upstreams.image(key, reference).filter(|_| need == Need::Import);
    if let Some(image) = coming.filter(takes) {
        return Some(arriving(installation, key, &image, &caller, parts));
    }
    let permissions = pull_through::permissions(&view, key).ok()?;
    if let Err(message) = access.decide_all(&view, &caller, "BatchImportUpstreamImage", permissions) {
        return (need == Need::Import).then(|| refused(403, "DENIED", &message));
    }
    let begun = match need {
        // What is here is served as it is when the upstream registry fails half-way.
        Need::Refresh => whole(installation, key, reference).await,
        _ => pull_through::begin(installation, key, reference).await,
    };
    let begun = match begun {
        // The registry knows what to do about the format.
        Ok(Begun::Arriving(image)) if !takes(&image) => whole(installation, key, reference).await,
        begun => begun,
    };
    match begun {
        Ok(Begun::Here) => None,
        Ok(Begun::Arriving(image)) => Some(arriving(installation, key, &image, &caller, parts)),
        Err(ImportError::Refused(said)) => Some(not_given(403, "DENIED", &said)),
        Err(ImportError::NotFound(said)) => Some(not_given(404, "MANIFEST_UNKNOWN", &said)),
        Err(ImportError::TooManyRequests(said)) => Some(not_given(429, "TOOMANYREQUESTS", &said)),
        Err(ImportError::Failed(said)) => Some(not_given(502, "UNAVAILABLE", &said)),
        Err(ImportError::Internal(failure)) => {
            tracing::error!(%failure, repository = key.2, "an image was not fetched");
            Some(refused(500, "UNKNOWN", "the server's log has the cause"))
        }
    }
}

/// Waits until the image is here. Goes on when the client goes away: the next one finds more of it.
async fn whole(
    installation: &Arc<Installation>,
    key: &RepositoryKey,
    reference: &Reference,
) -> Result<Begun, ImportError> {
    let (work, place, name) = (Arc::clone(installation), key.clone(), reference.clone());
    let fetched = tokio::spawn(async move { pull_through::import(&work, &place, &name).await });
    let outcome = fetched.await.map_err(|error| ImportError::Internal(Failure::internal(error)))?;
    outcome.map(|()| Begun::Here)
}

/// The manifest of an image whose layers come, for a caller who may have it.
fn arriving(
    installation: &Arc<Installation>,
    key: &RepositoryKey,
    image: &Arc<Arriving>,
    caller: &Caller,
    parts: &Parts,
) -> Answer {
    audit(CallName::new(PROTOCOL, "BatchGetImage"), caller, "ok", &[]);
    let head = parts.method == Method::HEAD;
    if !head {
        image.pulled();
        let (installation, key, digest) = (Arc::clone(installation), key.clone(), image.digest);
        // The image may have been kept just before that.
        tokio::spawn(async move { registry::note_pull(&installation, &key, digest).await });
    }
    let (length, body) = (image.sent.bytes.len(), if head { Bytes::new() } else { image.sent.bytes.clone() });
    let mut answer = plain(200, "application/json", body);
    let headers = answer.headers_mut();
    let values = [
        (CONTENT_TYPE, image.sent.media_type.clone()),
        (CONTENT_LENGTH, length.to_string()),
        (ETAG, format!("\"{}\"", image.digest)),
        (HeaderName::from_static("docker-content-digest"), image.digest.to_string()),
        (HeaderName::from_static("docker-distribution-api-version"), "registry/2.0".to_owned()),
    ];
    for (name, value) in values {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    answer
}

/// A layer that a request asks for and that is on its way into this repository, if the caller may have it. Who may not is told so
/// by the registry.
pub(super) fn layer(
    installation: &Installation,
    access: &EcrAccess,
    (key, digest): (&RepositoryKey, Digest),
    parts: &Parts,
    peer: SocketAddr,
) -> Option<Awaited> {
    let action = match parts.method {
        Method::HEAD => "ecr:BatchCheckLayerAvailability",
        _ => "ecr:GetDownloadUrlForLayer",
    };
    let awaited = installation.upstreams.arriving(Some(key), digest)?;
    let view = installation.store.view();
    if registry::layer_size(&view, key, digest).ok()?.is_some() {
        return None;
    }
    let caller = access.visitor(&view, parts, peer)?.in_region(&key.1);
    let permission = registry::permission(&view, action, key).ok()?;
    let operation = action.trim_start_matches("ecr:");
    access.decide_all(&view, &caller, operation, vec![permission]).ok()?;
    audit(CallName::new(PROTOCOL, operation), &caller, "ok", &[]);
    Some(awaited)
}

/// What the upstream registry answered is told beside ECR's sentence, which clients look for.
fn not_given(status: u16, code: &str, Said { message, detail }: &Said) -> Answer {
    let mut error = json!({"code": code, "message": message});
    if !detail.is_empty() {
        error["detail"] = json!(detail);
    }
    plain(status, "application/json", json!({"errors": [error]}).to_string())
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message}]});
    plain(status, "application/json", body.to_string())
}
