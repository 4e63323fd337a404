//! `StartImageScan`: the scan fails at once and says why, as nothing scans images here.

use landfall_api::ecr as api;
use landfall_registry::ManifestKind;
use landfall_store::{Tx, View};

use crate::ecr::record::{Image, SCANS};
use crate::ecr::target::Target;
use crate::ecr::{image_id, registry};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// An image to be scanned.
#[derive(Debug)]
pub struct Request {
    target: Target,
    id: api::ImageIdentifier,
}

impl Resolve for api::StartImageScan {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:StartImageScan")?;
        Ok(checked.map(|target| Request { target, id: input.image_id }))
    }
}

impl WriteHandler for api::StartImageScan {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, id } = request.into_request();
        target.existing()?;
        let image = image_id::existing(tx, &target.key, &id)?;
        check_kind(&image)?;
        let digest = image.manifest.digest;
        let (account, region, name) = &target.key;
        tx.put(&SCANS, &(account, region, name.as_str(), digest.to_string()), cx.now);
        Ok(api::StartImageScanResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            image_id: Some(image_id::id(digest, id.image_tag.as_deref())),
            image_scan_status: registry::scan_status(tx, &target.key, digest),
        })
    }
}

/// A list of images has nothing in it that could be scanned.
fn check_kind(image: &Image) -> Result<(), Failure> {
    if image.manifest.kind == ManifestKind::Image {
        return Ok(());
    }
    let media_type = &image.manifest.media_type;
    let text = format!(
        "An artifact with media type '{media_type}' cannot be scanned. For more information, see the Amazon ECR documentation."
    );
    Err(api::error::unsupported_image_type_exception(text).into())
}
