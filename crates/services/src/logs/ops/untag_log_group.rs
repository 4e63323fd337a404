//! `UntagLogGroup`: removes tags of a group by its name; the older form of `UntagResource`.

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

impl Resolve for api::UntagLogGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission =
            group.permission("logs:UntagLogGroup").with_all("aws:TagKeys", input.tags.iter().cloned());
        Ok(Checked::one(Request { group, keys: input.tags }, permission))
    }
}

impl WriteHandler for api::UntagLogGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, keys } = request.into_request();
        let row = group.row()?;
        let new = tags::unset(&row.tags, &keys);
        tx.update(&GROUPS, &group.key(), |row| row.tags = new)?;
        Ok(api::UntagLogGroupResponse {})
    }
}
