//! `BatchDeleteImage`: by tag, the tag goes, and with its last tag the image; by digest, the image goes with all its tags.

use landfall_api::ecr as api;
use landfall_registry::Digest;
use landfall_store::{Tx, View};

use crate::ecr::image_id;
use crate::ecr::record::RepositoryKey;
use crate::ecr::registry;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Images to be removed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    ids: Vec<api::ImageIdentifier>,
}

impl Resolve for api::BatchDeleteImage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:BatchDeleteImage")?;
        Ok(checked.map(|target| Request { target, ids: input.image_ids }))
    }
}

impl WriteHandler for api::BatchDeleteImage {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, mut ids } = request.into_request();
        target.existing()?;
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        // Lists before what they name, so that one call can remove both.
        ids.sort_by_cached_key(|id| !is_list(tx, &target.key, id));
        for id in ids {
            match image_id::find(tx, &target.key, &id)? {
                Err(missing) => failures.push(image_id::failure(id, missing)),
                Ok(image) => match delete(tx, &target.key, image.manifest.digest, id.image_tag.as_deref())? {
                    Some(removed) => deleted.extend(removed),
                    None => failures.push(image_id::failure(id, image_id::NAMED_BY_LIST)),
                },
            }
        }
        Ok(api::BatchDeleteImageResponse { image_ids: Some(deleted), failures: Some(failures) })
    }
}

fn is_list(view: &View, key: &RepositoryKey, id: &api::ImageIdentifier) -> bool {
    let found = image_id::find(view, key, id);
    found.is_ok_and(|image| image.is_ok_and(|image| !image.manifest.manifests.is_empty()))
}

/// `None` for an image that a list names.
fn delete(
    tx: &mut Tx,
    key: &RepositoryKey,
    digest: Digest,
    tag: Option<&str>,
) -> Result<Option<Vec<api::ImageIdentifier>>, Failure> {
    let named = registry::is_named(tx, key, digest);
    let Some(tag) = tag else {
        if named {
            return Ok(None);
        }
        let tags = registry::remove_image(tx, key, digest)?.unwrap_or_default();
        let ids: Vec<_> = tags.iter().map(|tag| image_id::id(digest, Some(tag))).collect();
        return Ok(Some(if ids.is_empty() { vec![image_id::id(digest, None)] } else { ids }));
    };
    registry::remove_tag(tx, key, tag)?;
    if !named && !registry::has_tags(tx, key, digest) {
        registry::remove_image(tx, key, digest)?;
    }
    Ok(Some(vec![image_id::id(digest, Some(tag))]))
}
