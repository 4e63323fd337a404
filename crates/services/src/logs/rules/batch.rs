//! What PutLogEvents takes (CloudWatch Logs API reference, PutLogEvents).

use std::ops::Range;

use landfall_api::logs::{InputLogEvent, RejectedLogEventsInfo, error};
use landfall_base::Timestamp;
use landfall_shape::ServiceError;

/// The largest batch, and the largest event, in bytes: the text in UTF-8 and [`OVERHEAD`] for each event.
const LIMIT: usize = 1_048_576;

/// Bytes that an event counts beside its text.
const OVERHEAD: usize = 26;

const DAY: i64 = 86_400;

/// The longest time between the first and the last event, in milliseconds.
const SPAN: i64 = DAY * 1000;

/// How old an event may be, in seconds.
const OLDEST: i64 = 14 * DAY;

/// How far in the future an event may lie, in seconds.
const NEWEST: i64 = 2 * 3600;

/// What becomes of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) struct Verdict {
    /// The events that are kept.
    pub(in crate::logs) accepted: Range<usize>,
    /// The others.
    pub(in crate::logs) rejected: Option<RejectedLogEventsInfo>,
}

/// Refuses batches that are too large, out of order or too long in time; says which events of others are kept.
pub(in crate::logs) fn judge(
    events: &[InputLogEvent],
    cutoff: Option<Timestamp>,
    now: Timestamp,
) -> Result<Verdict, ServiceError> {
    check_sizes(events)?;
    check_times(events)?;
    let before = |time: Timestamp| events.partition_point(|event| event.timestamp < time.millis());
    let expired = cutoff.map_or(0, before);
    let too_old = before(now.plus_seconds(-OLDEST));
    let start = expired.max(too_old);
    let end = events.partition_point(|event| event.timestamp <= now.plus_seconds(NEWEST).millis()).max(start);
    let info = RejectedLogEventsInfo {
        too_new_log_event_start_index: index(end, end < events.len()),
        too_old_log_event_end_index: index(too_old, too_old > 0),
        expired_log_event_end_index: index(expired, expired > 0),
    };
    let rejected = (info != RejectedLogEventsInfo::default()).then_some(info);
    Ok(Verdict { accepted: start..end, rejected })
}

fn index(at: usize, applies: bool) -> Option<i32> {
    applies.then(|| i32::try_from(at).unwrap_or(i32::MAX))
}

fn check_sizes(events: &[InputLogEvent]) -> Result<(), ServiceError> {
    let size = |event: &InputLogEvent| event.message.len() + OVERHEAD;
    let refuse = |what: &str, bytes: usize| {
        error::invalid_parameter_exception(format!(
            "{what} too large: {bytes} bytes exceeds limit of {LIMIT}"
        ))
    };
    if let Some(bytes) = events.iter().map(size).find(|bytes| *bytes > LIMIT) {
        return Err(refuse("Log event", bytes));
    }
    let total = events.iter().map(size).sum();
    if total > LIMIT { Err(refuse("Upload", total)) } else { Ok(()) }
}

fn check_times(events: &[InputLogEvent]) -> Result<(), ServiceError> {
    let text = if !events.is_sorted_by_key(|event| event.timestamp) {
        "Log events in a single PutLogEvents request must be in chronological order."
    } else if span(events) > SPAN {
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
    } else {
        return Ok(());
    };
    Err(error::invalid_parameter_exception(text))
}

fn span(events: &[InputLogEvent]) -> i64 {
    let (first, last) = (events.first(), events.last());
    first.zip(last).map_or(0, |(first, last)| last.timestamp.saturating_sub(first.timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_401_041_000);
    const HOUR: i64 = 3_600_000;

    fn events(offsets: &[i64]) -> Vec<InputLogEvent> {
        let event = |offset| InputLogEvent { timestamp: NOW.millis() + offset, message: "x".to_owned() };
        offsets.iter().copied().map(event).collect()
    }

    fn of_size(bytes: usize) -> InputLogEvent {
        InputLogEvent { timestamp: NOW.millis(), message: "x".repeat(bytes) }
    }

    fn verdict(offsets: &[i64], retention: Option<i64>) -> (Range<usize>, [Option<i32>; 3]) {
        let cutoff = retention.map(|days| NOW.plus_seconds(-days * DAY));
        let Verdict { accepted, rejected } = judge(&events(offsets), cutoff, NOW).unwrap();
        let info = rejected.unwrap_or_default();
        let old = (info.expired_log_event_end_index, info.too_old_log_event_end_index);
        (accepted, [old.0, old.1, info.too_new_log_event_start_index])
    }

    #[test]
    fn events_are_kept_within_their_window() {
        let day = 24 * HOUR;
        assert_eq!(verdict(&[0, 0, 1], None), (0..3, [None; 3]));
        assert_eq!(verdict(&[2 * HOUR, 2 * HOUR + 1], None), (0..1, [None, None, Some(1)]));
        assert_eq!(verdict(&[-14 * day - 1, -14 * day], None), (1..2, [None, Some(1), None]));
        assert_eq!(verdict(&[-day - 1, -day, -1], Some(1)), (1..3, [Some(1), None, None]));
        assert_eq!(verdict(&[-15 * day, -15 * day], Some(1)), (2..2, [Some(2), Some(2), None]));
        assert_eq!(verdict(&[3 * HOUR], None), (0..0, [None, None, Some(0)]));
    }

    #[test]
    fn bad_batches_are_refused() {
        let cases = [
            (events(&[1, 0]), "Log events in a single PutLogEvents request must be in chronological order."),
            (
                events(&[-24 * HOUR - 1, 0]),
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ),
            (vec![of_size(LIMIT - 25)], "Log event too large: 1048577 bytes exceeds limit of 1048576"),
            (
                vec![of_size(524_262), of_size(524_263)],
                "Upload too large: 1048577 bytes exceeds limit of 1048576",
            ),
        ];
        for (batch, text) in cases {
            let error = judge(&batch, None, NOW).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), ("InvalidParameterException", text));
        }
        assert!(judge(&[of_size(524_262), of_size(524_262)], None, NOW).is_ok());
        assert!(judge(&events(&[-24 * HOUR, 0]), None, NOW).is_ok());
    }
}
