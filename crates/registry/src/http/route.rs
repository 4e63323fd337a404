//! Paths. Repository names may hold `blobs`, `tags` or `manifests` as components, so paths are read from their end.

use http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::{Digest, ErrorCode, OciError, RepositoryName};

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Whether there is a registry, and whether it knows the client.
    Ping,
    /// The names of the repositories.
    Repositories,
    /// The tags of a repository.
    Tags(RepositoryName),
    /// The manifests that are about another.
    Referrers(RepositoryName, Digest),
    /// A manifest. The reference is read by the handler: what a bad one means depends on the method.
    Manifest(RepositoryName, String),
    /// A blob.
    Blob(RepositoryName, Digest),
    /// Where uploads begin.
    Uploads(RepositoryName),
    /// An upload, by its id.
    Upload(RepositoryName, String),
}

impl Route {
    /// Reads the path of a request, as it was sent.
    ///
    /// # Errors
    /// `NAME_INVALID`, `DIGEST_INVALID`, or `UNSUPPORTED` for what is no path of a registry.
    pub fn parse(path: &str) -> Result<Self, OciError> {
        if matches!(path, "/v2" | "/v2/") {
            return Ok(Self::Ping);
        }
        let rest = path.strip_prefix("/v2/").ok_or_else(not_found)?;
        let segments = rest.split('/').map(decode).collect::<Option<Vec<_>>>().ok_or_else(not_found)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["_catalog"] => Ok(Self::Repositories),
            [name @ .., "blobs", "uploads", ""] | [name @ .., "blobs", "uploads"] => {
                Ok(Self::Uploads(repository(name)?))
            }
            [name @ .., "blobs", "uploads", id] => Ok(Self::Upload(repository(name)?, (*id).to_owned())),
            [name @ .., "blobs", id] => Ok(Self::Blob(repository(name)?, digest(id)?)),
            [name @ .., "manifests", reference] => {
                Ok(Self::Manifest(repository(name)?, (*reference).to_owned()))
            }
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "referrers", id] => Ok(Self::Referrers(repository(name)?, digest(id)?)),
            _ => Err(not_found()),
        }
    }

    /// For the `Allow` header.
    pub(super) fn methods(&self, with_blob_deletion: bool) -> &'static str {
        match self {
            Self::Ping | Self::Repositories | Self::Tags(_) | Self::Referrers(..) => "GET, HEAD",
            Self::Manifest(..) => "GET, HEAD, PUT, DELETE",
            Self::Blob(..) if with_blob_deletion => "GET, HEAD, DELETE",
            Self::Blob(..) => "GET, HEAD",
            Self::Uploads(_) => "POST",
            Self::Upload(..) => "GET, HEAD, PATCH, PUT, DELETE",
        }
    }
}

fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn repository(segments: &[&str]) -> Result<RepositoryName, OciError> {
    // A slash that was percent-encoded would move the border between name and route.
    if segments.iter().any(|segment| segment.contains('/')) {
        return Err(OciError::new(
            ErrorCode::NameInvalid,
            "a repository name holds an encoded `/`: send it as it is",
        ));
    }
    segments.join("/").parse().map_err(|error| OciError::new(ErrorCode::NameInvalid, format!("{error}")))
}

fn digest(text: &str) -> Result<Digest, OciError> {
    text.parse().map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("{error}")))
}

fn not_found() -> OciError {
    OciError::new(ErrorCode::Unsupported, "there is nothing here: registry paths begin with `/v2/`")
        .status(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    #[test]
    fn paths() {
        let digest = Digest::of(b"");
        let encoded = digest.to_string().replace(':', "%3A");
        let cases = [
            ("/v2".to_owned(), Route::Ping),
            ("/v2/".to_owned(), Route::Ping),
            ("/v2/_catalog".to_owned(), Route::Repositories),
            (format!("/v2/a/b/blobs/{digest}"), Route::Blob(name("a/b"), digest)),
            (format!("/v2/a/blobs/{encoded}"), Route::Blob(name("a"), digest)),
            ("/v2/a/blobs/uploads".to_owned(), Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/".to_owned(), Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/1".to_owned(), Route::Upload(name("a"), "1".to_owned())),
            ("/v2/a/manifests/latest".to_owned(), Route::Manifest(name("a"), "latest".to_owned())),
            (
                "/v2/a/blobs/uploads/manifests/x".to_owned(),
                Route::Manifest(name("a/blobs/uploads"), "x".to_owned()),
            ),
            ("/v2/tags/list/tags/list".to_owned(), Route::Tags(name("tags/list"))),
            (format!("/v2/a/referrers/{digest}"), Route::Referrers(name("a"), digest)),
        ];
        for (path, expected) in cases {
            assert_eq!(Route::parse(&path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        let digest = Digest::of(b"");
        let cases = [
            (format!("/v2/../etc/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2/%2e%2e/etc/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2/a%2fb/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2//a/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2/a%00/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2/A/blobs/{digest}"), ErrorCode::NameInvalid),
            (format!("/v2/blobs/{digest}"), ErrorCode::NameInvalid),
            ("/v2/a/blobs/..".to_owned(), ErrorCode::DigestInvalid),
            ("/v2/a/blobs/sha256:..%2f..".to_owned(), ErrorCode::DigestInvalid),
            ("/v2/a/b".to_owned(), ErrorCode::Unsupported),
            ("/v1/a".to_owned(), ErrorCode::Unsupported),
            ("/v2/a%ff/tags/list".to_owned(), ErrorCode::Unsupported),
        ];
        for (path, expected) in cases {
            assert_eq!(Route::parse(&path).unwrap_err().code, expected, "{path}");
        }
    }
}
