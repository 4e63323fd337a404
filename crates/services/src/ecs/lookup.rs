//! Names in requests, looked up. What does not exist is carried as absent.

use std::sync::Arc;

use landfall_api::ecs::{SettingName, TaskDefinitionStatus, error};
use landfall_base::Arn;
use landfall_iam::Policy;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::names::{ClusterRef, Home, PartRef, TaskDefinitionRef};
use super::record::{ACCOUNT_SETTINGS, CLUSTERS, Cluster, TASK_DEFINITIONS, TASKS, Task, TaskDefinition};
use super::rules::account_setting::default_value;
use super::tags;
use crate::iam::record::{ROLES, key_name};
use crate::pipe::{Context, Permission};

/// Account and Region of a call.
pub(super) fn home<'a>(cx: &Context<'a>) -> Home<'a> {
    Home { account: cx.account(), region: cx.region() }
}

/// A cluster of a request.
#[derive(Debug, Clone)]
pub struct FoundCluster {
    /// What was asked for.
    pub(super) reference: ClusterRef,
    /// The row, if there is one.
    row: Option<Arc<Cluster>>,
}

impl FoundCluster {
    /// The row, active or not.
    pub(super) fn any(&self) -> Result<&Arc<Cluster>, ServiceError> {
        self.row.as_ref().ok_or_else(|| error::cluster_not_found_exception("Cluster not found."))
    }

    /// The row, if the cluster is active.
    pub(super) fn active(&self) -> Result<&Arc<Cluster>, ServiceError> {
        let row = self.any()?;
        if row.active {
            return Ok(row);
        }
        Err(error::cluster_not_found_exception("The referenced cluster was inactive."))
    }

    /// The row, if any.
    pub(super) fn row(&self) -> Option<&Arc<Cluster>> {
        self.row.as_ref()
    }

    /// A check of an action on the cluster itself.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let permission = Permission::on(action, &self.reference.arn);
        match &self.row {
            Some(row) => with_tags(permission, &row.tags),
            None => permission,
        }
    }
}

/// Adds the tags of a resource under both names that ECS knows for them.
pub(super) fn with_tags(permission: Permission, resource_tags: &super::record::Tags) -> Permission {
    let mut permission = permission.with_resource_tags(tags::pairs(resource_tags));
    for (key, value) in resource_tags {
        permission = permission.with(format!("ecs:ResourceTag/{key}"), value.as_str());
    }
    permission
}

/// Adds a condition key if there are values for it.
pub(super) fn with_any(permission: Permission, key: &str, values: Vec<String>) -> Permission {
    if values.is_empty() { permission } else { permission.with_all(key, values) }
}

/// The cluster of a request.
pub(super) fn cluster(
    cx: &Context<'_>,
    view: &View,
    argument: Option<&str>,
) -> Result<FoundCluster, StoreError> {
    let home = home(cx);
    let reference = home.cluster_named(argument);
    let row = match &reference.name {
        Some(name) => view.get(&CLUSTERS, &(home.account, home.region, name.as_str()))?,
        None => None,
    };
    Ok(FoundCluster { reference, row })
}

/// A task of a request.
#[derive(Debug, Clone)]
pub(super) struct FoundTask {
    /// What was asked for.
    pub(super) reference: PartRef,
    /// The row, if there is one.
    pub(super) row: Option<Arc<Task>>,
}

/// A task in a cluster.
pub(super) fn task(
    cx: &Context<'_>,
    view: &View,
    cluster: &FoundCluster,
    text: &str,
) -> Result<FoundTask, StoreError> {
    let home = home(cx);
    let reference = home.part_named("task", &cluster.reference, text);
    let row = match (&reference.id, &cluster.reference.name) {
        (Some(id), Some(name)) => {
            view.get(&TASKS, &(home.account, home.region, name.as_str(), id.as_str()))?
        }
        _ => None,
    };
    Ok(FoundTask { reference, row })
}

/// Every task of a cluster.
pub(super) fn tasks(view: &View, home: Home<'_>, cluster: &str) -> Result<Vec<Arc<Task>>, StoreError> {
    let rows = view.list(&TASKS, (home.account, home.region, cluster))?;
    Ok(rows.into_iter().map(|(_, task)| task).collect())
}

/// A task definition: that revision, or the latest active one.
pub(super) fn task_definition(
    view: &View,
    home: Home<'_>,
    reference: &TaskDefinitionRef,
) -> Result<Option<Arc<TaskDefinition>>, StoreError> {
    let family = reference.family.as_str();
    if let Some(revision) = reference.revision {
        return view.get(&TASK_DEFINITIONS, &(home.account, home.region, family, revision));
    }
    for row in view.scan(&TASK_DEFINITIONS, (home.account, home.region, family)).rev() {
        let (_, row) = row?;
        if row.definition.status == Some(TaskDefinitionStatus::Active) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// A role of a task.
#[derive(Debug, Clone)]
pub(super) struct FoundRole {
    /// Its ARN, with the path it has if it exists.
    pub(super) arn: Arn,
    /// Who may assume it, if it exists.
    pub(super) trust: Option<Arc<Policy>>,
}

impl FoundRole {
    /// The check that passing the role to ECS for the tasks of a task definition needs (IAM User Guide, "iam:PassRole").
    pub(super) fn pass(&self, definition: &str) -> Permission {
        Permission::on("iam:PassRole", &self.arn)
            .with("iam:PassedToService", "ecs-tasks.amazonaws.com")
            .with("iam:AssociatedResourceArn", definition)
    }
}

/// A role by its completed ARN.
pub(super) fn role(view: &View, home: Home<'_>, arn: Arn) -> Result<FoundRole, StoreError> {
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let own = arn.account() == home.account.as_str();
    let row = if own { view.get(&ROLES, &(home.account, key_name(name).as_str()))? } else { None };
    let Some(row) = row else { return Ok(FoundRole { arn, trust: None }) };
    let stored = row.arn.parse().ok().filter(|stored: &Arn| {
        // A name was completed without the path; a whole ARN must have the right one.
        *stored == arn || arn.resource() == format!("role/{name}")
    });
    Ok(match stored {
        Some(stored) => FoundRole { arn: stored, trust: Some(Arc::clone(&row.trust)) },
        None => FoundRole { arn, trust: None },
    })
}

/// The value of an account setting for the caller: its own, else the account's, else the default.
pub(super) fn setting(cx: &Context<'_>, view: &View, name: &str) -> Result<Option<Arc<String>>, StoreError> {
    let (account, region) = (cx.account(), cx.region());
    let principal = cx.caller.principal.principal_arn().map(Arn::as_str).unwrap_or_default();
    match view.get(&ACCOUNT_SETTINGS, &(account, region, principal, name))? {
        Some(value) => Ok(Some(value)),
        None => view.get(&ACCOUNT_SETTINGS, &(account, region, "", name)),
    }
}

/// What holds for log drivers whose definition has no `mode`.
pub(super) fn drops_log_lines(cx: &Context<'_>, view: &View) -> Result<bool, StoreError> {
    let own = setting(cx, view, SettingName::DefaultLogDriverMode.as_str())?;
    let mode = own.as_deref().map(String::as_str);
    Ok(mode.or(default_value(&SettingName::DefaultLogDriverMode)) == Some("non-blocking"))
}

/// The second check for tags in a request that makes something (Developer Guide, "tagging authorization").
pub(super) fn tag_on_create(
    cx: &Context<'_>,
    view: &View,
    created_by: &'static str,
    resource: &Arn,
    new_tags: &super::record::Tags,
) -> Result<Option<Permission>, StoreError> {
    let off = setting(cx, view, "tagResourceAuthorization")?.is_some_and(|value| *value == "off");
    if new_tags.is_empty() || off {
        return Ok(None);
    }
    let permission = Permission::on("ecs:TagResource", resource)
        .with("ecs:CreateAction", created_by)
        .with_request_tags(tags::pairs(new_tags));
    Ok(Some(permission))
}
