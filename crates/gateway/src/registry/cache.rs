//! The pull-through cache: an image that is asked for and not here, or not looked up for a day, is fetched before the
//! registry looks for it. Whoever asks needs `ecr:BatchImportUpstreamImage` for that, and `ecr:CreateRepository` for a
//! repository that is not there yet.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Method;
use http::request::Parts;
use landfall_registry::Reference;
use landfall_services::ecr::names;
use landfall_services::ecr::pull_through::{self, ImportError, Need};
use landfall_services::ecr::record::RepositoryKey;
use landfall_services::ecr::registry;
use landfall_services::pipe::Installation;
use serde_json::json;

use super::access::{EcrAccess, addressed_host};
use crate::answer::{Answer, plain};

/// Fetches what a request asks for, if that has to be. An answer is the refusal; without one the registry goes on.
pub(super) async fn fill(
    installation: &Arc<Installation>,
    access: &EcrAccess,
    parts: &Parts,
    peer: SocketAddr,
) -> Option<Answer> {
    let (key, reference) = asked(parts)?;
    let view = installation.store.view();
    let need = pull_through::need(&view, &key, &reference, installation.clock.now()).ok()?;
    if need == Need::Nothing {
        return None;
    }
    // Who may not pull at all is told so by the registry.
    let caller = access.visitor(&view, parts, peer)?.in_region(&key.1);
    let pull = registry::permission(&view, "ecr:BatchGetImage", &key).ok()?;
    access.decide_all(&view, &caller, "BatchGetImage", vec![pull]).ok()?;
    let permissions = pull_through::permissions(&view, &key).ok()?;
    if let Err(message) = access.decide_all(&view, &caller, "BatchImportUpstreamImage", permissions) {
        return (need == Need::Import).then(|| refused(403, "DENIED", &message));
    }
    // Goes on when the client goes away: the next one finds more of it.
    let (work, place) = (Arc::clone(installation), key.clone());
    let fetched = tokio::spawn(async move { pull_through::import(&work, &place, &reference).await }).await;
    match fetched {
        Ok(Ok(())) => None,
        Ok(Err(ImportError::Refused(why))) => Some(refused(403, "DENIED", &why)),
        Ok(Err(ImportError::NotFound(why))) => Some(refused(404, "MANIFEST_UNKNOWN", &why)),
        Ok(Err(ImportError::Failed(why))) => Some(refused(502, "UNAVAILABLE", &why)),
        Ok(Err(ImportError::Internal(failure))) => {
            tracing::error!(%failure, repository = key.2, "an image was not fetched");
            Some(refused(500, "UNKNOWN", "the server's log has the cause"))
        }
        Err(error) => {
            tracing::error!(%error, repository = key.2, "an image was not fetched");
            Some(refused(500, "UNKNOWN", "the server's log has the cause"))
        }
    }
}

/// The image that a request asks for.
fn asked(parts: &Parts) -> Option<(RepositoryKey, Reference)> {
    let path = parts.uri.path().strip_prefix("/v2/");
    let path = path.filter(|_| matches!(parts.method, Method::GET | Method::HEAD))?;
    let (name, reference) = path.rsplit_once("/manifests/")?;
    Some((names::locate(addressed_host(parts), name)?, reference.parse().ok()?))
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message}]});
    plain(status, "application/json", body.to_string())
}
