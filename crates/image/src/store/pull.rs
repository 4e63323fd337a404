//! A pull: what is missing of a resolved image, several layers at once.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};

use super::layer::LayerRecord;
use super::locks::PinGuard;
use super::{LayerStore, io_failure};
use crate::client::Session;
use crate::unpack::UnpackOptions;
use crate::{
    Client, Credential, Descriptor, Digest, ImageConfig, LayerEvent, Progress, PullError, PullErrorKind,
    Resolved,
};

/// An image whose layers are on disk, and stay there while this is held.
#[derive(Debug)]
pub struct Image {
    /// How to run it.
    pub config: ImageConfig,
    /// The image id: the digest of the config.
    pub id: Digest,
    /// What the reference stood for; ECS's `imageDigest`.
    pub digest: Digest,
    /// Directories for overlayfs, lowest first. Each appears once: a layer listed twice counts where it is highest.
    pub layer_dirs: Vec<PathBuf>,
    /// The layers' digests, in the same order; what [`LayerStore::remove_unused`] must keep.
    pub layers: Vec<Digest>,
    _pins: PinGuard,
}

impl LayerStore {
    /// Brings what is missing of an image. At most `concurrency` layers are under way at once; a layer that another pull is
    /// bringing is waited for.
    ///
    /// Dropping the future stops the pull and leaves nothing behind but complete layers.
    ///
    /// # Errors
    /// Whatever the registry, the network, the archive or the disk has against it.
    pub async fn pull(
        &self,
        client: &Client,
        resolved: &Resolved,
        credential: Option<&Credential>,
        progress: &dyn Progress,
        concurrency: usize,
    ) -> Result<Image, PullError> {
        let session = client.pull_session(&resolved.reference, credential);
        let layers = distinct(&resolved.manifest.layers);
        let digests: Vec<Digest> = layers.iter().map(|layer| layer.digest.clone()).collect();
        let pins = self.pins.hold(digests.clone());
        let config = self.config(&session, resolved).await?;
        let image_left = Arc::new(AtomicU64::new(self.options.limits.image_bytes));
        let mut jobs = Vec::with_capacity(layers.len());
        for layer in &layers {
            jobs.push(self.ensure_layer(&session, layer, &image_left, progress));
        }
        stream::iter(jobs).buffer_unordered(concurrency.max(1)).try_collect::<()>().await?;
        self.check_diff_ids(&session, &resolved.manifest.layers, &config)?;
        Ok(Image {
            config,
            id: resolved.config_digest().clone(),
            digest: resolved.digest.clone(),
            layer_dirs: digests.iter().map(|digest| self.layer_dir(digest).join("fs")).collect(),
            layers: digests,
            _pins: pins,
        })
    }

    /// What a pull would find before it brings layers: the image's config, and whether the registry gives the layers out that
    /// are not here. Of each the last byte is asked for.
    ///
    /// # Errors
    /// As [`LayerStore::pull`], as far as it shows by then.
    pub async fn preview(
        &self,
        client: &Client,
        resolved: &Resolved,
        credential: Option<&Credential>,
        concurrency: usize,
    ) -> Result<ImageConfig, PullError> {
        let session = client.pull_session(&resolved.reference, credential);
        let config = self.config(&session, resolved).await?;
        let missing = distinct(&resolved.manifest.layers).into_iter().filter(|it| !self.contains(&it.digest));
        let mut jobs = Vec::new();
        for layer in missing {
            jobs.push(session.open_blob(layer, layer.size.saturating_sub(1)).map_ok(drop));
        }
        stream::iter(jobs).buffer_unordered(concurrency.max(1)).try_collect::<()>().await?;
        Ok(config)
    }

    async fn ensure_layer(
        &self,
        session: &Session<'_>,
        layer: &Descriptor,
        image_left: &Arc<AtomicU64>,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        if !self.contains(&layer.digest) {
            progress.layer(&layer.digest, LayerEvent::Waiting);
            let _flight = self.flights.take(&layer.digest).await;
            if !self.contains(&layer.digest) {
                let options = UnpackOptions {
                    limits: self.options.limits.of_layer(layer.size),
                    image_left: Arc::clone(image_left),
                    ..UnpackOptions::default()
                };
                self.fetch_layer(session, layer, options, progress).await?;
                progress.layer(&layer.digest, LayerEvent::Done);
                return Ok(());
            }
        }
        self.charge_existing(session, layer, image_left)?;
        progress.layer(&layer.digest, LayerEvent::Exists);
        Ok(())
    }

    fn record(&self, layer: &Digest) -> Option<LayerRecord> {
        let record = fs::read(self.layer_dir(layer).join("layer.json")).ok()?;
        serde_json::from_slice(&record).ok()
    }

    /// The config names each layer once more, by the digest of its archive. What a layer came to must be that.
    fn check_diff_ids(
        &self,
        session: &Session<'_>,
        layers: &[Descriptor],
        config: &ImageConfig,
    ) -> Result<(), PullError> {
        for (layer, expected) in layers.iter().zip(&config.rootfs.diff_ids) {
            let actual = self.record(&layer.digest).map(|record| record.diff_id);
            let comparable = actual.filter(|actual| actual.algorithm() == expected.algorithm());
            if let Some(actual) = comparable.filter(|actual| actual != expected) {
                let why =
                    format!("wrong diff id calculated on extraction \"{actual}\", expected \"{expected}\"");
                return Err(session.unpack_error(layer, PullErrorKind::DigestMismatch, why));
            }
        }
        Ok(())
    }

    /// Counts a layer that is here already against the image's limit.
    fn charge_existing(
        &self,
        session: &Session<'_>,
        layer: &Descriptor,
        image_left: &AtomicU64,
    ) -> Result<(), PullError> {
        let record = self.record(&layer.digest);
        let bytes = record.map_or(layer.size, |record| record.unpacked);
        let take = |left: u64| left.checked_sub(bytes);
        match image_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(()),
            Err(_) => {
                let limit = self.options.limits.image_bytes;
                let why = format!("the image unpacks to more than the limit of {limit} bytes");
                Err(session.unpack_error(layer, PullErrorKind::LimitExceeded, why))
            }
        }
    }

    /// The image's config, from the store or the registry, checked against the manifest and the platform.
    async fn config(&self, session: &Session<'_>, resolved: &Resolved) -> Result<ImageConfig, PullError> {
        let descriptor = &resolved.manifest.config;
        let path = self.config_path(&descriptor.digest);
        let kept = fs::read(&path).ok().filter(|bytes| descriptor.digest.matches(bytes));
        let bytes = match kept {
            Some(bytes) => bytes,
            None => {
                let limit = session.client.options().max_config_bytes;
                let bytes = session.small_blob(descriptor, limit).await?;
                self.keep_config(&path, &bytes)?;
                bytes.to_vec()
            }
        };
        let invalid = |why: String| session.blob_error(descriptor, PullErrorKind::InvalidManifest, why);
        let config: ImageConfig = serde_json::from_slice(&bytes)
            .map_err(|error| invalid(format!("the image config cannot be read: {error}")))?;
        if let Some(offered) = config.platform().filter(|offered| resolved.platform.rank(offered).is_none()) {
            tracing::debug!(%offered, "the image is for another platform");
            let why = format!(
                "image Manifest does not contain descriptor matching platform '{}'",
                resolved.platform
            );
            return Err(session.blob_error(descriptor, PullErrorKind::PlatformMismatch, why));
        }
        let (listed, stated) = (resolved.manifest.layers.len(), config.rootfs.diff_ids.len());
        if listed != stated {
            return Err(invalid(format!("the manifest lists {listed} layers and the image config {stated}")));
        }
        Ok(config)
    }

    fn keep_config(&self, path: &std::path::Path, bytes: &[u8]) -> Result<(), PullError> {
        let scratch = self.scratch()?;
        let draft = scratch.path().join("config");
        // Not synced: a config that a crash damaged no longer has its digest and is fetched again.
        fs::write(&draft, bytes)
            .and_then(|()| fs::rename(&draft, path))
            .map_err(|error| io_failure(path, &error))
    }
}

/// Each layer once, where it is highest: overlayfs refuses a directory twice, and the higher one hides the lower wholly.
fn distinct(layers: &[Descriptor]) -> Vec<&Descriptor> {
    let mut seen = HashSet::new();
    let mut kept: Vec<&Descriptor> = layers.iter().rev().filter(|layer| seen.insert(&layer.digest)).collect();
    kept.reverse();
    kept
}
