//! `ListTagsForResource`: the tags of a parameter.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::ssm::tagging;
use crate::ssm::target::Target;

impl Resolve for api::ListTagsForResource {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = tagging::resource(cx, view, &input.resource_type, &input.resource_id)?;
        let permission = target.permission("ssm:ListTagsForResource");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::ListTagsForResource {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let parameter = request.request.parameter().ok_or_else(tagging::invalid_id)?;
        let tag = |(key, value): (&str, &str)| api::Tag { key: key.to_owned(), value: value.to_owned() };
        Ok(api::ListTagsForResourceResult { tag_list: Some(parameter.tags().map(tag).collect()) })
    }
}
