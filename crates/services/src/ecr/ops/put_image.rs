//! `PutImage`: a manifest whose layers are there already, and a tag on it.

use landfall_api::ecr as api;
use landfall_registry::{Descriptor, Manifest, Tag};
use landfall_shape::ServiceError;
use landfall_store::{View, WriteError};

use crate::ecr::image_id;
use crate::ecr::registry::{self, Put};
use crate::ecr::rules::{is_fixed, wording};
use crate::ecr::settings;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// An image to be put.
#[derive(Debug)]
pub struct Request {
    target: Target,
    text: String,
    manifest: Manifest,
    tag: Option<Tag>,
}

impl Resolve for api::PutImage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::pushed(cx, view, input.registry_id.as_deref(), name, "ecr:PutImage")?;
        let manifest = parse(&input)?;
        let tag = input.image_tag.as_deref().map(parse_tag).transpose()?;
        Ok(checked.map(|target| Request { target, text: input.image_manifest, manifest, tag }))
    }
}

fn parse(input: &api::PutImageRequest) -> Result<Manifest, ServiceError> {
    let media_type = input.image_manifest_media_type.as_deref();
    let manifest =
        Manifest::parse_as(input.image_manifest.as_bytes(), media_type, "`imageManifestMediaType`")
            .map_err(|error| wording::invalid("ImageManifest", &error.message))?;
    match &input.image_digest {
        Some(expected) if *expected != manifest.digest.to_string() => {
            let text = format!(
                "The provided image digest '{expected}' does not match the digest '{}' of the image manifest",
                manifest.digest
            );
            Err(api::error::image_digest_does_not_match_exception(text))
        }
        _ => Ok(manifest),
    }
}

fn parse_tag(text: &str) -> Result<Tag, ServiceError> {
    let pattern = "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}'";
    text.parse().map_err(|_| wording::invalid("imageTag", pattern))
}

impl AwaitingHandler for api::PutImage {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, text, manifest, tag } = request.into_request();
        let target = target.open_for_push(cx).await?;
        let installation = cx.installation;
        // Nothing that the manifest names is collected between the look and the write.
        let _shared = installation.blobs.gate().read().await;
        check(&installation.store.view(), &target, &manifest, tag.as_ref())?;
        installation.blobs.put(text.clone().into()).await.map_err(Failure::internal)?;
        let written = installation.store.write_async("PutImage", |tx| {
            check(tx, &target, &manifest, tag.as_ref())?;
            let repository = target.again(tx)?;
            match registry::put_image(tx, &target.key, &repository, &manifest, tag.as_ref(), cx.now)? {
                Put::Stored => Ok(()),
                // `check` has seen all of them already, in this transaction.
                Put::Unchanged | Put::TagIsFixed | Put::TooManyTags => {
                    Err(repeated(&target, &manifest, tag.as_ref()))
                }
            }
        });
        written.await.map_err(WriteError::flatten)?;
        Ok(answer(&target, &manifest, tag.as_ref(), text))
    }
}

/// Everything that can be refused, in AWS's order.
fn check(view: &View, target: &Target, manifest: &Manifest, tag: Option<&Tag>) -> Result<(), Failure> {
    let repository = target.again(view)?;
    settings::check_key(view, &repository.encryption)?;
    let on = tag.map_or(Ok(None), |tag| registry::tag_digest(view, &target.key, tag.as_str()))?;
    let present = registry::image(view, &target.key, manifest.digest)?.is_some();
    if present && (tag.is_none() || on == Some(manifest.digest)) {
        return Err(repeated(target, manifest, tag));
    }
    if let (Some(tag), Some(_)) = (tag, on)
        && is_fixed(&repository.mutability, tag.as_str())
    {
        let text = wording::tag_is_fixed(&target.key, tag.as_str());
        return Err(api::error::image_tag_already_exists_exception(text).into());
    }
    if let Some(tag) = tag.filter(|_| registry::has_all_tags(view, &target.key, manifest.digest)) {
        let text = wording::too_many_tags(&target.key, tag.as_str(), registry::MOST_TAGS);
        return Err(api::error::limit_exceeded_exception(text).into());
    }
    layers(view, target, manifest)?;
    children(view, target, manifest)
}

fn repeated(target: &Target, manifest: &Manifest, tag: Option<&Tag>) -> Failure {
    let digest = manifest.digest.to_string();
    wording::image_exists(&target.key, &digest, tag.map(Tag::as_str)).into()
}

fn layers(view: &View, target: &Target, manifest: &Manifest) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for blob in manifest.required_blobs() {
        match registry::layer_size(view, &target.key, blob.digest)? {
            Some(size) if size == blob.size => {}
            Some(size) => {
                let text = format!("The layer '{}' has {size} bytes, not {}", blob.digest, blob.size);
                return Err(wording::invalid("ImageManifest", &text).into());
            }
            None => missing.push(blob.digest.to_string()),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let text = required("Layers", &missing, target);
    Err(api::error::layers_not_found_exception(text).into())
}

fn children(view: &View, target: &Target, manifest: &Manifest) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for child in &manifest.manifests {
        match registry::image(view, &target.key, child.digest)? {
            Some(image) => differs(child, &image.manifest)?,
            None => missing.push(child.digest.to_string()),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let text = required("Images", &missing, target);
    Err(api::error::referenced_images_not_found_exception(text).into())
}

/// An index must say of an image what it is.
fn differs(named: &Descriptor, there: &Manifest) -> Result<(), ServiceError> {
    let digest = named.digest;
    let text = if there.size != named.size {
        format!("The image '{digest}' has {} bytes, not {}", there.size, named.size)
    } else if there.media_type != named.media_type {
        format!("The image '{digest}' is of type '{}', not '{}'", there.media_type, named.media_type)
    } else {
        return Ok(());
    };
    Err(wording::invalid("ImageManifest", &text))
}

fn required(what: &str, missing: &[String], target: &Target) -> String {
    let (account, _, name) = &target.key;
    format!(
        "{what} with digests '[{}]' required for pushing image into repository with name '{name}' in the registry with id \
         '{account}' do not exist",
        missing.join(", ")
    )
}

fn answer(target: &Target, manifest: &Manifest, tag: Option<&Tag>, text: String) -> api::PutImageResponse {
    let image = api::Image {
        registry_id: target.registry_id(),
        repository_name: target.name(),
        image_id: Some(image_id::id(manifest.digest, tag.map(Tag::as_str))),
        image_manifest: Some(text),
        image_manifest_media_type: Some(manifest.media_type.clone()),
    };
    api::PutImageResponse { image: Some(image) }
}
