//! Blobs that lie on this machine: asked for like all others, then read without a connection.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail by panicking")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use landfall_image::{
    BuiltImage, Client, ClientOptions, Digest, ImageBuilder, LayerStore, Nearby, NearbyBlob, NoProgress,
    Platform, StoreOptions,
};
use reqwest::header::{HeaderName, HeaderValue};
use support::{Registry, Reply, Seen, Site, hasty_client, noise};

/// Hands out blobs by the last part of `/layers/<digest>`, at most `cut` bytes of each the first time.
#[derive(Debug)]
struct Shelf {
    blobs: HashMap<String, Bytes>,
    cut: usize,
    opened: AtomicUsize,
}

impl Nearby for Shelf {
    fn header(&self, _: &reqwest::Url) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    fn open<'a>(&'a self, address: &'a reqwest::Url, offset: u64) -> BoxFuture<'a, Option<NearbyBlob>> {
        let found = address.path().strip_prefix("/layers/").and_then(|name| self.blobs.get(name));
        let blob = found.map(|blob| {
            let first = self.opened.fetch_add(1, Ordering::Relaxed) == 0;
            let rest = blob.slice(usize::try_from(offset).unwrap()..);
            let sent = if first { rest.slice(..self.cut.min(rest.len())) } else { rest };
            NearbyBlob { size: blob.len() as u64, bytes: Box::pin(stream::iter([Ok(sent)])) }
        });
        std::future::ready(blob).boxed()
    }
}

fn image() -> BuiltImage {
    let big = noise(300_000);
    let builder = ImageBuilder::new(&Platform::linux("amd64"));
    builder.layer([("big", 0o644, big.as_slice())]).unwrap().build().unwrap()
}

fn shelf(image: &BuiltImage, cut: usize) -> Arc<Shelf> {
    let blobs = image.layers.iter().map(|blob| (Digest::of(blob).to_string(), blob.clone())).collect();
    Arc::new(Shelf { blobs, cut, opened: AtomicUsize::new(0) })
}

/// A registry that sends those who ask for a blob to `/layers/<digest>` of its own.
async fn registry(image: &BuiltImage) -> Registry {
    let site = Site::new(image);
    Registry::start(move |seen: &Seen| match seen.path.split_once("/blobs/") {
        Some((_, digest)) => Reply::new(307, "text/plain", "").with("location", format!("/layers/{digest}")),
        None => site.answer(seen),
    })
    .await
}

async fn pull(registry: &Registry, nearby: Arc<Shelf>) {
    let client =
        Client::new(ClientOptions { nearby: Some(nearby), ..hasty_client().options().clone() }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = LayerStore::with_options(
        dir.path(),
        StoreOptions { backoff: std::time::Duration::from_millis(5), ..StoreOptions::default() },
    )
    .unwrap();
    let platform = Platform::linux("amd64");
    let resolved = client.resolve(&registry.reference("team/app:v1"), None, &platform).await.unwrap();
    let image = store.pull(&client, &resolved, None, &NoProgress, 3).await.unwrap();
    assert_eq!(std::fs::read(image.layer_dirs[0].join("big")).unwrap(), noise(300_000));
}

fn carried(registry: &Registry, part: &str) -> usize {
    registry.seen().iter().filter(|seen| seen.path.contains(part)).count()
}

#[tokio::test]
async fn a_layer_on_this_machine_is_asked_for_and_not_carried() {
    let image = image();
    let registry = registry(&image).await;
    let shelf = shelf(&image, usize::MAX);
    pull(&registry, Arc::clone(&shelf)).await;
    assert_eq!(shelf.opened.load(Ordering::Relaxed), 1);
    assert!(carried(&registry, "/blobs/") >= 1, "the registry is asked whether the client may");
    let layer = Digest::of(&image.layers[0]).to_string();
    assert_eq!(carried(&registry, &format!("/layers/{layer}")), 0);
}

#[tokio::test]
async fn reading_that_breaks_off_goes_on_where_it_stopped() {
    let image = image();
    let registry = registry(&image).await;
    let shelf = shelf(&image, 1000);
    pull(&registry, Arc::clone(&shelf)).await;
    assert_eq!(shelf.opened.load(Ordering::Relaxed), 2);
}
