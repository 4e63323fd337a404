//! `BatchDeleteImage`: images by tag or digest; what cannot go is answered item by item.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::RepositoryKey;
use crate::ecr::target::Target;
use crate::ecr::{deletion, image_id};
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
            match deletion::delete(tx, &target.key, &id)? {
                Ok(removed) => deleted.extend(removed),
                Err(missing) => failures.push(image_id::failure(id, missing)),
            }
        }
        Ok(api::BatchDeleteImageResponse { image_ids: Some(deleted), failures: Some(failures) })
    }
}

fn is_list(view: &View, key: &RepositoryKey, id: &api::ImageIdentifier) -> bool {
    let found = image_id::find(view, key, id);
    found.is_ok_and(|image| image.is_ok_and(|image| !image.manifest.manifests.is_empty()))
}
