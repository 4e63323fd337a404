//! Taking images out of a repository, by `BatchDeleteImage` and by `DELETE` of the data plane: by tag, the tag goes, and with its
//! last tag the image; by digest, the image goes with all its tags.

use landfall_api::ecr as api;
use landfall_store::{StoreError, Tx};

use super::image_id::{self, Missing, NAMED_BY_LIST};
use super::record::RepositoryKey;
use super::registry;

/// Deletes what an id stands for; the ids of what went.
///
/// # Errors
/// A row cannot be read. The inner error says why nothing went: there is no such image, or a list names it.
pub(super) fn delete(
    tx: &mut Tx,
    key: &RepositoryKey,
    id: &api::ImageIdentifier,
) -> Result<Result<Vec<api::ImageIdentifier>, Missing>, StoreError> {
    let digest = match image_id::find(tx, key, id)? {
        Ok(image) => image.manifest.digest,
        Err(missing) => return Ok(Err(missing)),
    };
    let tags = registry::tags_of(tx, key, digest)?;
    let others_stay = |tag: &String| tags.iter().any(|other| other != tag);
    match &id.image_tag {
        Some(tag) if others_stay(tag) => {
            registry::remove_tag(tx, key, tag)?;
            Ok(Ok(vec![image_id::id(digest, Some(tag))]))
        }
        _ if registry::is_named(tx, key, digest) => Ok(Err(NAMED_BY_LIST)),
        _ => {
            registry::remove_image(tx, key, digest)?;
            let ids: Vec<_> = tags.iter().map(|tag| image_id::id(digest, Some(tag))).collect();
            Ok(Ok(if ids.is_empty() { vec![image_id::id(digest, None)] } else { ids }))
        }
    }
}
