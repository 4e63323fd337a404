//! What can go wrong with an image, sorted so that a caller can decide, with the registry's own words kept.

use std::fmt;
use std::time::Duration;

use crate::{Digest, InvalidReference, Reference};

/// The sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PullErrorKind {
    /// The text is not an image reference.
    InvalidReference,
    /// The registry asks for a user name and password, and none was given.
    NoCredential,
    /// The registry, or its token server, does not accept the credential (401).
    Unauthorized,
    /// The credential is accepted but may not do this (403).
    Denied,
    /// The repository, manifest or layer does not exist (404).
    NotFound,
    /// The registry limits requests (429), for longer than the client is willing to wait.
    TooManyRequests,
    /// The image is not offered for the platform asked for.
    PlatformMismatch,
    /// Bytes do not have the digest they were promised under.
    DigestMismatch,
    /// The transfer broke off, and taking it up again did not help.
    Truncated,
    /// Nothing arrived in time.
    Timeout,
    /// No connection: name unknown, refused, reset, unreachable.
    Connection,
    /// TLS failed, for example because of an untrusted certificate.
    Tls,
    /// Another status that was not expected, mostly 5xx.
    Server(u16),
    /// What answers is not a registry: it sends HTML.
    NotARegistry,
    /// The manifest, index or config cannot be used: schema 1, not an image, contradictory, nested too deeply.
    InvalidManifest,
    /// A redirect was not followed: to plain HTTP, to a private address, or too many.
    RefusedRedirect,
    /// The disk is full.
    NoSpace,
    /// A configured limit was reached; the message names it.
    LimitExceeded,
    /// A layer tries what no honest layer does.
    UnsafeArchive,
    /// A layer is not a readable archive.
    CorruptLayer,
    /// The local file system refused.
    Io,
}

/// At which point of a pull or push it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Resolve,
    /// Asking the token server that the registry named.
    Token {
        anonymous: bool,
    },
    Blob(Digest),
    Unpack(Digest),
    Push,
}

/// Where it happened. Holds no query strings (they carry signatures) and no headers.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) reference: Reference,
    pub(crate) stage: Stage,
    pub(crate) url: String,
}

/// Why an image could not be resolved, pulled or pushed. Never holds a credential or token.
///
/// `Display` is Landfall's wording; [`PullError::containerd_text`] and [`PullError::docker_text`] give the wordings that ECS
/// users know from Fargate and from EC2.
#[derive(Debug, Clone)]
pub struct PullError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: PullErrorKind,
    place: Option<Place>,
    message: String,
    registry_code: Option<String>,
    status: Option<u16>,
    attempts: u32,
    retry_after: Option<Duration>,
}

impl PullError {
    pub(crate) fn new(kind: PullErrorKind, place: &Place, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            place: Some(place.clone()),
            message: message.into(),
            registry_code: None,
            status: None,
            attempts: 1,
            retry_after: None,
        }))
    }

    pub(crate) fn local(kind: PullErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            place: None,
            message: message.into(),
            registry_code: None,
            status: None,
            attempts: 1,
            retry_after: None,
        }))
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_registry_code(mut self, code: Option<String>) -> Self {
        self.0.registry_code = code;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// How long the registry asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The sort of failure.
    pub fn kind(&self) -> PullErrorKind {
        self.0.kind
    }

    /// The registry's own message, or what the local system said; may be empty.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The registry's error code (OCI Distribution Specification, "Error codes"), or the `error` of its challenge.
    pub fn registry_code(&self) -> Option<&str> {
        self.0.registry_code.as_deref()
    }

    /// The HTTP status, if an answer was the reason.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How often it was tried, for ECS's `has been retried N time(s)`.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    fn is_push(&self) -> bool {
        self.place().is_some_and(|place| place.stage == Stage::Push)
    }

    fn headline(&self) -> &'static str {
        match self.0.kind {
            PullErrorKind::InvalidReference => "the image reference is malformed",
            PullErrorKind::NoCredential => "the registry asks for a user name and password",
            PullErrorKind::Unauthorized => {
                "the registry does not accept the credential: check user name and password"
            }
            PullErrorKind::Denied if self.is_push() => {
                "the registry accepts the credential but refuses access: grant it write access to the repository"
            }
            PullErrorKind::NotFound if self.is_push() => {
                "the registry does not have the repository: check its name, or create it"
            }
            PullErrorKind::Denied => {
                "the registry accepts the credential but refuses access: grant it read access to the repository"
            }
            PullErrorKind::NotFound => "the registry does not have it: check repository, tag and digest",
            PullErrorKind::TooManyRequests => {
                "the registry limits requests: pull with a credential, or wait and try again"
            }
            PullErrorKind::PlatformMismatch => "the image is not offered for this platform",
            PullErrorKind::DigestMismatch => "the bytes do not have the promised digest and were thrown away",
            PullErrorKind::Truncated => "the transfer broke off and could not be completed",
            PullErrorKind::Timeout => "no answer in time: check the network between here and the registry",
            PullErrorKind::Connection => "no connection: check the registry's name, port and the network",
            PullErrorKind::Tls => {
                "no trusted connection: install the registry's certificate authority, or list it as insecure"
            }
            PullErrorKind::Server(_) => "the registry answered with an unexpected status",
            PullErrorKind::NotARegistry => {
                "what answers is not a registry (it sends HTML): check host and port"
            }
            PullErrorKind::InvalidManifest => "the manifest cannot be used",
            PullErrorKind::RefusedRedirect => "the registry redirected to a place that is not safe to follow",
            PullErrorKind::NoSpace => "no space left on device: free space, or remove unused images",
            PullErrorKind::LimitExceeded => "a limit was reached",
            PullErrorKind::UnsafeArchive => "the layer is not safe to unpack",
            PullErrorKind::CorruptLayer => "the layer is not a readable archive",
            PullErrorKind::Io => "the local file system refused",
        }
    }
}

impl fmt::Display for PullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.0.place {
            write!(f, "`{}`: ", place.reference)?;
            if let Stage::Blob(digest) | Stage::Unpack(digest) = &place.stage {
                write!(f, "`{digest}`: ")?;
            }
        }
        f.write_str(self.headline())?;
        if let Some(status) = self.0.status {
            write!(f, " (status {status})")?;
        }
        if self.0.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.0.message) }
    }
}

impl std::error::Error for PullError {}

impl From<InvalidReference> for PullError {
    fn from(error: InvalidReference) -> Self {
        Self::local(PullErrorKind::InvalidReference, error.to_string())
    }
}

/// `404 Not Found`, as Go prints a status.
pub(crate) fn status_line(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}
