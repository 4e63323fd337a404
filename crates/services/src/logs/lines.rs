//! Lines of output as events of CloudWatch Logs: long lines cut, empty ones left out, in batches that PutLogEvents takes.
//! Pure, and the same for the same lines, whatever calls they came in: after a crash the events that were stored can be
//! counted off.

use landfall_acs::LogEvent;
use landfall_api::logs::InputLogEvent;

/// Bytes that every event counts beside its message (API reference, PutLogEvents).
const OVERHEAD: usize = 26;
/// Most bytes of a message, as the log driver cuts lines: 256 KiB with the overhead.
const LONGEST_MESSAGE: usize = 262_144 - OVERHEAD;
/// Most bytes of a batch, overhead included.
const BATCH_BYTES: usize = 1_048_576;
/// Most events of a batch.
const BATCH_EVENTS: usize = 10_000;
/// Most milliseconds between the first and the last event of a batch.
const BATCH_SPAN: i64 = 24 * 3600 * 1000;

/// The events of some lines. A line without text is no event, as with Docker's driver: a message must not be empty.
pub(crate) fn events(lines: &[LogEvent]) -> Vec<InputLogEvent> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let mut rest = line.message.as_str();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(cut(rest));
            out.push(InputLogEvent { timestamp: line.time.millis(), message: head.to_owned() });
            rest = tail;
        }
    }
    out
}

/// Where the next event of a line ends.
fn cut(text: &str) -> usize {
    if text.len() <= LONGEST_MESSAGE {
        return text.len();
    }
    (0..=LONGEST_MESSAGE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Events in batches, each in order of time.
pub(crate) fn batches(events: Vec<InputLogEvent>) -> Vec<Vec<InputLogEvent>> {
    let mut out = Vec::new();
    let mut batch = Batch::default();
    for event in events {
        if !batch.has_room(&event) {
            out.push(std::mem::take(&mut batch).finish());
        }
        batch.add(event);
    }
    if !batch.events.is_empty() {
        out.push(batch.finish());
    }
    out
}

#[derive(Default)]
struct Batch {
    events: Vec<InputLogEvent>,
    bytes: usize,
    first: i64,
    last: i64,
}

impl Batch {
    fn has_room(&self, event: &InputLogEvent) -> bool {
        let span = self.last.max(event.timestamp).saturating_sub(self.first.min(event.timestamp));
        self.events.is_empty()
            || (self.events.len() < BATCH_EVENTS
                && self.bytes + event.message.len() + OVERHEAD <= BATCH_BYTES
                && span <= BATCH_SPAN)
    }

    fn add(&mut self, event: InputLogEvent) {
        if self.events.is_empty() {
            (self.first, self.last) = (event.timestamp, event.timestamp);
        }
        self.first = self.first.min(event.timestamp);
        self.last = self.last.max(event.timestamp);
        self.bytes += event.message.len() + OVERHEAD;
        self.events.push(event);
    }

    /// Lines of standard output and standard error may come a little out of order; equal times keep theirs.
    fn finish(mut self) -> Vec<InputLogEvent> {
        self.events.sort_by_key(|event| event.timestamp);
        self.events
    }
}

#[cfg(test)]
mod tests {
    use landfall_base::Timestamp;

    use super::*;

    fn line(millis: i64, message: &str) -> LogEvent {
        LogEvent { time: Timestamp::from_millis(millis), message: message.to_owned() }
    }

    fn times(batches: &[Vec<InputLogEvent>]) -> Vec<Vec<i64>> {
        batches.iter().map(|batch| batch.iter().map(|event| event.timestamp).collect()).collect()
    }

    #[test]
    fn empty_lines_are_left_out_and_long_ones_cut_between_characters() {
        let long = "ä".repeat(LONGEST_MESSAGE / 2 + 1);
        let events = events(&[line(1, ""), line(2, &long), line(3, "x")]);
        let lengths: Vec<_> = events.iter().map(|event| (event.timestamp, event.message.len())).collect();
        assert_eq!(lengths, [(2, LONGEST_MESSAGE), (2, 2), (3, 1)]);
    }

    #[test]
    fn batches_keep_to_the_limits_of_the_operation() {
        let day = 24 * 3600 * 1000;
        let lines = [line(5, "a"), line(3, "b"), line(3 + day, "c"), line(5 + day, "d"), line(4 + day, "e")];
        assert_eq!(times(&batches(events(&lines))), [vec![3, 5, 3 + day], vec![4 + day, 5 + day]]);

        let many: Vec<_> = (0..10_001).map(|at| line(at, "x")).collect();
        let sizes: Vec<_> = batches(events(&many)).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10_000, 1]);

        let big: Vec<_> = (0..5).map(|at| line(at, &"y".repeat(250_000))).collect();
        for batch in batches(events(&big)) {
            let bytes: usize = batch.iter().map(|event| event.message.len() + OVERHEAD).sum();
            assert!(bytes <= BATCH_BYTES, "{bytes}");
        }
        assert!(batches(Vec::new()).is_empty());
    }
}
