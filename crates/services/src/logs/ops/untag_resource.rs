//! `UntagResource`: removes tags of a group by its ARN.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::logs::rules::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A group and its tags to remove.
#[derive(Debug)]
pub struct Request {
    group: Group,
    keys: Vec<String>,
}

impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::of_resource(cx, view, &input.resource_arn)?;
        let permission = group
            .tagging_permission("logs:UntagResource")
            .with_all("aws:TagKeys", input.tag_keys.iter().cloned());
        Ok(Checked::one(Request { group, keys: input.tag_keys }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, keys } = request.into_request();
        let row = group.row()?;
        let new = tags::unset(&row.tags, &keys);
        tx.update(&GROUPS, &group.key(), |row| row.tags = new)?;
        Ok(api::UntagResourceResponse {})
    }
}
