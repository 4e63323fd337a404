//! `ListTagsForResource`: the tags of a group by its ARN.

use landfall_api::logs as api;
use landfall_shape::Entries;
use landfall_store::View;

use crate::logs::lookup::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListTagsForResource {
    type Request = Checked<Group>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::of_resource(cx, view, &input.resource_arn)?;
        let permission = group.tagging_permission("logs:ListTagsForResource");
        Ok(Checked::one(group, permission))
    }
}

impl ReadHandler for api::ListTagsForResource {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let group = request.into_request();
        let tags = group.row()?.tags.clone();
        Ok(api::ListTagsForResourceResponse { tags: Some(Entries(tags)) })
    }
}
