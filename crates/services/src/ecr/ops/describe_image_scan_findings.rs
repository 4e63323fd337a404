//! `DescribeImageScanFindings`: that no scan was made, or, where one was asked for, that it failed and why.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::target::Target;
use crate::ecr::{image_id, registry};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// An image.
#[derive(Debug)]
pub struct Request {
    target: Target,
    id: api::ImageIdentifier,
}

impl Resolve for api::DescribeImageScanFindings {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:DescribeImageScanFindings")?;
        Ok(checked.map(|target| Request { target, id: input.image_id }))
    }
}

impl ReadHandler for api::DescribeImageScanFindings {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, id } = request.into_request();
        target.existing()?;
        let image = image_id::existing(view, &target.key, &id)?;
        let digest = image.manifest.digest;
        if let Some(status) = registry::scan_status(view, &target.key, digest) {
            return Ok(api::DescribeImageScanFindingsResponse {
                registry_id: target.registry_id(),
                repository_name: target.name(),
                image_id: Some(image_id::id(digest, id.image_tag.as_deref())),
                image_scan_status: Some(status),
                ..Default::default()
            });
        }
        let (account, _, name) = &target.key;
        Err(api::error::scan_not_found_exception(format!(
            "Image scan does not exist for the image with '{}' in the repository with name '{name}' in the registry with id \
             '{account}'",
            image_id::quoted(&id)
        ))
        .into())
    }
}
