//! `DescribeImageScanFindings`: that no scan was made, as none is made here.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::image_id;
use crate::ecr::target::Target;
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
        image_id::find(view, &target.key, &id)?.map_err(|_| image_id::not_found(&target.key, &id))?;
        let (account, _, name) = &target.key;
        Err(api::error::scan_not_found_exception(format!(
            "Image scan does not exist for the image with '{}' in the repository with name '{name}' in the registry with id \
             '{account}'",
            image_id::quoted(&id)
        ))
        .into())
    }
}
