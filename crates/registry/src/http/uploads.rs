//! Uploads: start, mount, append, complete, ask, cancel.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, LOCATION, RANGE};
use http::{Response, StatusCode};
use hyper::body::Body;

use super::answer::Answer;
use super::{BoxError, Call, ResponseBody, headers, parse_digest, range, receive, within};
use crate::uploads::{Session, no_such_upload};
use crate::{
    Access, Catalog, Digest, ErrorCode, OciError, Operation, Registry, Repository, RepositoryName, Upload,
};

impl<A: Access, C: Catalog> Call<'_, A, C> {
    pub(super) async fn start_upload<B>(
        &self,
        name: &RepositoryName,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let grant = self.authorize(Operation::StartUpload, Some(name)).await?;
        let repository = within(&grant, name)?;
        if let Some(mounted) = self.try_mount(name, &repository).await? {
            return Ok(mounted);
        }
        let digest = self.query.get("digest").map(parse_digest).transpose()?;
        if digest.is_some() {
            self.permit(Operation::CompleteUpload, name).await?;
        }
        let incarnation = self.registry.catalog().open_for_push(&repository).await?;
        let upload = self.registry.blobs().begin().await?;
        let session = self.registry.uploads().open(repository, incarnation, &grant.owner, upload)?;
        match digest {
            None => Ok(progress(StatusCode::ACCEPTED, name, &session)),
            Some(digest) => self.complete(name, session, digest, body).await,
        }
    }

    /// `None` when there is nothing to mount or it may not be: the client is then offered an upload.
    async fn try_mount(
        &self,
        name: &RepositoryName,
        repository: &Repository,
    ) -> Result<Option<Response<ResponseBody>>, OciError> {
        let Some(digest) = self.query.get("mount").map(parse_digest).transpose()? else { return Ok(None) };
        let Some(Ok(from)) = self.query.get("from").map(str::parse::<RepositoryName>) else {
            return Ok(None);
        };
        let Some(source) = self.mount_source(&from).await? else { return Ok(None) };
        if source.namespace != repository.namespace {
            return Ok(None);
        }
        let _shared = self.registry.gate().read().await;
        let Some(size) = self.blob_in(&source, digest).await? else { return Ok(None) };
        let incarnation = self.registry.catalog().open_for_push(repository).await?;
        if !self.registry.catalog().may_mount(&source, repository, digest).await? {
            return Ok(None);
        }
        self.registry.catalog().link_blob(repository, incarnation, digest, size).await?;
        Ok(Some(completed(name, digest)))
    }

    /// The repository that a blob is to come from, if the caller may have it from there.
    async fn mount_source(&self, from: &RepositoryName) -> Result<Option<Repository>, OciError> {
        use ErrorCode::{Denied, NameInvalid, NameUnknown, Unauthorized, Unsupported};
        match self.permit(Operation::MountFrom, from).await {
            Ok(source) => Ok(Some(source)),
            Err(error)
                if matches!(error.code, Denied | Unauthorized | NameUnknown | NameInvalid | Unsupported) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn blob_in(&self, source: &Repository, digest: Digest) -> Result<Option<u64>, OciError> {
        match self.registry.catalog().blob(source, digest).await {
            Err(error) if error.code == ErrorCode::NameUnknown => Ok(None),
            Ok(Some(size)) if self.registry.blobs().touch(digest).await? => Ok(Some(size)),
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An upload of a repository that still is the one that it was opened in.
    async fn upload(&self, repository: &Repository, id: &str) -> Result<Arc<Session>, OciError> {
        let session = self.registry.uploads().find(repository, id)?;
        if self.registry.is_there(repository, session.incarnation).await? {
            return Ok(session);
        }
        self.registry.uploads().close(&session);
        Err(no_such_upload())
    }

    pub(super) async fn upload_status(
        &self,
        name: &RepositoryName,
        id: &str,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::UploadChunk, name).await?;
        let session = self.upload(&repository, id).await?;
        Ok(progress(StatusCode::NO_CONTENT, name, &session))
    }

    pub(super) async fn cancel_upload(
        &self,
        name: &RepositoryName,
        id: &str,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::UploadChunk, name).await?;
        let session = self.upload(&repository, id).await?;
        self.registry.uploads().close(&session);
        Ok(Answer::new(StatusCode::NO_CONTENT).empty())
    }

    pub(super) async fn upload_chunk<B>(
        &self,
        name: &RepositoryName,
        id: &str,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let repository = self.permit(Operation::UploadChunk, name).await?;
        let session = self.upload(&repository, id).await?;
        let chunk = Chunk {
            registry: self.registry.clone(),
            declared: self.declared()?,
            session: Arc::clone(&session),
            location: location(name, &session),
        };
        chunk.receive(body).await?;
        Ok(progress(StatusCode::ACCEPTED, name, &session))
    }

    pub(super) async fn complete_upload<B>(
        &self,
        name: &RepositoryName,
        id: &str,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let repository = self.permit(Operation::CompleteUpload, name).await?;
        let missing =
            || OciError::new(ErrorCode::DigestInvalid, "the query has no `digest`: send the blob's digest");
        let digest = parse_digest(self.query.get("digest").ok_or_else(missing)?)?;
        let session = self.upload(&repository, id).await?;
        self.complete(name, session, digest, body).await
    }

    async fn complete<B>(
        &self,
        name: &RepositoryName,
        session: Arc<Session>,
        digest: Digest,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let chunk = Chunk {
            registry: self.registry.clone(),
            declared: self.declared()?,
            session: Arc::clone(&session),
            location: location(name, &session),
        };
        chunk.receive(body).await?;
        let upload = session.take()?;
        // Whatever comes of it, this upload is at its end: a wrong digest cannot become right.
        self.registry.uploads().close(&session);
        let _shared = self.registry.gate().read().await;
        let size = upload.finish(digest).await?;
        self.link(&session, digest, size).await?;
        Ok(completed(name, digest))
    }

    /// The repository may have been removed while the last bytes came.
    async fn link(&self, session: &Session, digest: Digest, size: u64) -> Result<(), OciError> {
        let catalog = self.registry.catalog();
        match catalog.link_blob(&session.repository, session.incarnation, digest, size).await {
            Err(error) if error.code == ErrorCode::NameUnknown => Err(no_such_upload()),
            linked => linked,
        }
    }

    fn declared(&self) -> Result<Declared, OciError> {
        let length = headers::content_length(&self.parts.headers);
        let range = headers::text(&self.parts.headers, &CONTENT_RANGE).map(parse_range).transpose()?;
        match (&range, length) {
            (Some(range), Some(length)) if range.end - range.start != length => Err(wrong_length(range)),
            _ => Ok(Declared { length, range }),
        }
    }
}

/// What the request says of its body.
struct Declared {
    length: Option<u64>,
    range: Option<Range<u64>>,
}

/// A body that is to be appended to an upload.
struct Chunk<A, C> {
    registry: Registry<A, C>,
    session: Arc<Session>,
    declared: Declared,
    location: String,
}

impl<A: Access, C: Catalog> Chunk<A, C> {
    /// Runs on its own: when the connection breaks and nobody waits any more, what arrived is still kept.
    async fn receive<B>(self, body: B) -> Result<(), OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        tokio::spawn(async move {
            let upload = self.session.take()?;
            match self.append(upload, body).await {
                Ok((upload, result)) => {
                    self.registry.uploads().put_back(&self.session, upload);
                    result
                }
                Err(error) => {
                    self.registry.uploads().close(&self.session);
                    Err(error)
                }
            }
        })
        .await
        .map_err(OciError::internal)?
    }

    async fn append<B>(&self, upload: Upload, body: B) -> Result<(Upload, Result<(), OciError>), OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        if let Err(error) = self.check(&upload) {
            return Ok((upload, Err(error)));
        }
        let checkpoint = upload.checkpoint();
        let (upload, result) = receive::append(upload, body, self.registry.limits()).await?;
        match &self.declared.range {
            Some(range) if result.is_ok() && upload.size() != range.end => {
                Ok((upload.roll_back(checkpoint).await?, Err(wrong_length(range))))
            }
            _ => Ok((upload, result)),
        }
    }

    fn check(&self, upload: &Upload) -> Result<(), OciError> {
        let limit = self.registry.limits().blob_bytes;
        if self.declared.length.is_some_and(|length| length > limit.saturating_sub(upload.size())) {
            return Err(receive::too_large("blob", limit));
        }
        match &self.declared.range {
            Some(range) if range.start != upload.size() => Err(self.out_of_order(range, upload.size())),
            _ => Ok(()),
        }
    }

    fn out_of_order(&self, range: &Range<u64>, size: u64) -> OciError {
        let message =
            format!("the chunk begins at {}: expected {size}, where the last one ended", range.start);
        OciError::new(ErrorCode::BlobUploadInvalid, message)
            .status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(LOCATION, self.location.clone())
            .header(RANGE, received(size))
    }
}

fn progress(status: StatusCode, name: &RepositoryName, session: &Session) -> Response<ResponseBody> {
    Answer::new(status)
        .header(LOCATION, location(name, session))
        .header(RANGE, received(session.received()))
        .docker_header("docker-upload-uuid", &session.id)
        .empty()
}

fn completed(name: &RepositoryName, digest: Digest) -> Response<ResponseBody> {
    Answer::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .docker_header("docker-content-digest", digest)
        .empty()
}

/// Relative, so that it is right whatever name or proxy the client came by.
fn location(name: &RepositoryName, session: &Session) -> String {
    format!("/v2/{name}/blobs/uploads/{}", session.id)
}

/// Clients know `0-0` for nothing yet.
fn received(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn parse_range(text: &str) -> Result<Range<u64>, OciError> {
    range::sent(text).ok_or_else(|| {
        let message =
            "the `Content-Range` header cannot be read: expected `first-last`, for example `0-1023`";
        OciError::new(ErrorCode::BlobUploadInvalid, message)
    })
}

fn wrong_length(range: &Range<u64>) -> OciError {
    let message = format!("the body is not as long as its range: expected {} bytes", range.end - range.start);
    OciError::new(ErrorCode::SizeInvalid, message)
}
