//! Blobs that a registry keeps on this very machine: read where they lie, without a connection that carries them.
//!
//! Nothing is asked less often. The registry is asked for the blob as always, with the credential, and sends the client to
//! an address; only that last step, from the address to the bytes, is taken here instead of over the network.

use std::fmt;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Body, Method, Response, StatusCode, Url};

/// Bytes of a blob, in order.
pub type BlobBytes = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A blob that is at hand.
pub struct NearbyBlob {
    /// Bytes of the whole blob.
    pub size: u64,
    /// What follows the offset that was asked for.
    pub bytes: BlobBytes,
}

impl fmt::Debug for NearbyBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NearbyBlob").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Who knows addresses whose blobs are at hand.
pub trait Nearby: fmt::Debug + Send + Sync {
    /// A header for requests to `address` that asks a registry of this machine for an address instead of the bytes; none for
    /// the registries of others.
    fn header(&self, address: &Url) -> Option<(HeaderName, HeaderValue)>;

    /// Opens the blob at `address` from `offset` on. `None` if the address is not one of those, is no longer good, or the
    /// offset is behind the blob's end: then the address is asked over the network, and its answer counts.
    fn open<'a>(&'a self, address: &'a Url, offset: u64) -> BoxFuture<'a, Option<NearbyBlob>>;
}

/// The answer that the network would have brought; `None` where it has to be asked.
pub(super) async fn read(
    nearby: &dyn Nearby,
    method: &Method,
    address: &Url,
    headers: &HeaderMap,
) -> Option<Response> {
    if method != Method::GET {
        return None;
    }
    let offset = match headers.get(RANGE) {
        None => 0,
        Some(range) => range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?,
    };
    let blob = nearby.open(address, offset).await?;
    let left = blob.size.checked_sub(offset)?;
    let mut answer = http::Response::builder().header(CONTENT_LENGTH, left);
    if offset > 0 {
        let range = format!("bytes {offset}-{}/{}", blob.size.saturating_sub(1), blob.size);
        answer = answer.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
    }
    Some(answer.body(Body::wrap_stream(blob.bytes)).ok()?.into())
}
