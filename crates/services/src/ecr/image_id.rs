//! `imageId`: an image by digest, by tag or by both.

use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_registry::Digest;
use landfall_store::{StoreError, View};

use super::record::{Image, RepositoryKey};
use super::registry;
use crate::pipe::Failure;

/// Why there is no image for an id: the code and its sentence.
pub(super) type Missing = (api::ImageFailureCode, &'static str);

pub(super) const NOT_FOUND: Missing = (api::ImageFailureCode::ImageNotFound, "Requested image not found");
pub(super) const NAMED_BY_LIST: Missing =
    (api::ImageFailureCode::ImageReferencedByManifestList, "Requested image referenced by manifest list");
const NEITHER: Missing = (
    api::ImageFailureCode::MissingDigestAndTag,
    "Invalid request parameters: both tag and digest cannot be null",
);
const BAD_DIGEST: Missing = (
    api::ImageFailureCode::InvalidImageDigest,
    "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
);
const BAD_TAG: Missing = (
    api::ImageFailureCode::InvalidImageTag,
    "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}'",
);
const OTHER_DIGEST: Missing = (
    api::ImageFailureCode::ImageTagDoesNotMatchDigest,
    "Requested image tag does not match the requested image digest",
);

/// The image of an id.
///
/// # Errors
/// A row cannot be read. The inner error says why there is none.
pub(super) fn find(
    view: &View,
    key: &RepositoryKey,
    id: &api::ImageIdentifier,
) -> Result<Result<Arc<Image>, Missing>, StoreError> {
    let digest = match (&id.image_digest, &id.image_tag) {
        (None, None) => return Ok(Err(NEITHER)),
        (Some(text), tag) => {
            let Some(digest) = parse_digest(text) else { return Ok(Err(bad_digest(text))) };
            if let Some(tag) = tag {
                match registry::tag_digest(view, key, tag)? {
                    Some(on) if on != digest => return Ok(Err(OTHER_DIGEST)),
                    None => return Ok(Err(NOT_FOUND)),
                    Some(_) => {}
                }
            }
            digest
        }
        (None, Some(tag)) if tag.parse::<landfall_registry::Tag>().is_err() => return Ok(Err(BAD_TAG)),
        (None, Some(tag)) => match registry::tag_digest(view, key, tag)? {
            Some(digest) => digest,
            None => return Ok(Err(NOT_FOUND)),
        },
    };
    Ok(registry::image(view, key, digest)?.ok_or(NOT_FOUND))
}

fn parse_digest(text: &str) -> Option<Digest> {
    text.parse().ok()
}

/// A digest of another algorithm is well-formed and of no image.
fn bad_digest(text: &str) -> Missing {
    let algorithm = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte);
    let well_formed = text.split_once(':').is_some_and(|(name, hex)| {
        !name.is_empty()
            && name.bytes().all(algorithm)
            && !hex.is_empty()
            && hex.bytes().all(|it| it.is_ascii_hexdigit())
    });
    if well_formed { NOT_FOUND } else { BAD_DIGEST }
}

/// An entry of `failures`.
pub(super) fn failure(id: api::ImageIdentifier, (code, reason): Missing) -> api::ImageFailure {
    api::ImageFailure {
        image_id: Some(id),
        failure_code: Some(code),
        failure_reason: Some(reason.to_owned()),
    }
}

/// `{imageDigest:'D', imageTag:'T'}`, as sentences have it.
pub(super) fn quoted(id: &api::ImageIdentifier) -> String {
    let part =
        |text: &Option<String>| text.as_ref().map_or_else(|| "'null'".to_owned(), |text| format!("'{text}'"));
    format!("{{imageDigest:{}, imageTag:{}}}", part(&id.image_digest), part(&id.image_tag))
}

/// As [`find`], for operations on one image: whatever is missing is `ImageNotFoundException`.
pub(super) fn existing(
    view: &View,
    key: &RepositoryKey,
    id: &api::ImageIdentifier,
) -> Result<Arc<Image>, Failure> {
    Ok(find(view, key, id)?.map_err(|_| not_found(key, id))?)
}

/// `ImageNotFoundException`
fn not_found((account, _, name): &RepositoryKey, id: &api::ImageIdentifier) -> landfall_shape::ServiceError {
    api::error::image_not_found_exception(format!(
        "The image with imageId {} does not exist within the repository with name '{name}' in the registry with id '{account}'",
        quoted(id)
    ))
}

/// An id with a digest, and a tag if there is one.
pub(super) fn id(digest: Digest, tag: Option<&str>) -> api::ImageIdentifier {
    api::ImageIdentifier { image_digest: Some(digest.to_string()), image_tag: tag.map(str::to_owned) }
}
