//! Images on their way: their manifest is known, their layers come. They are rows when everything is here; until then whoever
//! asks is served from what arrives, so that a slow upstream registry makes nobody wait for a whole image.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_registry::{Digest, Growing, Manifest, Reference};
use tokio::sync::{Notify, watch};

use super::upstream::UpstreamManifest;
use crate::ecr::record::RepositoryKey;

/// An image on its way.
#[derive(Debug)]
pub struct Arriving {
    key: RepositoryKey,
    reference: Reference,
    /// Its manifest, as the upstream registry sent it.
    pub sent: UpstreamManifest,
    /// The digest of that.
    pub digest: Digest,
    /// Whether a client had it meanwhile.
    pulled: AtomicBool,
    blobs: HashMap<Digest, ArrivingBlob>,
}

/// A blob on its way: nothing yet while others are fetched before it.
#[derive(Debug)]
struct ArrivingBlob {
    begun: watch::Sender<Option<Growing>>,
    size: u64,
}

impl Arriving {
    pub(super) fn new(
        key: &RepositoryKey,
        reference: &Reference,
        sent: UpstreamManifest,
        manifest: &Manifest,
    ) -> Self {
        let begun = || watch::Sender::new(None);
        let blobs = manifest.required_blobs();
        let blobs =
            blobs.map(|blob| (blob.digest, ArrivingBlob { begun: begun(), size: blob.size })).collect();
        let pulled = AtomicBool::new(false);
        Self { key: key.clone(), reference: reference.clone(), sent, digest: manifest.digest, pulled, blobs }
    }

    /// A client has its manifest. Noted with the image, or, when that is here by now, by whoever says so.
    pub fn pulled(&self) {
        self.pulled.store(true, Ordering::SeqCst);
    }

    pub(super) fn was_pulled(&self) -> bool {
        self.pulled.load(Ordering::SeqCst)
    }

    /// The blob has begun to come.
    pub(super) fn begin(&self, digest: Digest, growing: Growing) {
        if let Some(blob) = self.blobs.get(&digest) {
            blob.begun.send_replace(Some(growing));
        }
    }
}

/// A blob of an image on its way.
#[derive(Debug)]
pub struct Awaited {
    /// Its size, as the manifest says.
    pub size: u64,
    begun: watch::Receiver<Option<Growing>>,
}

impl Awaited {
    /// Waits until it begins to come; `None` when the image was given up, or is here.
    pub async fn growing(mut self) -> Option<Growing> {
        self.begun.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// All images on their way.
#[derive(Default)]
pub(super) struct Arrivals {
    images: Mutex<Vec<Arc<Arriving>>>,
    announced: Notify,
}

impl Arrivals {
    /// Keeps an image until the announcement is dropped.
    pub(super) fn announce(&self, image: Arriving) -> Announced<'_> {
        let image = Arc::new(image);
        self.lock().push(Arc::clone(&image));
        self.announced.notify_waiters();
        Announced { arrivals: self, image }
    }

    /// Waits until the manifest of an image that somebody fetches is known.
    pub(super) async fn known(&self, key: &RepositoryKey, reference: &Reference) -> Arc<Arriving> {
        loop {
            let next = self.announced.notified();
            tokio::pin!(next);
            // From here on no announcement is missed.
            next.as_mut().enable();
            if let Some(found) = self.image(key, reference) {
                return found;
            }
            next.await;
        }
    }

    /// An image on its way, by the name under which it is fetched or by its digest.
    pub(super) fn image(&self, key: &RepositoryKey, reference: &Reference) -> Option<Arc<Arriving>> {
        let is_named = |image: &Arriving| match reference {
            Reference::Digest(digest) => image.digest == *digest,
            Reference::Tag(_) => image.reference == *reference,
        };
        let is_it = |image: &&Arc<Arriving>| image.key == *key && is_named(image);
        self.lock().iter().find(is_it).cloned()
    }

    /// A blob of an image on its way: into one repository, or into any.
    pub(super) fn blob(&self, key: Option<&RepositoryKey>, digest: Digest) -> Option<Awaited> {
        let images = self.lock();
        let mut there = images.iter().filter(|image| key.is_none_or(|key| image.key == *key));
        there.find_map(|image| {
            let blob = image.blobs.get(&digest)?;
            Some(Awaited { size: blob.size, begun: blob.begun.subscribe() })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Arriving>>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while an image is on its way.
pub(super) struct Announced<'a> {
    arrivals: &'a Arrivals,
    pub(super) image: Arc<Arriving>,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.arrivals.lock().retain(|image| !Arc::ptr_eq(image, &self.image));
    }
}
