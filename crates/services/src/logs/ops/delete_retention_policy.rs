//! `DeleteRetentionPolicy`: a group's events are kept for ever.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteRetentionPolicy {
    type Request = Checked<Group>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission = group.permission("logs:DeleteRetentionPolicy");
        Ok(Checked::one(group, permission))
    }
}

impl WriteHandler for api::DeleteRetentionPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let group = request.into_request();
        group.row()?;
        tx.update(&GROUPS, &group.key(), |row| row.retention_days = None)?;
        Ok(api::DeleteRetentionPolicyResponse {})
    }
}
