//! Errors as a client of a registry sees them (OCI distribution specification, "Error codes").

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::BlobError;

/// The codes of the specification, and those that registries have in common beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The repository does not have this blob.
    BlobUnknown,
    /// The upload cannot go on as asked.
    BlobUploadInvalid,
    /// There is no such upload.
    BlobUploadUnknown,
    /// The digest is malformed, or the content has another.
    DigestInvalid,
    /// A manifest names content that the repository does not have.
    ManifestBlobUnknown,
    /// The manifest is malformed.
    ManifestInvalid,
    /// There is no such manifest.
    ManifestUnknown,
    /// The repository's name is malformed.
    NameInvalid,
    /// There is no such repository.
    NameUnknown,
    /// The length is not the declared one, or too large.
    SizeInvalid,
    /// The tag is malformed, or may not be moved.
    TagInvalid,
    /// The page size is not a number.
    PaginationNumberInvalid,
    /// Credentials are missing or wrong.
    Unauthorized,
    /// The caller is known and may not.
    Denied,
    /// This registry does not do that.
    Unsupported,
    /// The caller should slow down.
    TooManyRequests,
    /// The server failed.
    Unknown,
}

impl ErrorCode {
    /// The code on the wire and the status that goes with it.
    const fn wire(self) -> (&'static str, StatusCode) {
        match self {
            Self::BlobUnknown => ("BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::BlobUploadInvalid => ("BLOB_UPLOAD_INVALID", StatusCode::BAD_REQUEST),
            Self::BlobUploadUnknown => ("BLOB_UPLOAD_UNKNOWN", StatusCode::NOT_FOUND),
            Self::DigestInvalid => ("DIGEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestBlobUnknown => ("MANIFEST_BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::ManifestInvalid => ("MANIFEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestUnknown => ("MANIFEST_UNKNOWN", StatusCode::NOT_FOUND),
            Self::NameInvalid => ("NAME_INVALID", StatusCode::BAD_REQUEST),
            Self::NameUnknown => ("NAME_UNKNOWN", StatusCode::NOT_FOUND),
            Self::SizeInvalid => ("SIZE_INVALID", StatusCode::BAD_REQUEST),
            Self::TagInvalid => ("TAG_INVALID", StatusCode::BAD_REQUEST),
            Self::PaginationNumberInvalid => ("PAGINATION_NUMBER_INVALID", StatusCode::BAD_REQUEST),
            Self::Unauthorized => ("UNAUTHORIZED", StatusCode::UNAUTHORIZED),
            Self::Denied => ("DENIED", StatusCode::FORBIDDEN),
            Self::Unsupported => ("UNSUPPORTED", StatusCode::METHOD_NOT_ALLOWED),
            Self::TooManyRequests => ("TOOMANYREQUESTS", StatusCode::TOO_MANY_REQUESTS),
            Self::Unknown => ("UNKNOWN", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The code as it is written in the answer.
    pub const fn as_str(self) -> &'static str {
        self.wire().0
    }
}

/// One error: what the caller reads, and what only the log gets.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct OciError {
    /// The code.
    pub code: ErrorCode,
    /// The status; [`OciError::new`] sets the one that belongs to the code.
    pub status: StatusCode,
    /// For the caller.
    pub message: Cow<'static, str>,
    /// More for the caller, as JSON.
    pub detail: Option<Box<Value>>,
    /// Header fields that belong to the answer.
    pub headers: Vec<(http::HeaderName, String)>,
    /// For the log only.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl OciError {
    /// An error with the code's own status.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let status = code.wire().1;
        Self { code, status, message: message.into(), detail: None, headers: Vec::new(), cause: None }
    }

    /// The server failed; the caller learns no more than that, except when the disk is full.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause = cause.into();
        let mut error = if is_disk_full(cause.as_ref()) {
            Self::new(ErrorCode::Unknown, "the registry's disk is full")
                .status(StatusCode::INSUFFICIENT_STORAGE)
        } else {
            Self::new(ErrorCode::Unknown, "the registry failed; its log says why")
        };
        error.cause = Some(cause);
        error
    }

    /// The same error under another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same error with more for the caller.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }

    /// The same error with a header field.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body: `{"errors":[{"code","message","detail"}]}`.
    pub fn body(&self) -> Value {
        let mut error = json!({ "code": self.code.as_str(), "message": self.message });
        if let Some(detail) = &self.detail {
            error["detail"] = detail.as_ref().clone();
        }
        json!({ "errors": [error] })
    }
}

/// Whether an error, or what it came of, is that the disk is full.
pub fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let full =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.filter_map(io_error).any(full)
}

/// One that is passed on as it is, or shared, is no source of what passes it on or shares it.
fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    match error.downcast_ref() {
        Some(BlobError::Io(error)) => Some(error),
        _ => error.downcast_ref().or_else(|| error.downcast_ref::<Arc<io::Error>>().map(Arc::as_ref)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it failed")]
    struct Wrapped<E: std::error::Error + 'static>(#[source] E);

    fn full() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    #[test]
    fn a_full_disk_is_seen_through_what_wraps_it() {
        assert!(is_disk_full(&full()));
        assert!(is_disk_full(&Wrapped(full())));
        assert!(is_disk_full(&Wrapped(Arc::new(full()))));
        assert!(is_disk_full(&Wrapped(BlobError::Io(full()))));
        assert!(!is_disk_full(&Wrapped(BlobError::Io(io::ErrorKind::NotFound.into()))));
        assert_eq!(OciError::internal(Wrapped(Arc::new(full()))).status, StatusCode::INSUFFICIENT_STORAGE);
    }
}
