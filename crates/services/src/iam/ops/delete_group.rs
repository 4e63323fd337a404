//! `DeleteGroup`: deletes a group that has no members and policies any more.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::groups::members;
use crate::iam::record::{GROUPS, Group};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteGroup {
    type Request = Checked<Target<Group>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.group_name)?;
        let permission = target.permission("iam:DeleteGroup");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        target.existing()?;
        if !members(tx, &target)?.is_empty() {
            let text = "Cannot delete entity, must remove users from group first.";
            return Err(delete_conflict_exception(text).into());
        }
        target.check_without_policies(tx)?;
        tx.delete(&GROUPS, &target.key());
        Ok(api::DeleteGroupResponse {})
    }
}
