//! ECR's data plane on the port of all services: the OCI distribution protocol under `/v2/`, and the short-lived addresses
//! of layers.
//!
//! A repository is named by the path, `/v2/<account>/<region>/<name>/…`, or by the host in AWS's form and the rest of the
//! path. Each request is one action of IAM, asked before anything is looked up ([`access`]).

mod access;
mod asked;
mod cache;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use landfall_registry::{Collected, Digest, Limits, OciError, Registry, ResponseBody, Served};
use landfall_services::ecr::pull_through::Awaited;
use landfall_services::ecr::{
    ADDRESS_HEADER, AddressError, EcrCatalog, LAYER_PATH, addressed_layer, layer_address, layer_path,
    record::RepositoryKey, registry,
};
use landfall_services::pipe::{Failure, Installation};

use crate::answer::{Answer, AnswerBody, plain, streamed};
use crate::front::{Answering, Front};
use access::{EcrAccess, Visitor};
use asked::Asked;

/// The largest layer of ECR (quota "Maximum layer size", 52,000 MiB).
const LAYER_BYTES: u64 = 52_000 << 20;

/// From this size on a layer is not sent where it was asked for, but its address is. Sending less costs less than a second
/// request.
const ADDRESSED_BYTES: u64 = 1 << 20;

/// The registries of every account and Region of an installation.
#[derive(Debug)]
pub struct EcrRegistry {
    installation: Arc<Installation>,
    registry: Registry<EcrAccess, EcrCatalog>,
}

impl EcrRegistry {
    /// The registries of `installation`.
    pub fn new(installation: Arc<Installation>) -> Self {
        let access = EcrAccess::new(Arc::clone(&installation));
        let catalog = EcrCatalog::new(Arc::clone(&installation));
        let limits = Limits { blob_bytes: LAYER_BYTES, ..Limits::default() };
        let registry = Registry::with_limits(access, catalog, installation.blobs.clone(), limits);
        Self { installation, registry }
    }

    /// Removes layers that no image names, and uploads, that nobody wanted for so long.
    ///
    /// # Errors
    /// A row cannot be read, or the disk fails.
    pub async fn collect(&self, unwanted_for: Duration) -> Result<Collected, OciError> {
        self.registry.collect(unwanted_for).await
    }

    /// Closes uploads, by registry and by API, whose repository was removed, and removes their bytes.
    ///
    /// # Errors
    /// A row cannot be read.
    pub async fn close_orphaned_uploads(&self) -> Result<(), OciError> {
        self.registry.close_orphaned_uploads().await?;
        let view = self.installation.store.view();
        self.installation.layer_uploads.close_orphans(&view).map_err(OciError::internal)
    }

    async fn distribution(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::of(&parts, peer);
        parts.extensions.insert(visitor);
        let asked = Asked::of(&parts);
        if let Some(answer) = self.upstream_answer(asked.as_ref(), &parts, peer).await {
            return answer;
        }
        let asked = asked.filter(|_| parts.method == Method::GET);
        let by_node = parts.headers.contains_key(ADDRESS_HEADER);
        let response = self.registry.handle(Request::from_parts(parts, body)).await;
        match asked.filter(|_| response.status().is_success()) {
            Some(Asked::Layer(key, digest)) if by_node => self.address(&key, digest),
            Some(Asked::Layer(key, digest)) if whole_size(&response) >= ADDRESSED_BYTES => {
                redirect(layer_path(&self.installation, &key, digest))
            }
            Some(Asked::Manifest(key, _)) => {
                self.note_pull(key, &response);
                worded(streamed(response))
            }
            _ => worded(streamed(response)),
        }
    }

    /// The answer to who asks for what the pull-through cache has to fetch, or is about to have.
    async fn upstream_answer(
        &self,
        asked: Option<&Asked>,
        parts: &Parts,
        peer: SocketAddr,
    ) -> Option<Answer> {
        let access = EcrAccess::new(Arc::clone(&self.installation));
        match asked? {
            Asked::Manifest(key, reference) => {
                cache::fill(&self.installation, &access, (key, reference), parts, peer).await
            }
            Asked::Layer(key, digest) => {
                let blob = cache::layer(&self.installation, &access, (key, *digest), parts, peer)?;
                Some(match parts.headers.contains_key(ADDRESS_HEADER) {
                    true => self.address(key, *digest),
                    false => self.arriving(*digest, blob, parts).await,
                })
            }
        }
    }

    /// Nobody waits for the bookkeeping.
    fn note_pull(&self, key: RepositoryKey, response: &Response<ResponseBody>) {
        let Some(&Served(digest)) = response.extensions().get() else { return };
        let installation = Arc::clone(&self.installation);
        tokio::spawn(async move { registry::note_pull(&installation, &key, digest).await });
    }

    /// A layer that comes from an upstream registry: as it comes, or, for a part of it, once it is here.
    async fn arriving(&self, digest: Digest, blob: Awaited, parts: &Parts) -> Answer {
        let growing = blob.growing().await;
        let answer = match growing {
            Some(growing) if !parts.headers.contains_key(RANGE) => {
                self.registry.growing_blob(growing, digest, parts.method == Method::GET)
            }
            Some(growing) => {
                // When it was given up, the store does not have it.
                let _ = growing.whole().await;
                self.registry.blob(digest, &parts.headers).await
            }
            None => self.registry.blob(digest, &parts.headers).await,
        };
        streamed(answer)
    }

    async fn stored_or_arriving(&self, digest: Digest, parts: &Parts) -> Answer {
        let stored = self.registry.blobs().size(digest).await.is_ok_and(|size| size.is_some());
        match self.installation.upstreams.arriving(None, digest).filter(|_| !stored) {
            Some(blob) => self.arriving(digest, blob, parts).await,
            None => streamed(self.registry.blob(digest, &parts.headers).await),
        }
    }

    /// Where a layer can be read, for the node, which opens addresses of this server itself.
    fn address(&self, repository: &RepositoryKey, digest: Digest) -> Answer {
        redirect(layer_address(&self.installation, repository, digest))
    }

    /// A layer for whoever has an address of it.
    async fn layer(&self, parts: &Parts, token: &str) -> Answer {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return storage_error(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            );
        }
        match addressed_layer(&self.installation, token) {
            Ok(digest) => self.stored_or_arriving(digest, parts).await,
            Err(AddressError::Expired) => storage_error(403, "AccessDenied", "Request has expired"),
            Err(AddressError::Invalid) => storage_error(403, "AccessDenied", "Access Denied"),
            Err(AddressError::Key(code, message)) => storage_error(400, &format!("KMS.{code}"), &message),
            Err(AddressError::Internal(cause)) => {
                tracing::error!(%cause, "a layer's address cannot be followed");
                storage_error(500, "InternalError", "We encountered an internal error. Please try again.")
            }
        }
    }
}

impl Front for EcrRegistry {
    fn claims(&self, parts: &Parts) -> bool {
        let path = parts.uri.path();
        path == "/v2" || path.starts_with("/v2/") || path.starts_with(LAYER_PATH)
    }

    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answering<'_> {
        Box::pin(async move {
            let token = request.uri().path().strip_prefix(LAYER_PATH).map(str::to_owned);
            match token {
                Some(token) => self.layer(&request.into_parts().0, &token).await,
                None => self.distribution(request, peer).await,
            }
        })
    }
}

/// The size of the layer that an answer holds, or holds a part of.
fn whole_size(response: &Response<ResponseBody>) -> u64 {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let of_part = text(CONTENT_RANGE).and_then(|range| range.rsplit_once('/')).map(|(_, size)| size);
    of_part.or_else(|| text(CONTENT_LENGTH)).and_then(|size| size.parse().ok()).unwrap_or_default()
}

/// To a layer's address, for who may have the layer.
fn redirect(address: Result<String, Failure>) -> Answer {
    match address.map(HeaderValue::try_from) {
        Ok(Ok(address)) => {
            let mut answer = plain(307, "text/plain", "");
            let version = HeaderName::from_static("docker-distribution-api-version");
            answer.headers_mut().insert(version, HeaderValue::from_static("registry/2.0"));
            answer.headers_mut().insert(LOCATION, address);
            answer
        }
        failed => {
            tracing::error!(?failed, "a layer's address cannot be made");
            storage_error(500, "InternalError", "We encountered an internal error. Please try again.")
        }
    }
}

/// ECR says 401 in two plain words.
fn worded(mut answer: Answer) -> Answer {
    if answer.status() == StatusCode::UNAUTHORIZED {
        let text = Bytes::from_static(b"Not Authorized\n");
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        *answer.body_mut() = AnswerBody::Whole(Full::new(text));
    }
    answer
}

/// Layers come from an object store on AWS, and so do these errors.
fn storage_error(status: u16, code: &str, message: &str) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    plain(status, "application/xml", text)
}
