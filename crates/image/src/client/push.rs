//! Writing blobs and manifests (OCI Distribution Specification, "Pushing").

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};

use super::{Call, Client, Session};
use crate::error::Stage;
use crate::{Credential, Digest, PullError, PullErrorKind, Reference};

impl Client {
    /// Uploads a blob in one piece, unless the repository has it or can take it over from `mount_from`, another
    /// repository of the same registry.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        credential: Option<&Credential>,
        bytes: Bytes,
        mount_from: Option<&str>,
    ) -> Result<Digest, PullError> {
        let session = self.push_session(reference, credential);
        let digest = Digest::of(&bytes);
        if session.has_blob(&digest).await? {
            return Ok(digest);
        }
        let mut url = session.url("blobs/uploads/")?;
        if let Some(from) = mount_from {
            url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from);
        }
        let started = session.send(Call::new(Method::POST, url.clone(), Stage::Push)).await?;
        if started.status() != StatusCode::CREATED {
            let target = session.upload_url(&url, &started, &digest)?;
            let mut call = Call::new(Method::PUT, target, Stage::Push);
            call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            call.body = bytes;
            session.send(call).await?;
        }
        Ok(digest)
    }

    /// Uploads a manifest under the reference's tag or digest. Its blobs must be there.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        credential: Option<&Credential>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, PullError> {
        let session = self.push_session(reference, credential);
        let digest = Digest::of(&bytes);
        let url = session.url(&format!("manifests/{}", reference.manifest_name()))?;
        let mut call = Call::new(Method::PUT, url, Stage::Push);
        let content_type = HeaderValue::from_str(media_type).map_err(|_| {
            PullError::local(PullErrorKind::InvalidManifest, format!("`{media_type}` is not a media type"))
        })?;
        call.headers.insert(CONTENT_TYPE, content_type);
        call.body = bytes;
        session.send(call).await?;
        Ok(digest)
    }
}

impl Session<'_> {
    pub(super) async fn has_blob(&self, digest: &Digest) -> Result<bool, PullError> {
        let url = self.url(&format!("blobs/{digest}"))?;
        match self.send(Call::new(Method::HEAD, url, Stage::Push)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == PullErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Where to send all bytes of a blob.
    fn upload_url(&self, asked: &Url, started: &Response, digest: &Digest) -> Result<Url, PullError> {
        let mut target = self.location(asked, started)?;
        target.query_pairs_mut().append_pair("digest", digest.as_str());
        Ok(target)
    }
}
