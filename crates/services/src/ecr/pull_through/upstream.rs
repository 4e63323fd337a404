//! The registry behind a rule, as whoever can speak to registries is asked for it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use landfall_base::Sensitive;
use landfall_registry::{Digest, Reference};

use super::arriving::{Arrivals, Arriving, Awaited};
use crate::ecr::record::RepositoryKey;

/// An answer on its way.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send + 'a>>;

/// An image of another registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamImage {
    /// Host, and port if it is not the usual one.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// Tag or digest.
    pub reference: String,
}

/// With what the registry is asked.
#[derive(Debug, Clone)]
pub struct UpstreamCredential {
    /// `username`
    pub username: String,
    /// `accessToken`
    pub access_token: Sensitive<String>,
}

/// A manifest or index, as the registry sent it.
#[derive(Debug, Clone)]
pub struct UpstreamManifest {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: String,
}

/// Why a registry gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// The credential was refused, or one is needed.
    #[error("{0}")]
    Unauthorized(String),
    /// It has no such image.
    #[error("{0}")]
    NotFound(String),
    /// It limits requests (429).
    #[error("{0}")]
    TooManyRequests(String),
    /// It cannot be reached, or answers nonsense.
    #[error("{0}")]
    Failed(String),
}

/// A blob on its way.
pub trait UpstreamBlob: Send {
    /// The next bytes; `None` at the end.
    fn next(&mut self) -> Answering<'_, Option<Bytes>>;
}

/// Who speaks to registries.
pub trait Upstream: Send + Sync {
    /// The manifest that an image's reference names.
    fn manifest<'a>(
        &'a self,
        image: &'a UpstreamImage,
        credential: Option<&'a UpstreamCredential>,
    ) -> Answering<'a, UpstreamManifest>;

    /// A blob of an image's repository, of `size` bytes.
    fn blob<'a>(
        &'a self,
        image: &'a UpstreamImage,
        credential: Option<&'a UpstreamCredential>,
        digest: &'a str,
        size: u64,
    ) -> Answering<'a, Box<dyn UpstreamBlob + 'a>>;
}

/// How long an upstream that takes a connection and says nothing is waited for, where the image is here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who speaks to registries, set once, and the images that are being fetched now.
pub struct Upstreams {
    client: OnceLock<Arc<dyn Upstream>>,
    /// How long each answer, and each piece of a layer, is waited for where an older image can be served.
    pub(super) patience: Duration,
    flights: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    pub(super) arrivals: Arrivals,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Upstreams {
    /// Nobody who speaks to registries yet. An upstream that says nothing for `patience` is not waited for where an older image
    /// can be served.
    pub fn with_patience(patience: Duration) -> Self {
        Self { client: OnceLock::new(), patience, flights: Mutex::default(), arrivals: Arrivals::default() }
    }

    /// Sets who speaks to registries. A second one is not taken.
    pub fn set(&self, client: Arc<dyn Upstream>) {
        let _ = self.client.set(client);
    }

    /// An image that is on its way.
    pub fn image(&self, key: &RepositoryKey, reference: &Reference) -> Option<Arc<Arriving>> {
        self.arrivals.image(key, reference)
    }

    /// A blob that is on its way into a repository, or, without one, into any.
    pub fn arriving(&self, key: Option<&RepositoryKey>, digest: Digest) -> Option<Awaited> {
        self.arrivals.blob(key, digest)
    }

    pub(super) fn get(&self) -> Option<&Arc<dyn Upstream>> {
        self.client.get()
    }

    /// What is held by whoever fetches an image.
    pub(super) fn flight(&self, image: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        if let Some(flight) = flights.get(image).and_then(Weak::upgrade) {
            return flight;
        }
        let flight = Arc::new(tokio::sync::Mutex::new(()));
        flights.insert(image.to_owned(), Arc::downgrade(&flight));
        flight
    }
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.client.get().is_some() { "Upstreams" } else { "no Upstreams" })
    }
}
