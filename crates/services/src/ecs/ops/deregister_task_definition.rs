use std::sync::Arc;

use landfall_api::ecs::{self as api, TaskDefinitionStatus, error};
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, home};
use crate::ecs::record::{TASK_DEFINITIONS, TaskDefinition};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    key: Option<(String, u32)>,
    found: Option<Arc<TaskDefinition>>,
}

/// Makes a revision inactive: no new task can be run from it.
impl Resolve for api::DeregisterTaskDefinition {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let home = home(cx);
        let reference = home.task_definition_named(&input.task_definition);
        let exact = reference.filter(|reference| reference.revision.is_some());
        let found = exact.as_ref().map(|it| lookup::task_definition(view, home, it)).transpose()?.flatten();
        let key = exact.and_then(|it| Some((it.family, it.revision?)));
        let permission = Permission::on_anything("ecs:DeregisterTaskDefinition");
        Ok(Checked::one(Request { key, found }, permission))
    }
}

impl WriteHandler for api::DeregisterTaskDefinition {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { key, found } = request.into_request();
        let (family, revision) = key.ok_or_else(|| error::client_exception("Revision is missing."))?;
        let row = found.ok_or_else(|| {
            error::client_exception(
                "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
            )
        })?;
        if row.definition.status == Some(TaskDefinitionStatus::DeleteInProgress) {
            let text = "The specified task definition is in the process of being deleted.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let mut row = TaskDefinition::clone(&row);
        row.definition.0.status = Some(TaskDefinitionStatus::Inactive);
        row.definition.0.deregistered_at.get_or_insert(cx.now);
        let home = home(cx);
        tx.put(&TASK_DEFINITIONS, &(home.account, home.region, family.as_str(), revision), &row);
        Ok(api::DeregisterTaskDefinitionResponse { task_definition: Some(row.definition.0) })
    }
}
