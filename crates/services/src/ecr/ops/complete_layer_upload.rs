//! `CompleteLayerUpload`: the parts are a layer, if they have the digest that they should.

use landfall_api::ecr as api;
use landfall_registry::Digest;
use landfall_shape::ServiceError;
use landfall_store::{View, WriteError};

use crate::ecr::registry;
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::ecr::uploads;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// An upload to be ended.
#[derive(Debug)]
pub struct Request {
    target: Target,
    upload: String,
    digest: Digest,
}

impl Resolve for api::CompleteLayerUpload {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked =
            Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:CompleteLayerUpload")?;
        let digest = input.layer_digests.iter().find_map(|text| text.parse().ok()).ok_or_else(no_digest)?;
        Ok(checked.map(|target| Request { target, upload: input.upload_id, digest }))
    }
}

fn no_digest() -> ServiceError {
    wording::invalid("layerDigests", "must hold a digest 'sha256:' with 64 lower-case hexadecimal digits")
}

impl AwaitingHandler for api::CompleteLayerUpload {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, upload, digest } = request.into_request();
        target.open(&cx.installation.store.view())?;
        let installation = cx.installation;
        let _shared = installation.blobs.gate().read().await;
        let home = target.home()?;
        let layer = installation.layer_uploads.complete(&home, &upload, digest, cx.now).await?;
        let written = installation.store.write_async("CompleteLayerUpload", |tx| {
            // It may have been removed, and made again, while the layer was checked.
            if target.again(tx)?.incarnation != home.incarnation {
                return Err(uploads::unknown(&target.key, &upload).into());
            }
            if registry::layer_size(tx, &target.key, layer.digest)?.is_some() {
                return Err(exists(&target, layer.digest).into());
            }
            registry::link_layer(tx, &target.key, layer.digest, layer.size);
            Ok::<_, Failure>(())
        });
        written.await.map_err(WriteError::flatten)?;
        Ok(api::CompleteLayerUploadResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            upload_id: Some(upload),
            layer_digest: Some(digest.to_string()),
        })
    }
}

fn exists(target: &Target, digest: Digest) -> ServiceError {
    let (account, _, name) = &target.key;
    api::error::layer_already_exists_exception(format!(
        "The layer with digest '{digest}' already exists in the repository with name '{name}' in the registry with id \
         '{account}'"
    ))
}
