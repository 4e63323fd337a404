//! Reading bodies within limits.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use landfall_shape::ServiceError;

/// The most that any API call carries: well above the largest that AWS takes (1 MiB of log events, in JSON).
const LIMIT: usize = 8 * 1024 * 1024;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a whole body.
///
/// # Errors
/// It is too long, comes too slowly, or ends early.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, ServiceError> {
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LIMIT).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let text = format!("the request is longer than {LIMIT} bytes");
            Err(ServiceError::with_status("RequestEntityTooLargeException", 413, text))
        }
        Ok(Err(_)) => Err(ServiceError::client("RequestAborted", "the request ended before its body did")),
        Err(_) => {
            let text = "the request's body did not arrive in time";
            Err(ServiceError::with_status("RequestTimeoutException", 408, text))
        }
    }
}
