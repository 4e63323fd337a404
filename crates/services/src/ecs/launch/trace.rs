//! The start trace of a task: its rows.

use std::sync::Arc;

use landfall_acs::StepRecord;
use landfall_store::{StoreError, Tx, View};

use crate::ecs::record::TRACE_STEPS;

/// Adds steps behind those that are there.
///
/// # Errors
/// A row cannot be read.
pub fn append(
    tx: &mut Tx,
    task_arn: &str,
    steps: impl IntoIterator<Item = StepRecord>,
) -> Result<(), StoreError> {
    let last = tx.scan(&TRACE_STEPS, (task_arn,)).next_back().transpose()?;
    let first = last.map_or(0, |((_, number), _)| number.saturating_add(1));
    for (number, step) in (first..).zip(steps) {
        tx.put(&TRACE_STEPS, &(task_arn, number), step);
    }
    Ok(())
}

/// The steps of a task in order.
///
/// # Errors
/// A row cannot be read.
pub fn read(view: &View, task_arn: &str) -> Result<Vec<Arc<StepRecord>>, StoreError> {
    view.scan(&TRACE_STEPS, (task_arn,)).map(|row| row.map(|(_, step)| step)).collect()
}

/// Removes the trace of a task.
///
/// # Errors
/// A row cannot be read.
pub fn remove(tx: &mut Tx, task_arn: &str) -> Result<(), StoreError> {
    let keys: Vec<_> = tx.list(&TRACE_STEPS, (task_arn,))?.into_iter().map(|(key, _)| key).collect();
    for (task_arn, number) in keys {
        tx.delete(&TRACE_STEPS, &(task_arn.as_str(), number));
    }
    Ok(())
}
