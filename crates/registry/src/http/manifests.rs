//! Manifests: read, store, delete.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use http::{Method, Response, StatusCode};
use hyper::body::Body;
use serde_json::json;

use super::answer::Answer;
use super::{BoxError, Call, ResponseBody, headers, receive};
use crate::{
    Access, Catalog, Converted, Digest, ErrorCode, Manifest, OciError, Operation, Reference, RepositoryName,
};

/// In the extensions of an answer that holds a manifest: the digest that it is stored under, whatever its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served(pub Digest);

impl<A: Access, C: Catalog> Call<'_, A, C> {
    pub(super) async fn get_manifest(
        &self,
        name: &RepositoryName,
        reference: &str,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::PullManifest, name).await?;
        self.registry.catalog().open_for_pull(&repository).await?;
        let parsed = reference.parse().map_err(|_| unknown_manifest(reference))?;
        let found = self.registry.catalog().manifest(&repository, &parsed).await?;
        let manifest = found.ok_or_else(|| unknown_manifest(reference))?;
        let converted = self.converted(&manifest, &parsed)?;
        let (media_type, digest, size) = match &converted {
            Some(it) => (it.media_type, it.digest, it.bytes.len() as u64),
            None => (manifest.media_type.as_str(), manifest.digest, manifest.size),
        };
        let etag = format!("\"{digest}\"");
        let known = headers::has_already(&self.parts.headers, &etag);
        let answer = Answer::new(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK })
            .header(CONTENT_TYPE, media_type)
            .header(ETAG, etag)
            .docker_header("docker-content-digest", digest);
        if known {
            return Ok(answer.empty());
        }
        if self.parts.method == Method::HEAD {
            return Ok(answer.header(CONTENT_LENGTH, size).empty());
        }
        let bytes = match converted {
            Some(it) => it.bytes,
            None => self.manifest_bytes(manifest.digest).await?,
        };
        let mut response = answer.bytes(bytes);
        response.extensions_mut().insert(Served(manifest.digest));
        Ok(response)
    }

    /// The other format of an image that is asked for by tag, where the client does not take the one that is stored.
    fn converted(&self, stored: &Manifest, reference: &Reference) -> Result<Option<Converted>, OciError> {
        let accepts = |media_type: &str| headers::accepts(&self.parts.headers, media_type);
        if accepts(&stored.media_type) {
            return Ok(None);
        }
        let may = matches!(reference, Reference::Tag(_)) && self.registry.catalog().converts();
        let converted = stored.converted(accepts).filter(|_| may);
        converted.map(Some).ok_or_else(|| {
            let message =
                format!("the manifest is a `{}`, which the `Accept` header leaves out", stored.media_type);
            OciError::new(ErrorCode::ManifestUnknown, message)
        })
    }

    async fn manifest_bytes(&self, digest: Digest) -> Result<Bytes, OciError> {
        let reader = self.registry.blobs().read(digest).await?;
        let reader = reader
            .ok_or_else(|| OciError::internal(format!("the bytes of the manifest `{digest}` are gone")))?;
        reader.bytes().await.map_err(OciError::internal)
    }

    pub(super) async fn put_manifest<B>(
        &self,
        name: &RepositoryName,
        reference: &str,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let repository = self.permit(Operation::PutManifest, name).await?;
        let reference = writable(reference)?;
        let limits = self.registry.limits();
        let bytes = receive::whole(body, limits.manifest_bytes, limits.body_idle).await?;
        let content_type = headers::text(&self.parts.headers, &CONTENT_TYPE);
        let manifest = Manifest::parse(&bytes, content_type)?;
        let (digest, subject) = (manifest.digest, manifest.subject);
        let tag = match &reference {
            Reference::Digest(expected) if *expected != digest => {
                return Err(wrong_digest(*expected, digest));
            }
            Reference::Digest(_) => None,
            Reference::Tag(tag) => Some(tag),
        };
        let catalog = self.registry.catalog();
        let incarnation = catalog.open_for_push(&repository).await?;
        let _shared = self.registry.gate().read().await;
        catalog.check_manifest(&repository, incarnation, &manifest).await?;
        self.registry.blobs().put(bytes).await?;
        catalog.put_manifest(&repository, incarnation, manifest, tag).await?;
        Ok(stored(name, digest, subject))
    }

    pub(super) async fn delete_manifest(
        &self,
        name: &RepositoryName,
        reference: &str,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::DeleteManifest, name).await?;
        self.registry.catalog().open_for_pull(&repository).await?;
        let parsed = reference.parse().map_err(|_| unknown_manifest(reference))?;
        let _alone = self.registry.gate().write().await;
        let deleted = match parsed {
            Reference::Digest(digest) => self.registry.catalog().delete_manifest(&repository, digest).await?,
            Reference::Tag(tag) => self.registry.catalog().delete_tag(&repository, &tag).await?,
        };
        if deleted { Ok(Answer::new(StatusCode::ACCEPTED).empty()) } else { Err(unknown_manifest(reference)) }
    }
}

fn writable(reference: &str) -> Result<Reference, OciError> {
    reference.parse().map_err(|error| {
        let code = if reference.contains(':') { ErrorCode::DigestInvalid } else { ErrorCode::TagInvalid };
        OciError::new(code, format!("{error}"))
    })
}

fn stored(name: &RepositoryName, digest: Digest, subject: Option<Digest>) -> Response<ResponseBody> {
    let answer = Answer::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/manifests/{digest}"))
        .docker_header("docker-content-digest", digest);
    match subject {
        Some(subject) => answer.docker_header("oci-subject", subject).empty(),
        None => answer.empty(),
    }
}

fn wrong_digest(expected: Digest, actual: Digest) -> OciError {
    OciError::new(ErrorCode::DigestInvalid, format!("the manifest's digest is `{actual}`, not `{expected}`"))
}

fn unknown_manifest(reference: &str) -> OciError {
    let shown: String = reference.chars().take(128).collect();
    OciError::new(ErrorCode::ManifestUnknown, "Requested image not found")
        .detail(json!({ "reference": shown }))
}
