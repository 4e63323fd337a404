//! The registry itself: its parts, and how it is served.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::RwLock;

use crate::http::{Answer, BoxError, Call, ResponseBody, blob, growing};
use crate::uploads::Uploads;
use crate::{Access, BlobStore, Catalog, Digest, Growing};

/// How much a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a manifest. The specification asks for at least 4 MiB.
    pub manifest_bytes: usize,
    /// Bytes of a blob.
    pub blob_bytes: u64,
    /// Uploads open at a time.
    pub uploads: usize,
    /// How long a request body may stand still.
    pub body_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            blob_bytes: 64 << 30,
            uploads: 1024,
            body_idle: Duration::from_secs(60),
        }
    }
}

/// An OCI distribution server. Clones share everything.
pub struct Registry<A, C>(Arc<Inner<A, C>>);

struct Inner<A, C> {
    access: A,
    catalog: C,
    blobs: BlobStore,
    uploads: Uploads,
    limits: Limits,
}

impl<A, C> Clone for Registry<A, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, C> std::fmt::Debug for Registry<A, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("blobs", &self.0.blobs)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl<A: Access, C: Catalog> Registry<A, C> {
    /// A registry with the usual [`Limits`].
    pub fn new(access: A, catalog: C, blobs: BlobStore) -> Self {
        Self::with_limits(access, catalog, blobs, Limits::default())
    }

    /// A registry with other limits.
    pub fn with_limits(access: A, catalog: C, blobs: BlobStore, limits: Limits) -> Self {
        let uploads = Uploads::new(Arc::clone(blobs.clock()), limits.uploads);
        Self(Arc::new(Inner { access, catalog, blobs, uploads, limits }))
    }

    /// Who may.
    pub fn access(&self) -> &A {
        &self.0.access
    }

    /// What is there.
    pub fn catalog(&self) -> &C {
        &self.0.catalog
    }

    /// The bytes.
    pub fn blobs(&self) -> &BlobStore {
        &self.0.blobs
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn gate(&self) -> &RwLock<()> {
        self.0.blobs.gate()
    }

    /// Answers one request, whatever it is; paths outside `/v2/` get 404.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        Call::new(self, &parts).answer(body).await
    }

    /// A blob, or the part that `Range` asks for, for whoever may have it: nothing is asked here.
    pub async fn blob(&self, digest: Digest, headers: &HeaderMap) -> Response<ResponseBody> {
        blob(self.blobs(), digest, headers).await.unwrap_or_else(|error| Answer::refusal(&error))
    }

    /// A blob that is still being received, for whoever may have it; without its bytes for `HEAD`.
    pub fn growing_blob(&self, blob: Growing, digest: Digest, with_body: bool) -> Response<ResponseBody> {
        growing(blob, digest, with_body)
    }

    /// Serves HTTP/1.1 on `listener` until the future is dropped.
    pub async fn serve(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().serve_connection(stream))),
                Err(error) => {
                    // Out of descriptors, mostly: others must end before the next can begin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn serve_connection(self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap_or_else(|error| tracing::debug!(%error, "no TCP_NODELAY"));
        let service = service_fn(|request| async { Ok::<_, Infallible>(self.handle(request).await) });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
