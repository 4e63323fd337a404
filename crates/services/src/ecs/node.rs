//! What the agent side asks of ECS: which tasks there are, and what becomes of them.

use std::sync::Arc;

use landfall_acs::TaskReport;
use landfall_base::{Arn, Timestamp};
use landfall_store::{StoreError, Tx, View};

use super::names::Home;
use super::record::{
    CLIENT_TOKENS, CREDENTIALS_IDS, DELIVERED_EVENTS, DELIVERED_LINES, SECRET_LOG_OPTIONS, TASK_DEFINITIONS,
    TASKS, TRACE_STEPS, Task, TaskDefinition,
};
use super::rules::{expiry, lifecycle};

/// The definition that a task was started from.
///
/// # Errors
/// The row cannot be read.
pub fn definition_of(view: &View, task: &Task) -> Result<Option<Arc<TaskDefinition>>, StoreError> {
    view.get(&TASK_DEFINITIONS, &(&task.account, &task.region, task.family.as_str(), task.revision))
}

/// A task by its ARN.
///
/// # Errors
/// The row cannot be read.
pub fn task_by_arn(view: &View, arn: &str) -> Result<Option<Arc<Task>>, StoreError> {
    let Some((arn, cluster, id)) = parts(arn) else { return Ok(None) };
    let (Some(account), Ok(region)) = (arn.account_id(), arn.region().parse()) else { return Ok(None) };
    let home = Home { account: &account, region: &region };
    view.get(&TASKS, &(home.account, home.region, cluster.as_str(), id.as_str()))
}

fn parts(arn: &str) -> Option<(Arn, String, String)> {
    let arn: Arn = arn.parse().ok()?;
    let (cluster, id) = arn.resource().strip_prefix("task/")?.split_once('/')?;
    let (cluster, id) = (cluster.to_owned(), id.to_owned());
    Some((arn, cluster, id))
}

/// Stores a task.
pub fn put_task(tx: &mut Tx, task: &Task) {
    tx.put(&TASKS, &(&task.account, &task.region, task.cluster.as_str(), task.id.as_str()), task);
}

/// Takes an agent's report. Says whether anything changed; a report about a task that is gone changes nothing.
///
/// # Errors
/// The row cannot be read.
pub fn report(tx: &mut Tx, report: &TaskReport, now: Timestamp) -> Result<bool, StoreError> {
    let Some(task) = task_by_arn(tx, &report.task_arn)? else { return Ok(false) };
    let mut task = Task::clone(&task);
    let changed = lifecycle::apply(report, &mut task, now);
    if changed {
        put_task(tx, &task);
    }
    Ok(changed)
}

/// Removes what need not be readable any longer: stopped tasks with their traces, used client tokens, and task
/// definitions that are to be deleted once no task refers to them. For a reconciler that is woken by a timer.
///
/// # Errors
/// A row cannot be read.
pub fn expire(tx: &mut Tx, now: Timestamp) -> Result<usize, StoreError> {
    let mut removed = 0;
    for ((account, region, cluster, id), task) in tx.list(&TASKS, ())? {
        if expiry::task_expired(&task, now) {
            tx.delete(&TASKS, &(&account, &region, cluster.as_str(), id.as_str()));
            remove_traces(tx, &task.arn)?;
            removed += 1;
        }
    }
    for ((account, region, cluster, token), row) in tx.list(&CLIENT_TOKENS, ())? {
        if expiry::token_expired(&row, now) {
            tx.delete(&CLIENT_TOKENS, &(&account, &region, cluster.as_str(), token.as_str()));
            removed += 1;
        }
    }
    Ok(removed + remove_definitions(tx)?)
}

fn remove_traces(tx: &mut Tx, arn: &str) -> Result<(), StoreError> {
    tx.delete(&CREDENTIALS_IDS, arn);
    for ((_, step), _) in tx.list(&TRACE_STEPS, (arn,))? {
        tx.delete(&TRACE_STEPS, &(arn, step));
    }
    for ((_, container), _) in tx.list(&DELIVERED_LINES, (arn,))? {
        tx.delete(&DELIVERED_LINES, &(arn, container.as_str()));
    }
    for ((_, container), _) in tx.list(&DELIVERED_EVENTS, (arn,))? {
        tx.delete(&DELIVERED_EVENTS, &(arn, container.as_str()));
    }
    for ((_, container), _) in tx.list(&SECRET_LOG_OPTIONS, (arn,))? {
        tx.delete(&SECRET_LOG_OPTIONS, &(arn, container.as_str()));
    }
    Ok(())
}

fn remove_definitions(tx: &mut Tx) -> Result<usize, StoreError> {
    let doomed = |row: &TaskDefinition| {
        row.definition.status == Some(landfall_api::ecs::TaskDefinitionStatus::DeleteInProgress)
    };
    let rows = tx.list(&TASK_DEFINITIONS, ())?;
    let rows: Vec<_> = rows.into_iter().filter(|(_, row)| doomed(row)).map(|(key, _)| key).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let tasks = tx.list(&TASKS, ())?;
    let mut removed = 0;
    for key in rows {
        let used = tasks.iter().any(|((account, region, ..), task)| {
            *account == key.0 && *region == key.1 && task.family == key.2 && task.revision == key.3
        });
        if !used {
            tx.delete(&TASK_DEFINITIONS, &key);
            removed += 1;
        }
    }
    Ok(removed)
}
