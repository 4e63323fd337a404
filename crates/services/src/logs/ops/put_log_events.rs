//! `PutLogEvents`: appends a batch to a stream, whole or not at all.

use landfall_api::logs as api;
use landfall_store::journal::{Appended, Direction, Event, Range, Stats};
use landfall_store::{View, WriteError};

use crate::logs::encryption::GroupKeys;
use crate::logs::live_tail::Heard;
use crate::logs::lookup::{Group, Stream, no_stream};
use crate::logs::record::{LogStream, STREAMS};
use crate::logs::rules::{batch, retention};
use crate::logs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A stream and what it is given.
#[derive(Debug)]
pub struct Request {
    stream: Stream,
    events: Vec<api::InputLogEvent>,
}

impl Resolve for api::PutLogEvents {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let stream = Stream::in_group(view, group, input.log_stream_name)?;
        let permission = stream.permission("logs:PutLogEvents");
        // `sequenceToken` has had no meaning since 2023: AWS takes any.
        Ok(Checked::one(Request { stream, events: input.log_events }, permission))
    }
}

impl ReadHandler for api::PutLogEvents {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { stream, events } = request.into_request();
        let (group, row) = stream.rows()?;
        let cutoff = retention::cutoff(group.retention_days, cx.now);
        let verdict = batch::judge(&events, cutoff, cx.now)?;
        let accepted = events.into_iter().take(verdict.accepted.end).skip(verdict.accepted.start);
        let tails = cx.installation.live_tails.of_stream(&stream.group.name, &stream.name);
        let mut heard = Vec::new();
        let keys = GroupKeys::of(cx, view, &stream.group.name, group)?.of_stream(row)?;
        let event = |event: api::InputLogEvent| {
            if !tails.is_empty() {
                heard.push(Heard { time: event.timestamp, message: event.message.clone() });
            }
            Ok(Event {
                time: landfall_base::Timestamp::from_millis(event.timestamp),
                ingested: cx.now,
                payload: keys.payload(group.key, event.message)?,
            })
        };
        let next = append(cx, &stream, row, &accepted.map(event).collect::<Result<Vec<_>, Failure>>()?)?;
        tails.iter().for_each(|tail| tail.hear(&stream.group.name, &stream.name, cx.now, &heard));
        Ok(api::PutLogEventsResponse {
            next_sequence_token: Some(view::sequence_token(next)),
            rejected_log_events_info: verdict.rejected,
            rejected_entity_info: None,
        })
    }
}

/// Appends and says the number of the next event.
fn append(cx: &Context<'_>, stream: &Stream, row: &LogStream, events: &[Event]) -> Result<u64, Failure> {
    let journals = cx.journals();
    let stats = journals.stats(&row.journal()).map_err(Failure::internal)?;
    let Some(first) = events.first() else { return Ok(stats.next_sequence) };
    if !row.shuffled && stats.last_event_time > Some(first.time) {
        mark_shuffled(cx, stream, row)?;
    }
    let appended = journals.append(&row.journal(), events).map_err(Failure::internal)?;
    if !row.shuffled && came_late(cx, row, first, &stats, appended)? {
        mark_shuffled(cx, stream, row)?;
    }
    // The stream may have been deleted meanwhile, and its journal with it: then the append has made it anew.
    let still = cx.installation.store.view().get(&STREAMS, &stream.key())?;
    if still.is_none_or(|still| still.number != row.number) {
        journals.delete(&row.journal()).map_err(Failure::internal)?;
        return Err(no_stream().into());
    }
    Ok(appended.next_sequence)
}

/// Whether another batch, with later events, went in between looking and appending.
fn came_late(
    cx: &Context<'_>,
    row: &LogStream,
    first: &Event,
    stats: &Stats,
    appended: Appended,
) -> Result<bool, Failure> {
    if appended.first_sequence == stats.next_sequence {
        return Ok(false);
    }
    let previous = Range {
        sequences: 0..appended.first_sequence,
        limit: 1,
        direction: Direction::Backward,
        ..Range::default()
    };
    let page = cx.journals().read(&row.journal(), previous).map_err(Failure::internal)?;
    Ok(page.records.first().is_some_and(|record| record.time > first.time))
}

fn mark_shuffled(cx: &Context<'_>, stream: &Stream, row: &LogStream) -> Result<(), Failure> {
    let mark = |tx: &mut landfall_store::Tx| -> Result<(), Failure> {
        tx.update(&STREAMS, &stream.key(), |now| now.shuffled |= now.number == row.number)?;
        Ok(())
    };
    cx.installation.store.write("PutLogEvents", mark).map_err(WriteError::flatten)
}
