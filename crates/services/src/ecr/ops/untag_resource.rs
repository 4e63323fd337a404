//! `UntagResource`: takes tags off a repository.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Tags to be taken off.
#[derive(Debug)]
pub struct Request {
    target: Target,
    keys: Vec<String>,
}

impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::of_arn(cx, view, &input.resource_arn)?;
        let keys = input.tag_keys;
        let permission =
            target.permission(view, "ecr:UntagResource")?.with_all("aws:TagKeys", keys.iter().cloned());
        Ok(Checked::one(Request { target, keys }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, keys } = request.into_request();
        let mut row = Repository::clone(target.existing()?);
        row.tags.retain(|(key, _)| !keys.contains(key));
        tx.put(&REPOSITORIES, &target.key, row);
        Ok(api::UntagResourceResponse {})
    }
}
