//! `DeleteRole`: deletes a role that has no policies and instance profiles any more.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::instance_profiles;
use crate::iam::record::{ROLES, Role};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteRole {
    type Request = Checked<Target<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:DeleteRole");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteRole {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        target.changeable()?;
        if !instance_profiles::of_role(tx, cx.account(), &target.name)?.is_empty() {
            let text = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(delete_conflict_exception(text).into());
        }
        target.check_without_policies(tx)?;
        tx.delete(&ROLES, &target.key());
        Ok(api::DeleteRoleResponse {})
    }
}
