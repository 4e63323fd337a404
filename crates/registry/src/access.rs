//! Who may: the question that is asked before every operation.

use std::future::Future;
use std::sync::Arc;

use landfall_base::Sensitive;

use crate::{ErrorCode, OciError, RepositoryName};

/// What a client wants to do. Checks that a name exists come after the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `GET /v2/`: is there a registry, and are the credentials good.
    Ping,
    /// `GET` or `HEAD` of a manifest.
    PullManifest,
    /// `GET` of a blob.
    PullBlob,
    /// `HEAD` of a blob.
    HeadBlob,
    /// `GET …/tags/list`.
    ListTags,
    /// `GET …/referrers/…`.
    Referrers,
    /// `GET /v2/_catalog`. Has no repository.
    ListRepositories,
    /// `POST …/blobs/uploads/`.
    StartUpload,
    /// `PATCH`, `GET` or `DELETE` of an upload.
    UploadChunk,
    /// `PUT` of an upload, or `POST …/blobs/uploads/?digest=`, which asks for [`Operation::StartUpload`] too.
    CompleteUpload,
    /// `PUT` of a manifest.
    PutManifest,
    /// `DELETE` of a manifest or tag.
    DeleteManifest,
    /// `DELETE` of a blob.
    DeleteBlob,
    /// `POST …/blobs/uploads/?mount=&from=`, asked about the repository `from` that has the blob, after
    /// [`Operation::StartUpload`] about the one that is to have it. Refused, the client is offered an upload instead.
    MountFrom,
}

/// What the `Authorization` header held.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// RFC 7617.
    Basic {
        /// In the clear.
        username: String,
        /// The password.
        password: Sensitive<String>,
    },
    /// RFC 6750.
    Bearer(Sensitive<String>),
}

/// One question to [`Access`].
#[derive(Debug)]
pub struct Attempt<'a> {
    /// What the client presented; `None` without an `Authorization` header. A header that cannot be read never gets here.
    pub credentials: Option<&'a Credentials>,
    /// What it wants to do.
    pub operation: Operation,
    /// To which repository; `None` for [`Operation::Ping`] and [`Operation::ListRepositories`].
    pub repository: Option<&'a RepositoryName>,
    /// The `Host` that the client addressed.
    pub host: Option<&'a str>,
    /// Whatever the surrounding server attached to the request, such as the peer's address.
    pub extensions: &'a http::Extensions,
}

/// Yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Who, for the log.
    pub principal: Arc<str>,
    /// Which registry the name belongs to, where a server offers several; becomes [`Repository::namespace`](crate::Repository).
    pub namespace: Arc<str>,
    /// How names of that registry begin for this client, up to and with a slash; [`Repository::name`](crate::Repository) is
    /// what follows. Empty where both are the same.
    pub prefix: Arc<str>,
    /// To whose share of the places for uploads an upload counts.
    pub owner: Arc<str>,
}

/// No.
#[derive(Debug)]
pub enum Refusal {
    /// Credentials are missing or wrong: 401.
    Unauthenticated {
        /// The `WWW-Authenticate` header (RFC 9110 §11.6.1).
        challenge: String,
    },
    /// The caller is known and may not: 403.
    Denied {
        /// For the caller.
        message: String,
    },
    /// Nobody may: this registry does not do that: 405.
    NotOffered {
        /// For the caller.
        message: String,
    },
    /// There is no such repository for anybody: 404.
    Unknown {
        /// For the caller.
        message: String,
    },
    /// The caller should slow down: 429.
    TooManyRequests {
        /// For the `Retry-After` header.
        retry_after_seconds: u32,
    },
    /// It could not be decided: 500.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Decides who may do what.
pub trait Access: Send + Sync + 'static {
    /// Answers one question. Called before anything is looked up, so that the answer does not tell what exists.
    fn authorize(&self, attempt: Attempt<'_>) -> impl Future<Output = Result<Grant, Refusal>> + Send;

    /// Whether anybody may delete blobs here; where not, 405 answers do not say so.
    fn offers_blob_deletion(&self) -> bool {
        true
    }
}

impl<A: Access> Access for std::sync::Arc<A> {
    fn authorize(&self, attempt: Attempt<'_>) -> impl Future<Output = Result<Grant, Refusal>> + Send {
        self.as_ref().authorize(attempt)
    }

    fn offers_blob_deletion(&self) -> bool {
        self.as_ref().offers_blob_deletion()
    }
}

impl From<Refusal> for OciError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthenticated { challenge } => {
                OciError::new(ErrorCode::Unauthorized, "authentication required")
                    .header(http::header::WWW_AUTHENTICATE, challenge)
            }
            Refusal::Denied { message } => OciError::new(ErrorCode::Denied, message),
            Refusal::NotOffered { message } => OciError::new(ErrorCode::Unsupported, message),
            Refusal::Unknown { message } => OciError::new(ErrorCode::NameUnknown, message),
            Refusal::TooManyRequests { retry_after_seconds } => {
                OciError::new(ErrorCode::TooManyRequests, "too many requests: try again later")
                    .header(http::header::RETRY_AFTER, retry_after_seconds.to_string())
            }
            Refusal::Failed(cause) => OciError::internal(cause),
        }
    }
}
