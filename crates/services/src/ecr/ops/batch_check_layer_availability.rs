//! `BatchCheckLayerAvailability`: which layers need not be pushed.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::registry;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

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

impl ReadHandler for api::BatchCheckLayerAvailability {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, digests } = request.into_request();
        target.existing()?;
        let (mut layers, mut failures) = (Vec::new(), Vec::new());
        for text in digests {
            match text.parse() {
                Ok(digest) => layers.push(layer(view, &target, text, digest)?),
                Err(_) => failures.push(failure(text)),
            }
        }
        Ok(api::BatchCheckLayerAvailabilityResponse { layers: Some(layers), failures: Some(failures) })
    }
}

fn layer(
    view: &View,
    target: &Target,
    text: String,
    digest: landfall_registry::Digest,
) -> Result<api::Layer, Failure> {
    let size = registry::layer_size(view, &target.key, digest)?;
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
