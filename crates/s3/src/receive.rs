//! A body on its way to disk: hashed and encrypted on a thread that may block, compared with what the client said of it.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use landfall_services::pipe::Failure;
use landfall_services::s3::checksum::{Algorithm, Hasher, Hashes, hex_to_base64};
use landfall_services::s3::files::Writer;
use landfall_services::s3::{error, record::Piece};
use landfall_shape::ServiceError;
use s3s::dto::StreamingBlob;
use s3s::{S3Result, TrailingHeaders};
use tokio::sync::mpsc;

use crate::convert;

/// The largest object of one request (User Guide, "Uploading objects").
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What the client said of the body.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: Option<String>,
    trailer: bool,
    md5: Option<String>,
    length: Option<u64>,
}

const PREFIX: &str = "x-amz-checksum-";

impl Expected {
    /// Reads the headers: a checksum in a header, one that is announced for the trailer, or the name of an algorithm.
    pub(crate) fn read(headers: &HeaderMap, otherwise: Algorithm) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let sent = Algorithm::ALL
            .into_iter()
            .find_map(|it| Some((it, text(&format!("{PREFIX}{}", it.name().to_ascii_lowercase()))?)));
        let trailer = text("x-amz-trailer");
        let trailer =
            trailer.as_deref().and_then(|name| name.trim().strip_prefix(PREFIX)).and_then(Algorithm::of);
        let named = text("x-amz-sdk-checksum-algorithm").as_deref().and_then(Algorithm::of);
        let algorithm = sent.as_ref().map(|(it, _)| *it).or(trailer).or(named).unwrap_or(otherwise);
        if let Some((algorithm, value)) = &sent
            && !algorithm.is_value(value)
        {
            let header = algorithm.name().to_ascii_lowercase();
            let text = format!("Value for {PREFIX}{header} header is invalid.");
            return Err(convert::error(error::invalid_request(text)));
        }
        let length = text("x-amz-decoded-content-length").or_else(|| text("content-length"));
        Ok(Self {
            algorithm,
            value: sent.map(|(_, value)| value),
            trailer: trailer.is_some(),
            md5: text("content-md5"),
            length: length.and_then(|length| length.parse().ok()),
        })
    }

    fn check(
        &self,
        hashes: &Hashes,
        size: u64,
        trailers: Option<&TrailingHeaders>,
    ) -> Result<(), ServiceError> {
        if self.length.is_some_and(|length| length != size) {
            return Err(error::incomplete_body());
        }
        if self.md5.as_ref().is_some_and(|md5| *md5 != hex_to_base64(&hashes.etag)) {
            return Err(error::bad_digest());
        }
        let name = format!("{PREFIX}{}", self.algorithm.name().to_ascii_lowercase());
        let trailed = trailers.filter(|_| self.trailer).and_then(|trailers| {
            trailers.read(|map| map.get(&name).and_then(|it| it.to_str().ok()).map(str::to_owned)).flatten()
        });
        if self.trailer && trailed.is_none() {
            return Err(ServiceError::client(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            ));
        }
        match self.value.as_ref().or(trailed.as_ref()) {
            Some(value) if *value != hashes.checksum => {
                let text = format!(
                    "The {} you specified did not match the calculated checksum.",
                    self.algorithm.name()
                );
                Err(ServiceError::client("BadDigest", text))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a whole body.
pub(crate) async fn receive(
    body: Option<StreamingBlob>,
    writer: Writer,
    expected: &Expected,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<(Piece, Hashes)> {
    let (sender, receiver) = mpsc::channel(8);
    let hasher = Hasher::new(expected.algorithm);
    let work = tokio::task::spawn_blocking(move || write(receiver, writer, hasher));
    let sent = send_all(body, sender).await;
    let internal =
        |error: Box<dyn std::error::Error + Send + Sync>| convert::failure(Failure::Internal(error));
    let (writer, hashes) =
        work.await.map_err(|error| internal(error.into()))?.map_err(|error| internal(error.into()))?;
    sent.map_err(convert::error)?;
    expected.check(&hashes, writer.size(), trailers).map_err(convert::error)?;
    let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
    let piece = finished.map_err(|error| internal(error.into()))?.map_err(|error| internal(error.into()))?;
    Ok((piece, hashes))
}

fn write(
    mut receiver: mpsc::Receiver<Bytes>,
    mut writer: Writer,
    mut hasher: Hasher,
) -> std::io::Result<(Writer, Hashes)> {
    while let Some(bytes) = receiver.blocking_recv() {
        hasher.update(&bytes);
        writer.write(&bytes)?;
    }
    Ok((writer, hasher.finish()))
}

async fn send_all(body: Option<StreamingBlob>, sender: mpsc::Sender<Bytes>) -> Result<(), ServiceError> {
    let Some(mut body) = body else { return Ok(()) };
    let mut size = 0u64;
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| broken(&error.to_string()))?;
        size += bytes.len() as u64;
        if size > LARGEST {
            return Err(error::too_large());
        }
        // The writer is gone only if the disk failed, and then it says so itself.
        if sender.send(bytes).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Why a body ended: `s3s` tells in texts only.
fn broken(text: &str) -> ServiceError {
    if text.contains("SignatureMismatch") {
        let text = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
        return ServiceError::with_status("SignatureDoesNotMatch", 403, text);
    }
    if text.contains("Sha256Mismatch") {
        return error::payload_mismatch();
    }
    error::incomplete_body()
}
