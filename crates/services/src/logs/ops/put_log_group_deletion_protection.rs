//! `PutLogGroupDeletionProtection`: whether a group can be deleted.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A group, and whether it is to be protected.
#[derive(Debug)]
pub struct Request {
    group: Group,
    protected: bool,
}

impl Resolve for api::PutLogGroupDeletionProtection {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::given(cx, view, None, Some(input.log_group_identifier))?;
        let permission = group.permission("logs:PutLogGroupDeletionProtection");
        Ok(Checked::one(Request { group, protected: input.deletion_protection_enabled }, permission))
    }
}

impl WriteHandler for api::PutLogGroupDeletionProtection {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, protected } = request.into_request();
        group.row()?;
        tx.update(&GROUPS, &group.key(), |row| row.deletion_protection = protected)?;
        Ok(api::PutLogGroupDeletionProtectionResponse {})
    }
}
