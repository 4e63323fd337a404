use landfall_api::ecs as api;
use landfall_store::View;

use crate::ecs::tagged::{self, FoundTagged};
use crate::ecs::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Lists the tags of a cluster, a task or a task definition.
impl Resolve for api::ListTagsForResource {
    type Request = Checked<FoundTagged>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resource = tagged::find(cx, view, &input.resource_arn)?;
        let permission = resource.permission("ecs:ListTagsForResource");
        Ok(Checked::one(resource, permission))
    }
}

impl ReadHandler for api::ListTagsForResource {
    fn run(
        _cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let tags = tags::to_api(request.request.any()?.tags());
        Ok(api::ListTagsForResourceResponse { tags: Some(tags) })
    }
}
