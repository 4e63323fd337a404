//! `BatchCheckLayerAvailability`: which layers need not be pushed.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::registry;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// Layers to be looked up.
#[derive(Debug)]
pub struct Request {
    target: Target,
    digests: Vec<String>,
}

impl Resolve for api::BatchCheckLayerAvailability {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:BatchCheckLayerAvailability")?;
        Ok(checked.map(|target| Request { target, digests: input.layer_digests }))
    }
}

impl AwaitingHandler for api::BatchCheckLayerAvailability {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, digests } = request.into_request();
        target.existing()?;
        let (mut layers, mut failures) = (Vec::new(), Vec::new());
        // Whoever is told that a layer is here may put an image that names it: it counts as wanted from now on.
        let _shared = cx.installation.blobs.gate().read().await;
        for text in digests {
            match text.parse() {
                Ok(digest) => layers.push(layer(cx, &target, text, digest).await?),
                Err(_) => failures.push(failure(text)),
            }
        }
        Ok(api::BatchCheckLayerAvailabilityResponse { layers: Some(layers), failures: Some(failures) })
    }
}

async fn layer(
    cx: Surroundings<'_>,
    target: &Target,
    text: String,
    digest: landfall_registry::Digest,
) -> Result<api::Layer, Failure> {
    let view = &cx.installation.store.view();
    let mut size = registry::layer_size(view, &target.key, digest)?;
    let wanted = size.is_some() && !cx.dry;
    if wanted && !cx.installation.blobs.touch(digest).await.map_err(Failure::internal)? {
        size = None;
    }
    let there =
        if size.is_some() { api::LayerAvailability::Available } else { api::LayerAvailability::Unavailable };
    let media_type =
        if size.is_some() { registry::layer_media_type(view, &target.key, digest)? } else { None };
    Ok(api::Layer {
        layer_digest: Some(text),
        layer_availability: Some(there),
        layer_size: size.and_then(|size| i64::try_from(size).ok()),
        media_type,
    })
}

fn failure(digest: String) -> api::LayerFailure {
    let reason =
        "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'";
    api::LayerFailure {
        layer_digest: Some(digest),
        failure_code: Some(api::LayerFailureCode::InvalidLayerDigest),
        failure_reason: Some(reason.to_owned()),
    }
}
