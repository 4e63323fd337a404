//! `RemoveTagsFromResource`: takes tags off a parameter.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::{PARAMETERS, Parameter};
use crate::ssm::tagging;
use crate::ssm::target::Target;

/// Tags to be removed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    keys: Vec<String>,
}

impl Resolve for api::RemoveTagsFromResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = tagging::resource(cx, view, &input.resource_type, &input.resource_id)?;
        let permission = target
            .permission("ssm:RemoveTagsFromResource")
            .with_all("aws:TagKeys", input.tag_keys.iter().cloned());
        Ok(Checked::one(Request { target, keys: input.tag_keys }, permission))
    }
}

impl WriteHandler for api::RemoveTagsFromResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, keys } = request.into_request();
        let parameter = target.parameter().ok_or_else(tagging::invalid_id)?;
        let mut parameter = Parameter::clone(Arc::as_ref(parameter));
        parameter.tags.retain(|(key, _)| !keys.contains(key));
        tx.put(&PARAMETERS, &target.name.key, parameter);
        Ok(api::RemoveTagsFromResourceResult {})
    }
}
