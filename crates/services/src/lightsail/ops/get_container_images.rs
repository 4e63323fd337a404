//! `GetContainerImages`: the newest first.

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::target::Target;
use crate::lightsail::{images, names};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A service.
#[derive(Debug)]
pub struct Request(Target);

impl Resolve for api::GetContainerImages {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        Ok(Checked::one(Request(target), Permission::on_everything(cx, "lightsail:GetContainerImages")))
    }
}

impl ReadHandler for api::GetContainerImages {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(target) = request.into_request();
        target.existing()?;
        let mut rows = images::list(view, &target.key)?;
        rows.sort_by_key(|(.., image)| std::cmp::Reverse(image.created_at));
        let shown = rows.into_iter().map(|(label, number, image)| api::ContainerImage {
            image: Some(names::image_name(&target.key.2, &label, number)),
            digest: Some(image.digest),
            created_at: Some(image.created_at),
        });
        Ok(api::GetContainerImagesResult { container_images: Some(shown.collect()) })
    }
}
