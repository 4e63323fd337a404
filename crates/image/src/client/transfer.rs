//! Moving images without unpacking them: manifests as they are, blobs piece by piece in either direction.

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};

use super::blob::BlobStream;
use super::redirect::same_origin;
use super::{Call, Client, Session};
use crate::error::Stage;
use crate::{Credential, Descriptor, Digest, PullError, PullErrorKind, Reference, media};

/// Bytes of one request of an upload. Real registries take no pieces below 5 MiB but the last.
const PIECE: usize = 8 << 20;

/// A manifest or index as a registry has it, verified.
#[derive(Debug, Clone)]
pub struct RawManifest {
    /// Its bytes.
    pub bytes: Bytes,
    /// Their digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
}

/// A blob on its way from a registry, checked against its digest at the end.
pub struct BlobDownload<'a> {
    stream: BlobStream<'a>,
    hasher: crate::digest::Hasher,
    wanted: Descriptor,
    session: Session<'a>,
    got: u64,
}

/// A blob on its way to a registry.
pub struct BlobUpload<'a> {
    session: Session<'a>,
    asked: Url,
    place: Url,
    digest: Digest,
    waiting: BytesMut,
    sent: u64,
}

impl Client {
    /// The manifest or index that a reference names.
    ///
    /// # Errors
    /// Whatever the registry says, [`PullErrorKind::DigestMismatch`].
    pub async fn raw_manifest(
        &self,
        reference: &Reference,
        credential: Option<&Credential>,
    ) -> Result<RawManifest, PullError> {
        self.pull_session(reference, credential).raw_manifest().await
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn download_blob<'a>(
        &'a self,
        reference: &'a Reference,
        credential: Option<&'a Credential>,
        blob: &Descriptor,
    ) -> Result<BlobDownload<'a>, PullError> {
        let session = self.pull_session(reference, credential);
        let stream = session.open_blob(blob, 0).await?;
        let hasher = blob.digest.hasher();
        Ok(BlobDownload { stream, hasher, wanted: blob.clone(), session, got: 0 })
    }

    /// Begins to upload a blob; `None` if the repository has it already or took it over from `mount_from`, another
    /// repository of the same registry.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn upload_blob<'a>(
        &'a self,
        reference: &'a Reference,
        credential: Option<&'a Credential>,
        digest: &Digest,
        mount_from: Option<&str>,
    ) -> Result<Option<BlobUpload<'a>>, PullError> {
        let session = self.push_session(reference, credential);
        if session.has_blob(digest).await? {
            return Ok(None);
        }
        let mut asked = session.url("blobs/uploads/")?;
        if let Some(from) = mount_from {
            asked.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from);
        }
        let started = session.send(Call::new(Method::POST, asked.clone(), Stage::Push)).await?;
        if started.status() == StatusCode::CREATED {
            return Ok(None);
        }
        let place = session.location(&asked, &started)?;
        let (digest, waiting) = (digest.clone(), BytesMut::new());
        Ok(Some(BlobUpload { session, asked, place, digest, waiting, sent: 0 }))
    }
}

impl Session<'_> {
    async fn raw_manifest(&self) -> Result<RawManifest, PullError> {
        let url = self.url(&format!("manifests/{}", self.reference.manifest_name()))?;
        let place = self.place(&url, Stage::Resolve);
        let mut call = Call::new(Method::GET, url, Stage::Resolve);
        call.headers.insert(ACCEPT, HeaderValue::from_static(media::ACCEPT_ALL_MANIFESTS));
        let mut response = self.send(call).await?;
        let limit = self.client.options().max_manifest_bytes;
        let bytes = self.client.transport.body(&mut response, limit, &place).await?;
        let digest = Digest::of(&bytes);
        if let Some(promised) = self.reference.digest().filter(|promised| !promised.matches(&bytes)) {
            let why = format!("unexpected manifest digest {digest}, expected {promised}");
            return Err(PullError::new(PullErrorKind::DigestMismatch, &place, why));
        }
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        Ok(RawManifest { bytes, digest, media_type: media_type.to_owned() })
    }

    /// Where the next piece of an upload goes. Only the registry itself may say so, because the credential goes along.
    pub(super) fn location(&self, asked: &Url, answer: &Response) -> Result<Url, PullError> {
        let place = self.place(asked, Stage::Push);
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| asked.join(location).ok()).ok_or_else(|| {
            PullError::new(PullErrorKind::NotARegistry, &place, "an upload began without a usable `Location`")
        })?;
        if !same_origin(asked, &target) {
            let why = "to another host for the upload".to_owned();
            return Err(PullError::new(PullErrorKind::RefusedRedirect, &place, why));
        }
        Ok(target)
    }
}

impl BlobDownload<'_> {
    /// The next bytes; `None` at the end, when all of them were right.
    ///
    /// # Errors
    /// The transfer broke off, or the bytes are not those of the digest.
    pub async fn next(&mut self) -> Result<Option<Bytes>, PullError> {
        if let Some(bytes) = self.stream.next().await? {
            self.hasher.update(&bytes);
            self.got += bytes.len() as u64;
            return Ok(Some(bytes));
        }
        let actual = std::mem::replace(&mut self.hasher, self.wanted.digest.hasher()).finish();
        if self.got != self.wanted.size {
            let why = format!("unexpected EOF: {} of {} bytes arrived", self.got, self.wanted.size);
            return Err(self.session.blob_error(&self.wanted, PullErrorKind::Truncated, why));
        }
        if actual != self.wanted.digest {
            let why = format!("unexpected commit digest {actual}, expected {}", self.wanted.digest);
            return Err(self.session.blob_error(&self.wanted, PullErrorKind::DigestMismatch, why));
        }
        Ok(None)
    }
}

impl BlobUpload<'_> {
    /// Sends bytes, as soon as there are enough of them for a request.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), PullError> {
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= PIECE {
            let piece = self.waiting.split_to(PIECE).freeze();
            self.send(piece).await?;
        }
        Ok(())
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), PullError> {
        let end = self.sent + piece.len() as u64;
        let mut call = Call::new(Method::PATCH, self.place.clone(), Stage::Push);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let range = HeaderValue::from_str(&format!("{}-{}", self.sent, end.saturating_sub(1)));
        call.headers.extend(range.ok().map(|range| (CONTENT_RANGE, range)));
        call.body = piece;
        let answer = self.session.send(call).await?;
        self.place = self.session.location(&self.asked, &answer)?;
        self.sent = end;
        Ok(())
    }

    /// Sends the rest and ends the upload. The registry checks the digest.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn finish(mut self) -> Result<(), PullError> {
        if self.sent > 0 && !self.waiting.is_empty() {
            let piece = self.waiting.split().freeze();
            self.send(piece).await?;
        }
        let mut target = self.place.clone();
        target.query_pairs_mut().append_pair("digest", self.digest.as_str());
        let mut call = Call::new(Method::PUT, target, Stage::Push);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        // What fits into one request is sent in one.
        call.body = self.waiting.freeze();
        self.session.send(call).await?;
        Ok(())
    }
}
