//! `UploadLayerPart`: the next bytes of a layer.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::target::Target;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// A part of an upload.
#[derive(Debug)]
pub struct Request {
    target: Target,
    upload: String,
    bytes: (i64, i64),
    part: Vec<u8>,
}

impl Resolve for api::UploadLayerPart {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:UploadLayerPart")?;
        let bytes = (input.part_first_byte, input.part_last_byte);
        Ok(checked.map(|target| Request {
            target,
            upload: input.upload_id,
            bytes,
            part: input.layer_part_blob.0,
        }))
    }
}

impl AwaitingHandler for api::UploadLayerPart {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, upload, bytes, part } = request.into_request();
        target.open(&cx.installation.store.view())?;
        let uploads = &cx.installation.layer_uploads;
        let last = uploads.append(&target.home()?, &upload, bytes, part, cx.now).await?;
        Ok(api::UploadLayerPartResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            upload_id: Some(upload),
            last_byte_received: Some(last),
        })
    }
}
