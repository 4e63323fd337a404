//! `DeleteContainerImage`

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::images;
use crate::lightsail::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A service and an image.
#[derive(Debug)]
pub struct Request {
    target: Target,
    image: String,
}

impl Resolve for api::DeleteContainerImage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = target.permission("lightsail:DeleteContainerImage");
        Ok(Checked::one(Request { target, image: input.image }, permission))
    }
}

impl WriteHandler for api::DeleteContainerImage {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, image } = request.into_request();
        target.existing()?;
        let (label, number) = images::parse(&image, &target.key.2)?;
        if !images::remove(tx, &target.key, &label, number)? {
            let text = format!("The container image `{image}` does not exist.");
            return Err(error::not_found_exception(text).into());
        }
        Ok(api::DeleteContainerImageResult {})
    }
}
