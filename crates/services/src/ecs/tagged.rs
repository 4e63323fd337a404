//! Things that have tags, found by their ARNs.

use std::sync::Arc;

use landfall_api::ecs::{TaskDefinitionStatus, error};
use landfall_base::Arn;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View};

use super::lookup::{self, home, with_tags};
use super::names::Home;
use super::node::put_task;
use super::record::{CLUSTERS, Cluster, TASK_DEFINITIONS, Tags, Task, TaskDefinition};
use crate::pipe::{Context, Failure, Permission};

/// What an ARN points to.
#[derive(Debug)]
pub(super) enum Tagged {
    /// A cluster.
    Cluster(Arc<Cluster>),
    /// A revision of a task definition.
    TaskDefinition(Arc<TaskDefinition>, String, u32),
    /// A task.
    Task(Arc<Task>),
}

impl Tagged {
    /// The tags it has.
    pub(super) fn tags(&self) -> &Tags {
        match self {
            Self::Cluster(row) => &row.tags,
            Self::TaskDefinition(row, ..) => &row.tags,
            Self::Task(row) => &row.tags,
        }
    }

    /// Refuses what can no longer be changed.
    pub(super) fn check_active(&self) -> Result<(), ServiceError> {
        match self {
            Self::Cluster(row) if !row.active => {
                Err(error::cluster_not_found_exception("The referenced cluster was inactive."))
            }
            Self::TaskDefinition(row, ..) if row.definition.status != Some(TaskDefinitionStatus::Active) => {
                Err(error::invalid_parameter_exception(
                    "The specified task definition is inactive. Specify an active task definition and try again.",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Stores it with other tags.
    pub(super) fn store(&self, tx: &mut Tx, home: Home<'_>, tags: Tags) {
        match self {
            Self::Cluster(row) => {
                let row = Cluster { tags, ..Cluster::clone(row) };
                tx.put(&CLUSTERS, &(home.account, home.region, row.name.as_str()), &row);
            }
            Self::TaskDefinition(row, family, revision) => {
                let row = TaskDefinition { tags, ..TaskDefinition::clone(row) };
                tx.put(&TASK_DEFINITIONS, &(home.account, home.region, family.as_str(), *revision), &row);
            }
            Self::Task(row) => put_task(tx, &Task { tags, ..Task::clone(row) }),
        }
    }
}

/// An ARN of a request and what it points to.
#[derive(Debug)]
pub struct FoundTagged {
    pub(super) arn: Arn,
    pub(super) found: Option<Tagged>,
}

impl FoundTagged {
    /// What was found.
    pub(super) fn any(&self) -> Result<&Tagged, ServiceError> {
        self.found.as_ref().ok_or_else(|| {
            error::invalid_parameter_exception(
                "The specified resource could not be found. Specify a valid ARN and try again.",
            )
        })
    }

    /// The check of an action on it.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let permission = Permission::on(action, &self.arn);
        match &self.found {
            Some(found) => with_tags(permission, found.tags()),
            None => permission,
        }
    }
}

/// Finds what an ARN points to.
pub(super) fn find(cx: &Context<'_>, view: &View, text: &str) -> Result<FoundTagged, Failure> {
    let arn: Arn = text.parse().ok().filter(|arn: &Arn| arn.service() == "ecs").ok_or_else(|| {
        error::invalid_parameter_exception("Unable to parse resourceArn. Specify a valid ARN and try again.")
    })?;
    let found = if home(cx).owns(&arn) { look_up(cx, view, &arn)? } else { None };
    Ok(FoundTagged { arn, found })
}

fn look_up(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Tagged>, StoreError> {
    let home = home(cx);
    match arn.resource().split_once('/') {
        Some(("cluster", name)) => {
            let row = view.get(&CLUSTERS, &(home.account, home.region, name))?;
            Ok(row.map(Tagged::Cluster))
        }
        Some(("task", _)) => Ok(super::node::task_by_arn(view, arn.as_str())?.map(Tagged::Task)),
        Some(("task-definition", _)) => task_definition(view, home, arn),
        _ => Ok(None),
    }
}

fn task_definition(view: &View, home: Home<'_>, arn: &Arn) -> Result<Option<Tagged>, StoreError> {
    let Some(reference) = home.task_definition_named(arn.as_str()) else { return Ok(None) };
    let Some(revision) = reference.revision else { return Ok(None) };
    let row = lookup::task_definition(view, home, &reference)?;
    Ok(row.map(|row| Tagged::TaskDefinition(row, reference.family, revision)))
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let found = find(cx, view, arn.as_str())?;
    let permission = found.permission("ecs:ListTagsForResource");
    let parts: Vec<_> = found.arn.resource().split('/').collect();
    Ok(Some(match parts.as_slice() {
        ["task" | "service" | "container-instance", cluster, _] => {
            permission.with("ecs:cluster", home(cx).cluster(cluster).as_str())
        }
        _ => permission,
    }))
}
