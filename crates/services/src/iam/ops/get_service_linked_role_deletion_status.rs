//! `GetServiceLinkedRoleDeletionStatus`: how the deletion of a service's role went.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_store::View;

use crate::iam::record::{ROLE_DELETIONS, RoleDeletion};
use crate::iam::service_linked::role_of_task;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

const ACTION: &str = "iam:GetServiceLinkedRoleDeletionStatus";

impl Resolve for api::GetServiceLinkedRoleDeletionStatus {
    type Request = Checked<(String, Option<Arc<RoleDeletion>>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let task = input.deletion_task_id;
        let role = role_of_task(cx.account(), &task);
        let permission =
            role.map_or_else(|| Permission::on_anything(ACTION), |arn| Permission::on(ACTION, &arn));
        let deletion = view.get(&ROLE_DELETIONS, &(cx.account(), task.as_str()))?;
        Ok(Checked::one((task, deletion), permission))
    }
}

impl ReadHandler for api::GetServiceLinkedRoleDeletionStatus {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let (task, deletion) = request.into_request();
        let missing = || no_such_entity_exception(format!("Deletion task {task} cannot be found."));
        deletion.ok_or_else(missing)?;
        Ok(api::GetServiceLinkedRoleDeletionStatusResponse {
            status: api::DeletionTaskStatusType::Succeeded,
            reason: None,
        })
    }
}
