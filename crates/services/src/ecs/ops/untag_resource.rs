use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, home};
use crate::ecs::record::Tags;
use crate::ecs::tagged::{self, FoundTagged};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    resource: FoundTagged,
    keys: Vec<String>,
}

/// Removes tags of a cluster, a task or a task definition.
impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resource = tagged::find(cx, view, &input.resource_arn)?;
        let permission =
            lookup::with_any(resource.permission("ecs:UntagResource"), "aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one(Request { resource, keys: input.tag_keys }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { resource, keys } = request.into_request();
        let found = resource.any()?;
        found.check_active()?;
        let left: Tags = found.tags().iter().filter(|(key, _)| !keys.contains(key)).cloned().collect();
        found.store(tx, home(cx), left);
        Ok(api::UntagResourceResponse {})
    }
}
