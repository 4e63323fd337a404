//! `ListTagsLogGroup`: the tags of a group by its name; the older form of `ListTagsForResource`.

use landfall_api::logs as api;
use landfall_shape::Entries;
use landfall_store::View;

use crate::logs::lookup::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::ListTagsLogGroup {
    type Request = Checked<Group>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission = group.permission("logs:ListTagsLogGroup");
        Ok(Checked::one(group, permission))
    }
}

impl ReadHandler for api::ListTagsLogGroup {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let group = request.into_request();
        let tags = group.row()?.tags.clone();
        Ok(api::ListTagsLogGroupResponse { tags: Some(Entries(tags)) })
    }
}
