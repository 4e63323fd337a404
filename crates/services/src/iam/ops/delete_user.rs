//! `DeleteUser`: deletes a user that has no access keys, groups and policies any more.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::{MEMBERSHIPS, USER_ACCESS_KEYS, USERS, User};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteUser {
    type Request = Checked<Target<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let permission = target.permission("iam:DeleteUser");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteUser {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        target.existing()?;
        if tx.count(&USER_ACCESS_KEYS, target.key()) > 0 {
            let text = "Cannot delete entity, must delete access keys first.";
            return Err(delete_conflict_exception(text).into());
        }
        if tx.count(&MEMBERSHIPS, target.key()) > 0 {
            let text = "Cannot delete entity, must remove users from group first.";
            return Err(delete_conflict_exception(text).into());
        }
        target.check_without_policies(tx)?;
        tx.delete(&USERS, &target.key());
        Ok(api::DeleteUserResponse {})
    }
}
