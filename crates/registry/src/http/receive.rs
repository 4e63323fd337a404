//! Taking a request body in: to the disk for blobs, to memory, within a limit, for manifests.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::task::JoinHandle;

use super::BoxError;
use crate::{ErrorCode, Limits, OciError, Upload};

/// Bytes gathered before they go to the disk. While one batch is hashed and written, the next is gathered.
const BATCH: usize = 1 << 20;

/// Appends a body to an upload. The upload comes back, with what arrived, even if the body ended early: the client may
/// go on from there. It is gone only when the disk failed.
pub(super) async fn append<B>(
    upload: Upload,
    mut body: B,
    limits: &Limits,
) -> Result<(Upload, Result<(), OciError>), OciError>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    let mut room = limits.blob_bytes.saturating_sub(upload.size());
    let mut batch = Batch { writing: upload.start_append(Vec::new()), chunks: Vec::new(), bytes: 0 };
    let result = loop {
        match next(&mut body, limits.body_idle).await {
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
            Ok(Some(chunk)) if chunk.len() as u64 > room => break Err(too_large("blob", limits.blob_bytes)),
            Ok(Some(chunk)) => {
                room -= chunk.len() as u64;
                batch.add(chunk).await?;
            }
        }
    };
    Ok((batch.finish().await?, result))
}

struct Batch {
    writing: JoinHandle<io::Result<Upload>>,
    chunks: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    async fn add(&mut self, chunk: Bytes) -> Result<(), OciError> {
        self.bytes += chunk.len();
        self.chunks.push(chunk);
        if self.bytes >= BATCH { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), OciError> {
        let upload = written(&mut self.writing).await?;
        self.writing = upload.start_append(std::mem::take(&mut self.chunks));
        self.bytes = 0;
        Ok(())
    }

    async fn finish(mut self) -> Result<Upload, OciError> {
        self.write().await?;
        written(&mut self.writing).await
    }
}

async fn written(writing: &mut JoinHandle<io::Result<Upload>>) -> Result<Upload, OciError> {
    writing.await.map_err(OciError::internal)?.map_err(OciError::internal)
}

/// The whole body, if it is no longer than `limit` bytes.
pub(super) async fn whole<B>(mut body: B, limit: usize, idle: Duration) -> Result<Bytes, OciError>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    let mut content = BytesMut::new();
    while let Some(chunk) = next(&mut body, idle).await? {
        if content.len() + chunk.len() > limit {
            return Err(too_large("manifest", limit as u64));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

async fn next<B>(body: &mut B, idle: Duration) -> Result<Option<Bytes>, OciError>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_| stalled(idle))?;
        let Some(frame) = frame else { return Ok(None) };
        match frame.map_err(|error| cut_short(error.into()))?.into_data() {
            Ok(chunk) => return Ok(Some(chunk)),
            Err(_trailers) => {}
        }
    }
}

fn stalled(idle: Duration) -> OciError {
    let message = format!("no data came for {} s: send the rest with a new request", idle.as_secs());
    OciError::new(ErrorCode::BlobUploadInvalid, message).status(StatusCode::REQUEST_TIMEOUT)
}

fn cut_short(error: BoxError) -> OciError {
    tracing::debug!(%error, "a request body ended early");
    OciError::new(
        ErrorCode::SizeInvalid,
        "the body ended before its declared length: send the rest with a new request",
    )
}

pub(super) fn too_large(what: &str, limit: u64) -> OciError {
    OciError::new(ErrorCode::SizeInvalid, format!("the {what} is too large: expected at most {limit} bytes"))
        .status(StatusCode::PAYLOAD_TOO_LARGE)
}
