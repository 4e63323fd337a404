//! `DeleteServiceLinkedRole`: deletes the role of a service. AWS does so later; here it is done when the call is answered.

use landfall_api::iam as api;
use landfall_api::iam::error::invalid_input_exception;
use landfall_base::random;
use landfall_store::{Tx, View};

use crate::iam::entity::{SERVICE_LINKED_PATH, Target};
use crate::iam::record::{ROLE_DELETIONS, ROLES, Role, RoleDeletion};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteServiceLinkedRole {
    type Request = Checked<Target<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:DeleteServiceLinkedRole");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteServiceLinkedRole {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let role = target.existing()?;
        if !role.path.starts_with(SERVICE_LINKED_PATH) {
            let text = format!("Role {} is not a service-linked role.", role.name);
            return Err(invalid_input_exception(text).into());
        }
        let task = format!("task{}{}/{}", role.path, role.name, random::uuid());
        let deletion = RoleDeletion { role_arn: role.arn.clone() };
        tx.put(&ROLE_DELETIONS, &(cx.account(), task.as_str()), deletion);
        tx.delete(&ROLES, &target.key());
        Ok(api::DeleteServiceLinkedRoleResponse { deletion_task_id: task })
    }
}
