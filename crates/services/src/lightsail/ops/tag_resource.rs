//! `TagResource`

use landfall_api::lightsail as api;
use landfall_store::{Tx, View};

use crate::lightsail::target::Tagged;
use crate::lightsail::{operations, tags};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A resource and its tags.
#[derive(Debug)]
pub struct Request {
    found: Tagged,
    input: api::TagResourceRequest,
}

impl Resolve for api::TagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let found = Tagged::find(cx, view, &input.resource_name)?;
        let tags = tags::merge(&[], input.tags.clone())?;
        let permission = found.permission("lightsail:TagResource").with_request_tags(tags::pairs(&tags));
        Ok(Checked::one(Request { found, input }, permission))
    }
}

impl WriteHandler for api::TagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { found, input } = request.into_request();
        found.existing()?;
        let tags = tags::merge(&found.tags(), input.tags)?;
        found.put_tags(tx, tags)?;
        let resource = (input.resource_name.as_str(), found.kind());
        let operation = operations::note(cx, tx, "TagResource", resource)?;
        Ok(api::TagResourceResult { operations: Some(vec![operation]) })
    }
}
