//! `RegisterContainerImage`: gives an image that was pushed a name.

use landfall_api::lightsail as api;
use landfall_store::{Tx, View};

use crate::lightsail::record::Image;
use crate::lightsail::target::Target;
use crate::lightsail::{images, names};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A service and an image.
#[derive(Debug)]
pub struct Request {
    target: Target,
    label: String,
    digest: String,
}

impl Resolve for api::RegisterContainerImage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = target.permission("lightsail:RegisterContainerImage");
        Ok(Checked::one(Request { target, label: input.label, digest: input.digest }, permission))
    }
}

impl WriteHandler for api::RegisterContainerImage {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, label, digest } = request.into_request();
        target.existing()?;
        let image = Image { digest: digest.clone(), created_at: cx.now };
        let number = images::register(tx, &target.key, &label, image)?;
        let image = api::ContainerImage {
            image: Some(names::image_name(&target.key.2, &label, number)),
            digest: Some(digest),
            created_at: Some(cx.now),
        };
        Ok(api::RegisterContainerImageResult { container_image: Some(image) })
    }
}
