//! `DeleteLogGroup`: a group with its streams and their events.

use landfall_api::logs::{self as api, error};
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::{DISCARDED, Discarded, GROUPS, RESOURCE_POLICIES, STREAMS};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteLogGroup {
    type Request = Checked<Group>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let permission = group.permission("logs:DeleteLogGroup");
        Ok(Checked::one(group, permission))
    }
}

impl WriteHandler for api::DeleteLogGroup {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let group = request.into_request();
        if group.row()?.deletion_protection {
            let text = "The specified log group cannot be deleted because deletion protection is enabled.";
            return Err(error::validation_exception(text).into());
        }
        for (key, stream) in tx.list(&STREAMS, group.key())? {
            tx.delete(&STREAMS, &key);
            tx.put(&DISCARDED, &stream.number, Discarded { at: cx.now });
        }
        let arn = group.name.arn();
        tx.delete(&RESOURCE_POLICIES, &(cx.account(), cx.region(), arn.as_str(), ""));
        tx.delete(&GROUPS, &group.key());
        Ok(api::DeleteLogGroupResponse {})
    }
}
