//! Rows as the API shows them.

use landfall_api::logs as api;
use landfall_base::Timestamp;
use landfall_store::journal::{Journals, Record, Stats};

use super::names::GroupName;
use super::reader::{Limit, Reader};
use super::record::{LogGroup, LogStream};
use super::rules::page::Cut;
use crate::pipe::Failure;

/// A log group.
pub(super) fn group(name: &GroupName, row: &LogGroup) -> api::LogGroup {
    api::LogGroup {
        log_group_name: Some(name.name.clone()),
        creation_time: Some(row.created_at.millis()),
        retention_in_days: row.retention_days,
        metric_filter_count: Some(0),
        kms_key_id: row.current_key().map(|key| key.arn.to_string()),
        arn: Some(name.pattern_arn().into()),
        stored_bytes: Some(i64::try_from(row.stored_bytes).unwrap_or(i64::MAX)),
        log_group_class: Some(api::LogGroupClass::from(row.class.as_str())),
        log_group_arn: Some(name.arn().into()),
        deletion_protection_enabled: Some(row.deletion_protection),
        ..api::LogGroup::default()
    }
}

/// The times of a stream's events, without those that are too old to be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    ingested: Option<Timestamp>,
}

/// The times of a stream's events from `cutoff` on.
pub(super) fn times(
    journals: &Journals,
    row: &LogStream,
    cutoff: Option<Timestamp>,
) -> Result<Times, Failure> {
    let stats = journals.stats(&row.journal()).map_err(Failure::internal)?;
    let seen = Times {
        first: stats.first_event_time,
        last: stats.last_event_time,
        ingested: stats.last_ingestion_time,
    };
    match cutoff {
        Some(cutoff) if seen.last < Some(cutoff) => Ok(Times::default()),
        Some(cutoff) if seen.first < Some(cutoff) => {
            Ok(Times { first: first_behind(journals, row, cutoff)?, ..seen })
        }
        _ => Ok(seen),
    }
}

fn first_behind(
    journals: &Journals,
    row: &LogStream,
    cutoff: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let reader = Reader::new(journals, row, cutoff..Timestamp::from_millis(i64::MAX));
    let one = Limit { events: 1, bytes: usize::MAX };
    let records = reader.behind(Cut::at(cutoff), one).map_err(Failure::internal)?;
    Ok(records.first().map(|record| record.time))
}

/// A log stream.
pub(super) fn stream(
    group: &GroupName,
    name: &str,
    row: &LogStream,
    times: Times,
    stats: &Stats,
) -> api::LogStream {
    let millis = |time: Option<Timestamp>| time.map(Timestamp::millis);
    api::LogStream {
        log_stream_name: Some(name.to_owned()),
        creation_time: Some(row.created_at.millis()),
        first_event_timestamp: millis(times.first),
        last_event_timestamp: millis(times.last),
        last_ingestion_time: millis(times.ingested),
        upload_sequence_token: Some(sequence_token(stats.next_sequence)),
        arn: Some(group.stream_arn(name).into()),
        // AWS has answered 0 for streams since 2019; groups have their bytes.
        stored_bytes: Some(0),
    }
}

/// What PutLogEvents answers and nobody needs any more; 56 digits, as AWS's.
pub(super) fn sequence_token(next_sequence: u64) -> String {
    format!("49{next_sequence:054}")
}

/// An event's identity: the same in every answer, and no other event's.
pub(super) fn event_id(stream: &LogStream, record: &Record) -> String {
    format!("{:016}{:020}{:020}", record.time.millis().max(0), stream.number, record.sequence)
}

/// An event's text.
pub(super) fn message(payload: Vec<u8>) -> String {
    String::from_utf8(payload).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
