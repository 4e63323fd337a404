//! `BatchGetImage`: manifests by tag or digest; what is missing is answered item by item. What a pull-through cache rule is for
//! is fetched, and has to be allowed.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use landfall_api::ecr::{self as api, error};
use landfall_base::Timestamp;
use landfall_registry::{Converted, Digest, Reference};
use landfall_store::View;

use crate::ecr::image_id::{self, Missing};
use crate::ecr::pull_through::{self, ImportError, Need};
use crate::ecr::record::{Image, RepositoryKey};
use crate::ecr::target::Target;
use crate::ecr::{registry, settings};
use crate::pipe::{
    Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings, is_allowed,
};

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
        let target = Target::find(cx, view, input.registry_id.as_deref(), &input.repository_name)?;
        let mut permissions = vec![target.permission(view, "ecr:BatchGetImage")?];
        let imports = |id| Ok::<_, Failure>(need(view, &target.key, id, cx.now)? == Need::Import);
        if input.image_ids.iter().map(imports).collect::<Result<Vec<_>, _>>()?.contains(&true) {
            permissions.extend(pull_through::permissions(view, &target.key)?);
        }
        let request = Request { target, ids: input.image_ids, accepted: input.accepted_media_types };
        Ok(Checked::all(request, permissions))
    }
}

impl AwaitingHandler for api::BatchGetImage {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, ids, accepted } = request.into_request();
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        let (mut bytes, mut fetched) = (0, Vec::new());
        for id in distinct(ids) {
            match fetch(cx, &target.key, &id).await? {
                Ok(()) => fetched.push(id),
                Err((code, reason)) => failures.push(failure(id, code, reason)),
            }
        }
        let repository =
            target.again(&cx.installation.store.view()).map_err(|error| unavailable(error, &failures))?;
        for id in fetched {
            if let Err(error) = settings::check_key(&cx.installation.store.view(), &repository.encryption) {
                failures.push(failure(id, api::ImageFailureCode::KmsError, text_of(error)?));
                continue;
            }
            let found = image_id::find(&cx.installation.store.view(), &target.key, &id)?;
            match found.and_then(|image| format(image, &id, accepted.as_deref())) {
                Ok((image, converted)) => {
                    bytes += image.manifest.size;
                    if bytes > MOST_BYTES {
                        return Err(error::limit_exceeded_exception(TOO_LARGE).into());
                    }
                    images.push(show(cx, &target, &id, &image, converted).await?);
                }
                Err(missing) => failures.push(image_id::failure(id, missing)),
            }
        }
        Ok(api::BatchGetImageResponse { images: Some(images), failures: Some(failures) })
    }
}

/// What has to be done before an image can be shown.
fn need(
    view: &View,
    key: &RepositoryKey,
    id: &api::ImageIdentifier,
    now: Timestamp,
) -> Result<Need, Failure> {
    let reference = id.image_digest.as_ref().or(id.image_tag.as_ref()).and_then(|text| text.parse().ok());
    Ok(reference.map_or(Ok(Need::Nothing), |reference| pull_through::need(view, key, &reference, now))?)
}

/// Fetches an image that the cache is to have, if the caller may have that done. The inner error is an entry of `failures`;
/// what the upstream registry does not have is looked for, and missed, here.
async fn fetch(
    cx: Surroundings<'_>,
    key: &RepositoryKey,
    id: &api::ImageIdentifier,
) -> Result<Result<(), (api::ImageFailureCode, String)>, Failure> {
    let text = id.image_digest.as_ref().or(id.image_tag.as_ref());
    let Some(reference) = text.and_then(|text| text.parse::<Reference>().ok()) else { return Ok(Ok(())) };
    let needed = need(&cx.installation.store.view(), key, id, cx.now)? != Need::Nothing;
    if cx.dry || !needed || !may_import(cx, key)? {
        return Ok(Ok(()));
    }
    match pull_through::import(cx.installation, key, &reference).await {
        Ok(()) | Err(ImportError::NotFound(_)) => Ok(Ok(())),
        Err(ImportError::Refused(said)) => {
            Ok(Err((api::ImageFailureCode::UpstreamAccessDenied, said.message)))
        }
        Err(ImportError::TooManyRequests(said)) => {
            Ok(Err((api::ImageFailureCode::UpstreamTooManyRequests, said.message)))
        }
        Err(ImportError::Failed(said)) => Ok(Err((api::ImageFailureCode::UpstreamUnavailable, said.message))),
        Err(ImportError::Internal(failure)) => Err(failure),
    }
}

fn may_import(cx: Surroundings<'_>, key: &RepositoryKey) -> Result<bool, Failure> {
    let view = cx.installation.store.view();
    let context = cx.context();
    for permission in pull_through::permissions(&view, key)? {
        match is_allowed(&context, &view, &api::SERVICE, &permission) {
            Ok(()) => {}
            Err(Failure::Service(_)) => return Ok(false),
            Err(internal) => return Err(internal),
        }
    }
    Ok(true)
}

/// There is no repository: because its first image could not be fetched, where that was so.
fn unavailable(error: Failure, failures: &[api::ImageFailure]) -> Failure {
    match failures.iter().find_map(|failure| failure.failure_reason.clone()) {
        Some(reason) => error::unable_to_get_upstream_image_exception(reason).into(),
        None => error,
    }
}

fn failure(id: api::ImageIdentifier, code: api::ImageFailureCode, reason: String) -> api::ImageFailure {
    api::ImageFailure { image_id: Some(id), failure_code: Some(code), failure_reason: Some(reason) }
}

fn text_of(error: Failure) -> Result<String, Failure> {
    match error {
        Failure::Service(error) => Ok(error.message),
        internal => Err(internal),
    }
}

/// Each once, in order.
fn distinct(ids: Vec<api::ImageIdentifier>) -> Vec<api::ImageIdentifier> {
    let mut known = HashSet::new();
    ids.into_iter().filter(|id| known.insert((id.image_digest.clone(), id.image_tag.clone()))).collect()
}

/// By tag an image is given in the other format where the client does not read the one that is stored, and one that it reads
/// in no way is as good as none. By digest it is what it is (Amazon ECR User Guide, "Amazon ECR image manifest conversion").
fn format(
    image: Arc<Image>,
    id: &api::ImageIdentifier,
    accepted: Option<&[String]>,
) -> Result<(Arc<Image>, Option<Converted>), Missing> {
    let accepted = accepted.filter(|types| !types.is_empty() && id.image_digest.is_none());
    let accepts = |media_type: &str| accepted.is_none_or(|types| types.iter().any(|it| it == media_type));
    if accepts(&image.manifest.media_type) {
        return Ok((image, None));
    }
    let converted = image.manifest.converted(accepts).ok_or(image_id::NOT_FOUND)?;
    Ok((image, Some(converted)))
}

async fn show(
    cx: Surroundings<'_>,
    target: &Target,
    id: &api::ImageIdentifier,
    image: &Image,
    converted: Option<Converted>,
) -> Result<api::Image, Failure> {
    let digest = image.manifest.digest;
    let (media_type, bytes) = match converted {
        Some(it) => (it.media_type.to_owned(), it.bytes),
        None => (image.manifest.media_type.clone(), stored(cx, digest).await?),
    };
    if !cx.dry {
        registry::note_pull(cx.installation, &target.key, digest).await;
    }
    Ok(api::Image {
        registry_id: target.registry_id(),
        repository_name: target.name(),
        image_id: Some(image_id::id(digest, id.image_tag.as_deref())),
        image_manifest: Some(String::from_utf8(bytes.to_vec()).map_err(Failure::internal)?),
        image_manifest_media_type: Some(media_type),
    })
}

/// A manifest as it was pushed.
async fn stored(cx: Surroundings<'_>, digest: Digest) -> Result<Bytes, Failure> {
    let reader = cx.installation.blobs.read(digest).await.map_err(Failure::internal)?;
    let reader =
        reader.ok_or_else(|| Failure::internal(format!("the bytes of the manifest `{digest}` are gone")))?;
    reader.bytes().await.map_err(Failure::internal)
}
