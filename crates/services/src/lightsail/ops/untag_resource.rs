//! `UntagResource`

use landfall_api::lightsail as api;
use landfall_store::{Tx, View};

use crate::lightsail::operations;
use crate::lightsail::target::Tagged;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A resource and its tags.
#[derive(Debug)]
pub struct Request {
    found: Tagged,
    input: api::UntagResourceRequest,
}

impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let found = Tagged::find(cx, view, &input.resource_name)?;
        let permission =
            found.permission("lightsail:UntagResource").with_all("aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one(Request { found, input }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { found, input } = request.into_request();
        found.existing()?;
        let mut tags = found.tags();
        tags.retain(|(key, _)| !input.tag_keys.contains(key));
        found.put_tags(tx, tags)?;
        let resource = (input.resource_name.as_str(), found.kind());
        let operation = operations::note(cx, tx, "UntagResource", resource)?;
        Ok(api::UntagResourceResult { operations: Some(vec![operation]) })
    }
}
