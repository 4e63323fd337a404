//! `TagResource`: sets tags on a repository.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::rules::tags;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Tags to be set.
#[derive(Debug)]
pub struct Request {
    target: Target,
    tags: Vec<(String, String)>,
}

impl Resolve for api::TagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::of_arn(cx, view, &input.resource_arn)?;
        let tags = tags::pairs(&input.tags)?;
        let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let permission = target.permission(view, "ecr:TagResource")?.with_request_tags(pairs);
        Ok(Checked::one(Request { target, tags }, permission))
    }
}

impl WriteHandler for api::TagResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags: new } = request.into_request();
        let mut row = Repository::clone(target.existing()?);
        tags::set(&mut row.tags, new)?;
        tx.put(&REPOSITORIES, &target.key, row);
        Ok(api::TagResourceResponse {})
    }
}
