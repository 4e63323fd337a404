//! Layers of this server's own registry, for its own node: read from the blob store, not over HTTP.
//!
//! The node asks the registry like any client, with the task's token, and each blob is authorized as on AWS. Only the
//! address of a layer, which the registry gives to those who may have it, is opened here instead of being fetched.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use landfall_image::{Nearby, NearbyBlob};
use landfall_services::ecr::{ADDRESS_HEADER, LAYER_PATH, addressed_layer};
use landfall_services::pipe::Installation;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

/// The layers of an installation.
#[derive(Debug)]
pub(super) struct OwnLayers {
    installation: Arc<Installation>,
}

impl OwnLayers {
    pub(super) fn new(installation: Arc<Installation>) -> Self {
        Self { installation }
    }

    async fn find(&self, address: &Url, offset: u64) -> Option<NearbyBlob> {
        let token = address.path().strip_prefix(LAYER_PATH)?;
        let digest = addressed_layer(&self.installation, token).ok()?;
        let reader = self.installation.blobs.read(digest).await.ok()??;
        let size = reader.size();
        tracing::debug!(%digest, offset, "a layer is read from the blob store");
        (offset < size).then(|| NearbyBlob { size, bytes: Box::pin(reader.stream(offset..size)) })
    }
}

impl Nearby for OwnLayers {
    fn header(&self, address: &Url) -> Option<(HeaderName, HeaderValue)> {
        let own = self.installation.registry.address() == address.authority();
        own.then(|| (HeaderName::from_static(ADDRESS_HEADER), HeaderValue::from_static("1")))
    }

    fn open<'a>(&'a self, address: &'a Url, offset: u64) -> BoxFuture<'a, Option<NearbyBlob>> {
        self.find(address, offset).boxed()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::TryStreamExt as _;
    use landfall_services::ecr::layer_address;
    use landfall_services::testing::{self, TestInstallation};

    use super::*;

    #[tokio::test]
    async fn only_a_good_address_leads_to_bytes() {
        let test = TestInstallation::new(landfall_services::TABLES);
        let installation = Arc::clone(test.call.installation());
        let digest = installation.blobs.put(Bytes::from_static(b"0123456789")).await.unwrap();
        let repository = (testing::account(), testing::region(), "app".to_owned());
        let address: Url = layer_address(&installation, &repository, digest).unwrap().parse().unwrap();
        let layers = OwnLayers::new(Arc::clone(&installation));
        let own = format!("http://{}/v2/a/blobs/x", installation.registry.address()).parse().unwrap();
        assert!(layers.header(&own).is_some(), "the own registry is asked for addresses");
        assert!(layers.header(&"https://registry.example.com/v2/".parse().unwrap()).is_none());
        let blob = layers.open(&address, 4).await.unwrap();
        assert_eq!(blob.size, 10);
        assert_eq!(blob.bytes.try_collect::<Vec<_>>().await.unwrap().concat(), b"456789");
        assert!(layers.open(&address, 10).await.is_none());
        for other in ["http://h/v2/a/blobs/sha256:0", "http://h/_landfall/layers/x", "http://h/"] {
            assert!(layers.open(&other.parse().unwrap(), 0).await.is_none(), "{other}");
        }
        test.clock.advance_seconds(3600);
        assert!(layers.open(&address, 0).await.is_none(), "the address has expired");
    }
}
