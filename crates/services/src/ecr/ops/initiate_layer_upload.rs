//! `InitiateLayerUpload`: a layer is going to come in parts.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::target::Target;
use crate::ecr::uploads::PART;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

impl Resolve for api::InitiateLayerUpload {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        Target::pushed(cx, view, input.registry_id.as_deref(), name, "ecr:InitiateLayerUpload")
    }
}

impl AwaitingHandler for api::InitiateLayerUpload {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let target = request.into_request().open_for_push(cx).await?;
        let installation = cx.installation;
        let owner = &cx.caller.account;
        let uploads = &installation.layer_uploads;
        let id = uploads.begin(&installation.blobs, &target.home()?, owner, cx.now).await?;
        Ok(api::InitiateLayerUploadResponse { upload_id: Some(id), part_size: Some(PART) })
    }
}
