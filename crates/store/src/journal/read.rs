//! Reading a range of a journal, block by block, while it is being written and deleted from.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use landfall_base::Timestamp;

use super::error::JournalError;
use super::segment::{Block, Segment, Times};
use super::state::{Catalog, State};
use super::{Record, frame};

/// Which end of a range comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// Oldest sequence number first.
    #[default]
    Forward,
    /// Newest sequence number first.
    Backward,
}

/// What to read. The default is everything, forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Sequence numbers, the end excluded.
    pub sequences: std::ops::Range<u64>,
    /// Event times, the end excluded.
    pub times: std::ops::Range<Timestamp>,
    /// Records in the answer, at most.
    pub limit: usize,
    /// Payload bytes in the answer, at most; a single larger record is still returned.
    pub max_bytes: usize,
    /// Which end comes first.
    pub direction: Direction,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            sequences: 0..u64::MAX,
            times: Timestamp::from_millis(i64::MIN)..Timestamp::from_millis(i64::MAX),
            limit: usize::MAX,
            max_bytes: usize::MAX,
            direction: Direction::Forward,
        }
    }
}

/// A part of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of their sequence numbers, or backwards.
    pub records: Vec<Record>,
    /// Whether the limit ended the page, so that there may be more.
    pub more: bool,
    /// Where to go on: forward, the first sequence number not looked at (also for events that are yet to come);
    /// backward, the end (excluded) of what was not looked at.
    pub resume: u64,
}

/// A block to be read, from a segment that may be deleted before it is.
struct Found {
    number: u64,
    path: Arc<Path>,
    block: Block,
}

pub(crate) fn read(catalog: &Catalog, id: &str, mut range: Range) -> Result<Page, JournalError> {
    let journal = catalog.journal(id);
    let mut page = Builder { records: Vec::new(), bytes: 0 };
    let next = journal.with(|state| state.next_sequence())?;
    range.sequences.end = range.sequences.end.min(next);
    while let Some(found) = journal.with(|state| find(state, &range))? {
        let records = match load(catalog, &found) {
            Err(why) if why.is_missing() => Vec::new(),
            records => records?,
        };
        if let Some(stopped_at) = page.take(records, &range) {
            return Ok(Page { records: page.records, more: true, resume: stopped_at });
        }
        match range.direction {
            Direction::Forward => range.sequences.start = found.block.next,
            Direction::Backward => range.sequences.end = found.block.first,
        }
    }
    let resume = match range.direction {
        Direction::Forward => range.sequences.start.max(range.sequences.end),
        Direction::Backward => range.sequences.start.min(range.sequences.end),
    };
    Ok(Page { records: page.records, more: false, resume })
}

struct Builder {
    records: Vec<Record>,
    bytes: usize,
}

impl Builder {
    /// Takes the records of a block that are in the range; at the limit, says where to go on.
    fn take(&mut self, mut records: Vec<Record>, range: &Range) -> Option<u64> {
        if range.direction == Direction::Backward {
            records.reverse();
        }
        let wanted = |record: &Record| {
            range.sequences.contains(&record.sequence) && range.times.contains(&record.time)
        };
        for record in records.into_iter().filter(wanted) {
            let bytes = self.bytes.saturating_add(record.payload.len());
            if self.records.len() >= range.limit || (bytes > range.max_bytes && !self.records.is_empty()) {
                let backward = range.direction == Direction::Backward;
                return Some(if backward { record.sequence + 1 } else { record.sequence });
            }
            self.bytes = bytes;
            self.records.push(record);
        }
        None
    }
}

fn overlaps(times: Times, range: &Range) -> bool {
    times.min < range.times.end.millis() && times.max >= range.times.start.millis()
}

/// The next block with records of the range, in its direction.
fn find(state: &State, range: &Range) -> Option<Found> {
    let from = state.segments.partition_point(|segment| segment.next <= range.sequences.start);
    let to = state.segments.partition_point(|segment| segment.first < range.sequences.end);
    let mut segments = state.segments.get(from..to)?.iter();
    let in_segment = |segment: &Segment| {
        let block = find_block(segment, range)?;
        Some(Found { number: segment.number, path: Arc::clone(&segment.path), block })
    };
    match range.direction {
        Direction::Forward => segments.find_map(in_segment),
        Direction::Backward => segments.rev().find_map(in_segment),
    }
}

fn find_block(segment: &Segment, range: &Range) -> Option<Block> {
    segment.times.filter(|times| overlaps(*times, range))?;
    let from = segment.blocks.partition_point(|block| block.next <= range.sequences.start);
    let to = segment.blocks.partition_point(|block| block.first < range.sequences.end);
    let mut blocks = segment.blocks.get(from..to)?.iter().copied();
    let fits = |block: &Block| overlaps(block.times, range);
    match range.direction {
        Direction::Forward => blocks.find(fits),
        Direction::Backward => blocks.rev().find(fits),
    }
}

fn load(catalog: &Catalog, found: &Found) -> Result<Vec<Record>, JournalError> {
    let file = catalog.files.get(found.number, &found.path)?;
    let mut bytes = vec![0; usize::try_from(found.block.end - found.block.start).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, found.block.start)
        .map_err(|why| JournalError::io("read", &*found.path, why))?;
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let damaged = || JournalError::Damaged {
            path: found.path.to_path_buf(),
            offset: found.block.end - rest.len() as u64,
        };
        let (record, behind) = frame::decode(rest).ok_or_else(damaged)?;
        records.push(record);
        rest = behind;
    }
    Ok(records)
}
