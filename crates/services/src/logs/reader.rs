//! Events of one stream in the order of their times.
//!
//! A journal is in the order of arrival. For most streams that is the order of time, and a page is one short read. A
//! stream that once got a late event is *shuffled*: its pages are picked out of everything in the time range.

use std::collections::BTreeMap;
use std::ops::Range;

use landfall_base::Timestamp;
use landfall_store::journal::{self, Direction, JournalError, Journals, Record};

use super::record::LogStream;
use super::rules::page::Cut;

/// Payload bytes that are read at a time to pick events from.
const SCAN_BYTES: usize = 4 * 1024 * 1024;

/// How much a page may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Events, at most.
    pub(super) events: usize,
    /// Payload bytes, at most; a single larger event is still returned.
    pub(super) bytes: usize,
}

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    journals: &'a Journals,
    journal: String,
    shuffled: bool,
    times: Range<Timestamp>,
}

impl<'a> Reader<'a> {
    /// A reader of the events of a stream in a range of times.
    pub(super) fn new(journals: &'a Journals, stream: &LogStream, times: Range<Timestamp>) -> Self {
        Self { journals, journal: stream.journal(), shuffled: stream.shuffled, times }
    }

    pub(super) fn is_shuffled(&self) -> bool {
        self.shuffled
    }

    /// The first events behind a place, earliest first.
    pub(super) fn behind(&self, cut: Cut, limit: Limit) -> Result<Vec<Record>, JournalError> {
        let times = self.times.start.max(Timestamp::from_millis(cut.time))..self.times.end;
        if self.shuffled {
            return self.pick(times, |record| Cut::before(record) >= cut, limit, Direction::Forward);
        }
        let range = range(cut.sequence..u64::MAX, times, limit, Direction::Forward);
        Ok(self.journals.read(&self.journal, range)?.records)
    }

    /// The last events before a place (`None`: the last of all), earliest first.
    pub(super) fn before(&self, cut: Option<Cut>, limit: Limit) -> Result<Vec<Record>, JournalError> {
        let end = cut.map_or(self.times.end, |cut| {
            self.times.end.min(Timestamp::from_millis(cut.time.saturating_add(1)))
        });
        let times = self.times.start..end;
        if self.shuffled {
            let wanted = |record: &Record| cut.is_none_or(|cut| Cut::before(record) < cut);
            return self.pick(times, wanted, limit, Direction::Backward);
        }
        let sequences = 0..cut.map_or(u64::MAX, |cut| cut.sequence);
        let range = range(sequences, times, limit, Direction::Backward);
        let mut records = self.journals.read(&self.journal, range)?.records;
        records.reverse();
        Ok(records)
    }

    /// The first or last of all events that are wanted, earliest first.
    fn pick(
        &self,
        times: Range<Timestamp>,
        wanted: impl Fn(&Record) -> bool,
        limit: Limit,
        direction: Direction,
    ) -> Result<Vec<Record>, JournalError> {
        let mut picked = Picked { records: BTreeMap::new(), bytes: 0 };
        let scan = Limit { events: usize::MAX, bytes: SCAN_BYTES };
        let mut from = 0;
        loop {
            let range = range(from..u64::MAX, times.clone(), scan, Direction::Forward);
            let page = self.journals.read(&self.journal, range)?;
            page.records.into_iter().filter(&wanted).for_each(|record| picked.add(record, limit, direction));
            if !page.more {
                return Ok(picked.records.into_values().collect());
            }
            from = page.resume;
        }
    }
}

fn range(
    sequences: Range<u64>,
    times: Range<Timestamp>,
    limit: Limit,
    direction: Direction,
) -> journal::Range {
    journal::Range { sequences, times, limit: limit.events, max_bytes: limit.bytes, direction }
}

struct Picked {
    records: BTreeMap<Cut, Record>,
    bytes: usize,
}

impl Picked {
    /// Adds an event and drops the farthest ones that are too many then. What is dropped could not come back: nearer
    /// events only push it farther out.
    fn add(&mut self, record: Record, limit: Limit, direction: Direction) {
        self.bytes += record.payload.len();
        self.records.insert(Cut::before(&record), record);
        while self.records.len() > limit.events || (self.bytes > limit.bytes && self.records.len() > 1) {
            let farthest = match direction {
                Direction::Forward => self.records.pop_last(),
                Direction::Backward => self.records.pop_first(),
            };
            let Some((_, record)) = farthest else { return };
            self.bytes -= record.payload.len();
        }
    }
}
