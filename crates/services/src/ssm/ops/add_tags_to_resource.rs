//! `AddTagsToResource`: sets tags on a parameter.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::{PARAMETERS, Parameter};
use crate::ssm::target::Target;
use crate::ssm::{rules, tagging};

/// Tags to be set.
#[derive(Debug)]
pub struct Request {
    target: Target,
    tags: Vec<(String, String)>,
}

impl Resolve for api::AddTagsToResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = tagging::resource(cx, view, &input.resource_type, &input.resource_id)?;
        let tags = rules::tags(input.tags)?;
        let permission = target
            .permission("ssm:AddTagsToResource")
            .with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Ok(Checked::one(Request { target, tags }, permission))
    }
}

impl WriteHandler for api::AddTagsToResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags } = request.into_request();
        let parameter = target.parameter().ok_or_else(tagging::invalid_id)?;
        let mut parameter = Parameter::clone(Arc::as_ref(parameter));
        rules::set_tags(&mut parameter.tags, tags)?;
        tx.put(&PARAMETERS, &target.name.key, parameter);
        Ok(api::AddTagsToResourceResult {})
    }
}
