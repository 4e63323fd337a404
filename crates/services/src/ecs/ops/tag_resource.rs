use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use crate::ecs::lookup::home;
use crate::ecs::record::Tags;
use crate::ecs::tagged::{self, FoundTagged};
use crate::ecs::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    resource: FoundTagged,
    tags: Tags,
}

/// Sets tags of a cluster, a task or a task definition.
impl Resolve for api::TagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resource = tagged::find(cx, view, &input.resource_arn)?;
        let tags = tags::from_request(Some(input.tags))?;
        let permission = resource.permission("ecs:TagResource").with_request_tags(tags::pairs(&tags));
        Ok(Checked::one(Request { resource, tags }, permission))
    }
}

impl WriteHandler for api::TagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { resource, tags: new } = request.into_request();
        let found = resource.any()?;
        found.check_active()?;
        found.store(tx, home(cx), tags::merge(found.tags(), new)?);
        Ok(api::TagResourceResponse {})
    }
}
