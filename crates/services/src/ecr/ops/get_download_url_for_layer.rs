//! `GetDownloadUrlForLayer`: an address that is good for a layer, for a while, without further permission.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::target::Target;
use crate::ecr::{layer_address, registry};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A layer to be downloaded.
#[derive(Debug)]
pub struct Request {
    target: Target,
    digest: String,
}

impl Resolve for api::GetDownloadUrlForLayer {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:GetDownloadUrlForLayer")?;
        Ok(checked.map(|target| Request { target, digest: input.layer_digest }))
    }
}

impl ReadHandler for api::GetDownloadUrlForLayer {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, digest: text } = request.into_request();
        target.open(view)?;
        let (account, _, name) = &target.key;
        let place = format!("in the repository with name '{name}' in the registry with id '{account}'");
        let missing = || {
            let text = format!("The layer with digest '{text}' does not exist {place}");
            api::error::layers_not_found_exception(text)
        };
        let digest = text.parse().map_err(|_| missing())?;
        registry::layer_size(view, &target.key, digest)?.ok_or_else(missing)?;
        if !registry::is_named(view, &target.key, digest) {
            let text = format!("The layer with digest '{digest}' {place} is not associated with an image");
            return Err(api::error::layer_inaccessible_exception(text).into());
        }
        let url = layer_address(cx.installation, &target.key, digest)?;
        Ok(api::GetDownloadUrlForLayerResponse { download_url: Some(url), layer_digest: Some(text) })
    }
}
