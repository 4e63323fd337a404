use std::sync::Arc;

use landfall_api::ecs::{self as api, TaskDefinitionStatus, error};
use landfall_base::Arn;
use landfall_store::{Tx, View};

use super::describe_clusters::missing;
use crate::ecs::lookup::{self, home, with_tags};
use crate::ecs::record::{TASK_DEFINITIONS, TaskDefinition};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Found {
    arn: Arn,
    key: Option<(String, u32)>,
    row: Option<Arc<TaskDefinition>>,
}

/// Deletes inactive revisions. They go when no task refers to them any more.
impl Resolve for api::DeleteTaskDefinitions {
    type Request = Checked<Vec<Found>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let names = &input.task_definitions;
        if names.is_empty() || names.len() > 10 {
            let text = "You must specify between 1 and 10 task definitions.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let found = names.iter().map(|name| find(cx, view, name)).collect::<Result<Vec<_>, _>>()?;
        let permissions = found.iter().map(permission).collect();
        Ok(Checked::all(found, permissions))
    }
}

fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Found, Failure> {
    let home = home(cx);
    let reference = home.task_definition_named(name);
    let key = reference.as_ref().and_then(|it| Some((it.family.clone(), it.revision?)));
    let row = match (&reference, &key) {
        (Some(reference), Some(_)) => lookup::task_definition(view, home, reference)?,
        _ => None,
    };
    let arn = match &key {
        Some((family, revision)) => home.task_definition(family, revision),
        None => name.parse().unwrap_or_else(|_| home.task_definition(name, "*")),
    };
    Ok(Found { arn, key, row })
}

fn permission(found: &Found) -> Permission {
    let permission = Permission::on("ecs:DeleteTaskDefinitions", &found.arn);
    match &found.row {
        Some(row) => with_tags(permission, &row.tags),
        None => permission,
    }
}

impl WriteHandler for api::DeleteTaskDefinitions {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (home, mut deleted, mut failures) = (home(cx), Vec::new(), Vec::new());
        for found in request.into_request() {
            let (Some((family, revision)), Some(row)) = (found.key, found.row) else {
                failures.push(missing(found.arn.as_str()));
                continue;
            };
            if row.definition.status == Some(TaskDefinitionStatus::Active) {
                failures.push(still_active(&found.arn));
                continue;
            }
            let mut row = TaskDefinition::clone(&row);
            row.definition.0.status = Some(TaskDefinitionStatus::DeleteInProgress);
            row.definition.0.delete_requested_at.get_or_insert(cx.now);
            tx.put(&TASK_DEFINITIONS, &(home.account, home.region, family.as_str(), revision), &row);
            deleted.push(row.definition.0);
        }
        Ok(api::DeleteTaskDefinitionsResponse { task_definitions: Some(deleted), failures: Some(failures) })
    }
}

fn still_active(arn: &Arn) -> api::Failure {
    api::Failure {
        arn: Some(arn.to_string()),
        reason: Some(
            "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
                .to_owned(),
        ),
        detail: None,
    }
}
