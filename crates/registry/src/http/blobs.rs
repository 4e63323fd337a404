//! Blobs: read, ask for, delete.

use http::header::{ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderMap, Response, StatusCode};

use super::answer::Answer;
use super::range::{Wanted, wanted};
use super::{Call, ResponseBody, headers};
use crate::{
    Access, BlobError, BlobReader, BlobStore, Catalog, Digest, ErrorCode, Growing, OciError, Operation,
    Repository, RepositoryName, Unlink,
};

impl<A: Access, C: Catalog> Call<'_, A, C> {
    pub(super) async fn head_blob(
        &self,
        name: &RepositoryName,
        digest: Digest,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::HeadBlob, name).await?;
        // Whoever is told that a blob is here may push a manifest that names it: it counts as wanted from now on.
        let _shared = self.registry.gate().read().await;
        let size = self.blob_size(&repository, digest).await?;
        if !self.registry.blobs().touch(digest).await? {
            return Err(unknown_blob(digest));
        }
        if headers::has_already(&self.parts.headers, &etag(digest)) {
            return Ok(described(StatusCode::NOT_MODIFIED, digest).empty());
        }
        Ok(described(StatusCode::OK, digest).header(CONTENT_LENGTH, size).empty())
    }

    pub(super) async fn get_blob(
        &self,
        name: &RepositoryName,
        digest: Digest,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::PullBlob, name).await?;
        self.blob_size(&repository, digest).await?;
        blob(self.registry.blobs(), digest, &self.parts.headers).await
    }

    pub(super) async fn delete_blob(
        &self,
        name: &RepositoryName,
        digest: Digest,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::DeleteBlob, name).await?;
        self.registry.catalog().open_for_pull(&repository).await?;
        let _alone = self.registry.gate().write().await;
        match self.registry.catalog().unlink_blob(&repository, digest).await? {
            Unlink::Done => {
                Ok(Answer::new(StatusCode::ACCEPTED).docker_header("docker-content-digest", digest).empty())
            }
            Unlink::Absent => Err(unknown_blob(digest)),
            Unlink::InUse => Err(OciError::new(
                ErrorCode::Unsupported,
                "a manifest names this blob: delete the manifest first",
            )
            .header(ALLOW, "GET, HEAD")),
        }
    }

    async fn blob_size(&self, repository: &Repository, digest: Digest) -> Result<u64, OciError> {
        self.registry.catalog().open_for_pull(repository).await?;
        self.registry.catalog().blob(repository, digest).await?.ok_or_else(|| unknown_blob(digest))
    }
}

/// A blob or a part of it for whoever may have it.
pub(crate) async fn blob(
    blobs: &BlobStore,
    digest: Digest,
    headers: &HeaderMap,
) -> Result<Response<ResponseBody>, OciError> {
    let reader = blobs.read(digest).await?.ok_or_else(|| unknown_blob(digest))?;
    if headers::has_already(headers, &etag(digest)) {
        return Ok(described(StatusCode::NOT_MODIFIED, digest).empty());
    }
    let range = wanted(headers::text(headers, &RANGE), reader.size());
    part_of(reader, digest, range)
}

/// A blob that is still being received, from its beginning.
pub(crate) fn growing(blob: Growing, digest: Digest, with_body: bool) -> Response<ResponseBody> {
    let (answer, size) = (described(StatusCode::OK, digest), blob.size());
    if with_body { answer.stream(size, blob.stream()) } else { answer.header(CONTENT_LENGTH, size).empty() }
}

fn part_of(reader: BlobReader, digest: Digest, range: Wanted) -> Result<Response<ResponseBody>, OciError> {
    let size = reader.size();
    match range {
        Wanted::Whole => Ok(described(StatusCode::OK, digest).stream(size, reader.stream(0..size))),
        Wanted::Part(range) => {
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let answer = described(StatusCode::PARTIAL_CONTENT, digest).header(CONTENT_RANGE, shown);
            Ok(answer.stream(range.end - range.start, reader.stream(range)))
        }
        Wanted::Unsatisfiable => Err(OciError::new(
            ErrorCode::SizeInvalid,
            format!("the range begins past the end: the blob has {size} bytes"),
        )
        .status(StatusCode::RANGE_NOT_SATISFIABLE)
        .header(CONTENT_RANGE, format!("bytes */{size}"))),
    }
}

fn described(status: StatusCode, digest: Digest) -> Answer {
    Answer::new(status)
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, etag(digest))
        .docker_header("docker-content-digest", digest)
}

/// What has the digest never changes.
fn etag(digest: Digest) -> String {
    format!("\"{digest}\"")
}

pub(super) fn unknown_blob(digest: Digest) -> OciError {
    OciError::new(ErrorCode::BlobUnknown, "blob unknown to registry")
        .detail(serde_json::json!({ "digest": digest.to_string() }))
}

impl From<BlobError> for OciError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::DigestMismatch { .. } => Self::new(ErrorCode::DigestInvalid, format!("{error}")),
            BlobError::InUse(_) | BlobError::Io(_) => Self::internal(error),
        }
    }
}
