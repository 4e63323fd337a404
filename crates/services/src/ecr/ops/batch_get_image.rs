//! `BatchGetImage`: manifests by tag or digest; what is missing is answered item by item.

use std::collections::HashSet;
use std::sync::Arc;

use landfall_api::ecr::{self as api, error};
use landfall_store::View;

use crate::ecr::image_id::{self, Missing};
use crate::ecr::record::Image;
use crate::ecr::registry;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// Bytes of the manifests of one answer, at most.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

const TOO_LARGE: &str =
    "The manifests of these images are larger than 32 MiB together: ask for fewer images at a time.";

/// Images to be shown.
#[derive(Debug)]
pub struct Request {
    target: Target,
    ids: Vec<api::ImageIdentifier>,
    accepted: Option<Vec<String>>,
}

impl Resolve for api::BatchGetImage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:BatchGetImage")?;
        let accepted = input.accepted_media_types;
        Ok(checked.map(|target| Request { target, ids: input.image_ids, accepted }))
    }
}

impl AwaitingHandler for api::BatchGetImage {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, ids, accepted } = request.into_request();
        target.existing()?;
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for id in distinct(ids) {
            let found = image_id::find(&cx.installation.store.view(), &target.key, &id)?;
            match found.and_then(|image| acceptable(image, accepted.as_deref())) {
                Ok(image) => {
                    bytes += image.manifest.size;
                    if bytes > MOST_BYTES {
                        return Err(error::limit_exceeded_exception(TOO_LARGE).into());
                    }
                    images.push(show(cx, &target, &id, &image).await?);
                }
                Err(missing) => failures.push(image_id::failure(id, missing)),
            }
        }
        Ok(api::BatchGetImageResponse { images: Some(images), failures: Some(failures) })
    }
}

/// Each once, in order.
fn distinct(ids: Vec<api::ImageIdentifier>) -> Vec<api::ImageIdentifier> {
    let mut known = HashSet::new();
    ids.into_iter().filter(|id| known.insert((id.image_digest.clone(), id.image_tag.clone()))).collect()
}

/// Manifests are not converted: one of a type that the client does not read is as good as none.
fn acceptable(image: Arc<Image>, accepted: Option<&[String]>) -> Result<Arc<Image>, Missing> {
    let good = accepted.is_none_or(|types| types.is_empty() || types.contains(&image.manifest.media_type));
    if good { Ok(image) } else { Err(image_id::NOT_FOUND) }
}

async fn show(
    cx: Surroundings<'_>,
    target: &Target,
    id: &api::ImageIdentifier,
    image: &Image,
) -> Result<api::Image, Failure> {
    let digest = image.manifest.digest;
    let reader = cx.installation.blobs.read(digest).await.map_err(Failure::internal)?;
    let reader =
        reader.ok_or_else(|| Failure::internal(format!("the bytes of the manifest `{digest}` are gone")))?;
    let bytes = reader.bytes().await.map_err(Failure::internal)?;
    if !cx.dry {
        registry::note_pull(cx.installation, &target.key, digest).await;
    }
    Ok(api::Image {
        registry_id: target.registry_id(),
        repository_name: target.name(),
        image_id: Some(image_id::id(digest, id.image_tag.as_deref())),
        image_manifest: Some(String::from_utf8(bytes.to_vec()).map_err(Failure::internal)?),
        image_manifest_media_type: Some(image.manifest.media_type.clone()),
    })
}
