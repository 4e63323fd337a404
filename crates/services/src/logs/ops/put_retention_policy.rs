//! `PutRetentionPolicy`: how long a group's events are kept.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::logs::rules::retention;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A group and its new period.
#[derive(Debug)]
pub struct Request {
    group: Group,
    days: i32,
}

impl Resolve for api::PutRetentionPolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        retention::check(input.retention_in_days)?;
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission = group.permission("logs:PutRetentionPolicy");
        Ok(Checked::one(Request { group, days: input.retention_in_days }, permission))
    }
}

impl WriteHandler for api::PutRetentionPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, days } = request.into_request();
        group.row()?;
        tx.update(&GROUPS, &group.key(), |row| {
            row.retention_days = Some(days);
            // The reconciler need not wait for its next turn.
            row.checked_at = None;
        })?;
        Ok(api::PutRetentionPolicyResponse {})
    }
}
