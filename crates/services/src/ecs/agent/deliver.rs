//! Log lines into CloudWatch Logs, each once.
//!
//! Two rows say how far delivery is: how many lines, and how many events they became. They are written after the events
//! are, so that a crash in between leaves events without a row. The stream itself tells how many there are; what it has
//! more than the row says is left out of the next delivery.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use landfall_acs::LogEvent;
use landfall_api::logs::{self, InputLogEvent, PutLogEventsRequest, RejectedLogEventsInfo};
use landfall_base::Region;
use landfall_store::{StoreError, View, WriteError};

use super::{Inner, find, log_options};
use crate::ec2::{Service, Way, way};
use crate::ecs::launch::{LogDestination, LogSource, TaskFacts};
use crate::ecs::record::{DELIVERED_EVENTS, DELIVERED_LINES, Task, TaskDefinition};
use crate::logs::lines;
use crate::pipe::{Caller, Failure, Unsaid};

/// Containers whose rows are known to agree with their streams.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Mutex<HashSet<(String, String)>>);

impl Deliveries {
    fn is_settled(&self, key: &(String, String)) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn settle(&self, key: (String, String), settled: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if settled {
            all.insert(key);
        } else {
            all.remove(&key);
        }
    }
}

/// How far delivery is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    lines: u64,
    events: u64,
}

impl Inner {
    pub(super) fn deliver(
        &self,
        task_arn: &str,
        container: &str,
        first_line: u64,
        lines: &[LogEvent],
    ) -> Result<(), String> {
        let view = self.call.installation().store.view();
        let found = find(&view, task_arn).map_err(|error| error.to_string())?;
        let destination = match &found {
            Some((task, definition)) => {
                self.destination(&view, task, definition, container).map_err(|error| error.to_string())?
            }
            None => None,
        };
        let (Some((task, _)), Some((destination, unsaid))) = (found, destination) else {
            // Nothing that a later try could change.
            tracing::warn!(task = task_arn, container, "log lines of a task that keeps none were dropped");
            return Ok(());
        };
        let key = (task_arn.to_owned(), container.to_owned());
        let progress = progress(&view, task_arn, container).map_err(|error| error.to_string())?;
        let Some(fresh) = fresh_lines(progress.lines, first_line, lines) else { return Ok(()) };

        let region = destination.region.parse::<Region>().map_err(|error| error.to_string())?;
        let caller = self.session(&task)?.in_region(&region).without_saying(unsaid);
        let caller = caller.through(log_way(&view, &task, &region).map_err(|error| error.to_string())?);
        let events = lines::events(fresh);
        let stored = if self.deliveries.is_settled(&key) {
            0
        } else {
            self.surplus(&caller, &destination, progress.events)?
        };
        let skipped = stored.min(events.len());
        // Until the rows are written again, the stream is ahead of them.
        self.deliveries.settle(key.clone(), false);
        let accepted = self.put(&caller, &destination, events.into_iter().skip(skipped).collect())?;
        let now = Progress {
            lines: first_line.saturating_add(count(lines.len())),
            events: progress.events.saturating_add(count(skipped)).saturating_add(accepted),
        };
        self.keep(&key, now).map_err(|error| error.to_string())?;
        self.deliveries.settle(key, stored == skipped);
        Ok(())
    }

    fn destination(
        &self,
        view: &View,
        task: &Task,
        definition: &TaskDefinition,
        name: &str,
    ) -> Result<Option<(LogDestination, Unsaid)>, Failure> {
        let Some(container) = log_options::container(definition, name) else { return Ok(None) };
        let whole = log_options::configuration(self.call.installation(), view, &task.arn, container)?;
        let source = whole.and_then(|whole| LogSource::of(&TaskFacts::from(task), name, whole));
        Ok(source.map(|source| (source.destination(&[]), source.unsaid())))
    }

    /// How many events the stream has beyond those that the rows tell of.
    fn surplus(&self, caller: &Caller, to: &LogDestination, known: u64) -> Result<usize, String> {
        let installation = self.call.installation();
        let stored = crate::logs::stream_event_count(
            installation,
            &caller.account,
            &caller.region,
            &to.group,
            &to.stream,
        )
        .map_err(|error| error.to_string())?;
        Ok(usize::try_from(stored.saturating_sub(known)).unwrap_or(usize::MAX))
    }

    /// Puts events and says how many the stream took.
    fn put(&self, caller: &Caller, to: &LogDestination, events: Vec<InputLogEvent>) -> Result<u64, String> {
        let mut accepted = 0;
        for log_events in lines::batches(events) {
            let size = log_events.len();
            let request = PutLogEventsRequest {
                log_group_name: to.group.clone(),
                log_stream_name: to.stream.clone(),
                log_events,
                ..Default::default()
            };
            let answer = self.call.call::<logs::PutLogEvents>(caller, request).result;
            let answer = answer.map_err(|error| error.to_string())?;
            let rejected = answer.rejected_log_events_info.as_ref().map_or(0, |info| rejected(info, size));
            accepted += count(size - rejected);
        }
        Ok(accepted)
    }

    fn keep(&self, (task_arn, container): &(String, String), progress: Progress) -> Result<(), StoreError> {
        let write = |tx: &mut landfall_store::Tx| -> Result<(), StoreError> {
            let key = (task_arn.as_str(), container.as_str());
            tx.put(&DELIVERED_LINES, &key, progress.lines);
            tx.put(&DELIVERED_EVENTS, &key, progress.events);
            Ok(())
        };
        self.call.installation().store.write("log delivery", write).map_err(WriteError::flatten)
    }
}

/// The VPC endpoint that a task's log events come through.
fn log_way(view: &View, task: &Task, region: &Region) -> Result<Option<Way>, StoreError> {
    let Some(network) = task.network.as_ref().filter(|_| task.region == *region) else { return Ok(None) };
    let found = way(view, &task.account, region, &network.subnets, Service::Logs)?;
    let address = network.private_address.as_deref().and_then(|address| address.parse().ok());
    Ok(found.map(|way| way.with_address(address)))
}

fn progress(view: &View, task_arn: &str, container: &str) -> Result<Progress, StoreError> {
    let lines = view.get(&DELIVERED_LINES, &(task_arn, container))?;
    let events = view.get(&DELIVERED_EVENTS, &(task_arn, container))?;
    Ok(Progress { lines: lines.map_or(0, |it| *it), events: events.map_or(0, |it| *it) })
}

/// The lines that are new, if any are.
fn fresh_lines(delivered: u64, first_line: u64, lines: &[LogEvent]) -> Option<&[LogEvent]> {
    let known = usize::try_from(delivered.saturating_sub(first_line)).unwrap_or(usize::MAX);
    lines.get(known..).filter(|fresh| !fresh.is_empty())
}

/// How many events of a batch were not taken: too old ones at its beginning, too new ones at its end (API reference,
/// RejectedLogEventsInfo).
fn rejected(info: &RejectedLogEventsInfo, size: usize) -> usize {
    let at = |index: Option<i32>| index.and_then(|index| usize::try_from(index).ok());
    let old =
        at(info.too_old_log_event_end_index).max(at(info.expired_log_event_end_index)).unwrap_or(0).min(size);
    let new = at(info.too_new_log_event_start_index).map_or(0, |start| size.saturating_sub(start));
    (old + new).min(size)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use landfall_base::Timestamp;

    use super::*;

    #[test]
    fn lines_that_were_delivered_are_left_out() {
        let lines: Vec<_> =
            (0..4).map(|at| LogEvent { time: Timestamp::from_millis(at), message: at.to_string() }).collect();
        for (delivered, first, expected) in
            [(0, 0, Some(4)), (2, 0, Some(2)), (4, 0, None), (9, 0, None), (7, 5, Some(2)), (3, 5, Some(4))]
        {
            assert_eq!(
                fresh_lines(delivered, first, &lines).map(<[_]>::len),
                expected,
                "{delivered} {first}"
            );
        }
        assert!(fresh_lines(0, 0, &[]).is_none());
    }

    #[test]
    fn events_that_the_stream_did_not_take_are_not_counted() {
        let info = |old, new| RejectedLogEventsInfo {
            too_old_log_event_end_index: old,
            too_new_log_event_start_index: new,
            expired_log_event_end_index: None,
        };
        for (old, new, expected) in
            [(None, None, 0), (Some(3), None, 3), (None, Some(8), 2), (Some(3), Some(8), 5)]
        {
            assert_eq!(rejected(&info(old, new), 10), expected, "{old:?} {new:?}");
        }
    }
}
