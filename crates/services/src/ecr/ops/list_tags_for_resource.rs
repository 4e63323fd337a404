//! `ListTagsForResource`: the tags of a repository.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::target::Target;
use crate::ecr::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListTagsForResource {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::of_arn(cx, view, &input.resource_arn)?;
        let permission = target.permission(view, "ecr:ListTagsForResource")?;
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::ListTagsForResource {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        Ok(api::ListTagsForResourceResponse { tags: Some(view::tags(&target.existing()?.tags)) })
    }
}
