//! Reading bodies within limits.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use landfall_shape::ServiceError;

/// The most that any API call carries: well above the largest that AWS takes (1 MiB of log events, in JSON).
const LIMIT: usize = 8 * 1024 * 1024;

/// Calls that carry content of images: a layer part of 20 MiB in base64, a manifest of 4 MiB in JSON.
const IMAGE_LIMIT: usize = 32 * 1024 * 1024;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a whole body.
///
/// # Errors
/// It is too long, comes too slowly, or ends early.
pub(crate) async fn read(parts: &Parts, body: Incoming) -> Result<Bytes, ServiceError> {
    let limit = limit(parts);
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let text = format!("the request is longer than {limit} bytes");
            Err(ServiceError::with_status("RequestEntityTooLargeException", 413, text))
        }
        Ok(Err(_)) => Err(ServiceError::client("RequestAborted", "the request ended before its body did")),
        Err(_) => {
            let text = "the request's body did not arrive in time";
            Err(ServiceError::with_status("RequestTimeoutException", 408, text))
        }
    }
}

fn limit(parts: &Parts) -> usize {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let image = [".UploadLayerPart", ".PutImage"].iter().any(|operation| target.ends_with(operation));
    if image { IMAGE_LIMIT } else { LIMIT }
}
