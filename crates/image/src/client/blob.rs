//! Reading blobs: whole small ones, and large ones from any offset.

use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};

use super::{Call, Session};
use crate::error::{Place, Stage};
use crate::{Descriptor, PullError, PullErrorKind};

/// An open blob, positioned.
pub(crate) struct BlobStream<'a> {
    session: Session<'a>,
    response: Response,
    place: Place,
    /// Bytes to throw away, because the registry ignored `Range`.
    skip: u64,
}

impl<'a> Session<'a> {
    fn blob_place(&self, descriptor: &Descriptor) -> Result<(reqwest::Url, Place), PullError> {
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let place = self.place(&url, Stage::Blob(descriptor.digest.clone()));
        Ok((url, place))
    }

    /// An error about a blob.
    pub(crate) fn blob_error(
        &self,
        descriptor: &Descriptor,
        kind: PullErrorKind,
        why: impl Into<String>,
    ) -> PullError {
        match self.blob_place(descriptor) {
            Ok((_, place)) => PullError::new(kind, &place, why),
            Err(error) => error,
        }
    }

    /// An error about a layer after its download.
    pub(crate) fn unpack_error(
        &self,
        layer: &Descriptor,
        kind: PullErrorKind,
        why: impl Into<String>,
    ) -> PullError {
        match self.blob_place(layer) {
            Ok((_, place)) => {
                let stage = Stage::Unpack(layer.digest.clone());
                PullError::new(kind, &Place { stage, ..place }, why)
            }
            Err(error) => error,
        }
    }

    /// Opens a blob at `offset`.
    pub(crate) async fn open_blob(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobStream<'a>, PullError> {
        let (url, place) = self.blob_place(descriptor)?;
        let mut call = Call::new(Method::GET, url, Stage::Blob(descriptor.digest.clone()));
        if offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            call.headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let response = self.send(call).await?;
        let start = if response.status() == StatusCode::PARTIAL_CONTENT {
            range_start(response.headers()).unwrap_or(offset)
        } else {
            0
        };
        let skip = offset.checked_sub(start).ok_or_else(|| {
            PullError::new(PullErrorKind::Truncated, &place, "the registry resumed at another offset")
        })?;
        Ok(BlobStream { session: *self, response, place, skip })
    }

    /// Reads a small blob, verified.
    pub(crate) async fn small_blob(&self, descriptor: &Descriptor, limit: usize) -> Result<Bytes, PullError> {
        let too_long = || {
            let why = format!("the blob is longer than {limit} bytes");
            self.blob_error(descriptor, PullErrorKind::LimitExceeded, why)
        };
        if descriptor.size > limit as u64 {
            return Err(too_long());
        }
        let mut stream = self.open_blob(descriptor, 0).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await? {
            if bytes.len() + chunk.len() > limit {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        if descriptor.digest.matches(&bytes) && bytes.len() as u64 == descriptor.size {
            return Ok(bytes.into());
        }
        let actual = crate::Digest::of(&bytes);
        let why = format!("unexpected commit digest {actual}, expected {}", descriptor.digest);
        Err(self.blob_error(descriptor, PullErrorKind::DigestMismatch, why))
    }
}

impl BlobStream<'_> {
    /// The next bytes, `None` where the transfer ends (which need not be where the blob ends).
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, PullError> {
        loop {
            let chunk = self.session.client.transport.chunk(&mut self.response, &self.place).await;
            let Some(mut chunk) = chunk.map_err(|error| self.broken_off(error))? else { return Ok(None) };
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            let _ = chunk.split_to(skipped);
            self.skip -= skipped as u64;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }
}

impl BlobStream<'_> {
    /// A connection lost in the middle of a body is a transfer that broke off.
    fn broken_off(&self, error: PullError) -> PullError {
        match error.kind() {
            PullErrorKind::Connection => {
                PullError::new(PullErrorKind::Truncated, &self.place, error.message())
            }
            _ => error,
        }
    }
}

/// Where a partial answer begins: `bytes 100-200/300`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}
