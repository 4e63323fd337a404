//! `TagLogGroup`: sets tags of a group by its name; the older form of `TagResource`.

use landfall_api::logs as api;
use landfall_shape::Entries;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::logs::rules::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A group and its new tags.
#[derive(Debug)]
pub struct Request {
    group: Group,
    tags: Entries<String>,
}

impl Resolve for api::TagLogGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission = group
            .permission("logs:TagLogGroup")
            .with_request_tags(input.tags.iter().map(|(key, value)| (key, value.as_str())));
        Ok(Checked::one(Request { group, tags: input.tags }, permission))
    }
}

impl WriteHandler for api::TagLogGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, tags } = request.into_request();
        let row = group.row()?;
        let new = tags::set(row.tags.clone(), tags.0)?;
        tx.update(&GROUPS, &group.key(), |row| row.tags = new)?;
        Ok(api::TagLogGroupResponse {})
    }
}
