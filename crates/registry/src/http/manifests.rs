//! Manifests: read, store, delete.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use http::{Method, Response, StatusCode};
use hyper::body::Body;
use serde_json::json;

use super::answer::Answer;
use super::{BoxError, Call, ResponseBody, headers, receive};
use crate::{Access, Catalog, Digest, ErrorCode, Manifest, OciError, Operation, Reference, RepositoryName};

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
        if !headers::accepts(&self.parts.headers, &manifest.media_type) {
            let message =
                format!("the manifest is a `{}`, which the `Accept` header leaves out", manifest.media_type);
            return Err(OciError::new(ErrorCode::ManifestUnknown, message));
        }
        let etag = format!("\"{}\"", manifest.digest);
        let known = headers::has_already(&self.parts.headers, &etag);
        let answer = Answer::new(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK })
            .header(CONTENT_TYPE, &manifest.media_type)
            .header(ETAG, etag)
            .docker_header("docker-content-digest", manifest.digest);
        if known {
            return Ok(answer.empty());
        }
        if self.parts.method == Method::HEAD {
            return Ok(answer.header(CONTENT_LENGTH, manifest.size).empty());
        }
        Ok(answer.bytes(self.manifest_bytes(manifest.digest).await?))
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
