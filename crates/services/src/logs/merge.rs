//! Events of several streams in the order of their times.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use landfall_store::journal::{JournalError, Record};

use super::reader::{Limit, Reader};
use super::rules::page::Cut;

/// What is read of a stream at a time.
const CHUNK: Limit = Limit { events: 200, bytes: 64 * 1024 };

/// What is read of a shuffled stream at a time: each read goes through the whole stream.
const SHUFFLED_CHUNK: Limit = Limit { events: 10_000, bytes: 1024 * 1024 };

/// One of the streams. It is not read before it is its turn.
#[derive(Debug)]
pub(super) struct Source<'a> {
    reader: Reader<'a>,
    cut: Cut,
    buffer: VecDeque<Record>,
}

impl<'a> Source<'a> {
    /// A stream from a place on.
    pub(super) fn new(reader: Reader<'a>, cut: Cut) -> Self {
        Self { reader, cut, buffer: VecDeque::new() }
    }

    /// Where the next event is, or a place before it.
    fn next_cut(&self) -> Cut {
        self.buffer.front().map_or(self.cut, Cut::before)
    }

    fn fill(&mut self) -> Result<(), JournalError> {
        let chunk = if self.reader.is_shuffled() { SHUFFLED_CHUNK } else { CHUNK };
        self.buffer = self.reader.behind(self.cut, chunk)?.into();
        self.cut = self.buffer.back().map_or(self.cut, Cut::behind);
        Ok(())
    }
}

/// All of the streams. Those whose events have equal times come in the order of the sources.
#[derive(Debug)]
pub(super) struct Merge<'a> {
    sources: Vec<Source<'a>>,
    turns: BinaryHeap<Reverse<(i64, usize, u64)>>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(sources: Vec<Source<'a>>) -> Self {
        let turns = sources.iter().enumerate().map(|(at, source)| turn(at, source)).collect();
        Self { sources, turns }
    }

    /// The next event, and which source it is from.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Record)>, JournalError> {
        while let Some(Reverse((_, at, _))) = self.turns.pop() {
            let Some(source) = self.sources.get_mut(at) else { continue };
            if let Some(record) = source.buffer.pop_front() {
                self.turns.push(turn(at, source));
                return Ok(Some((at, record)));
            }
            source.fill()?;
            if !source.buffer.is_empty() {
                self.turns.push(turn(at, source));
            }
        }
        Ok(None)
    }
}

fn turn(at: usize, source: &Source<'_>) -> Reverse<(i64, usize, u64)> {
    let cut = source.next_cut();
    Reverse((cut.time, at, cut.sequence))
}
