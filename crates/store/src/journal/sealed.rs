//! The index of a finished segment as a file beside it, so that opening a journal reads no records: a journal of a hundred
//! million lines opens at once.
//!
//! The file only repeats what the segment holds. One that is torn, older than its segment or of another length is not used,
//! and the segment is scanned as if there were none.

use std::path::{Path, PathBuf};

use super::segment::{Block, Segment, Times};

const MAGIC: [u8; 4] = *b"LFI\x01";
/// Numbers before those of the blocks.
const FIELDS: usize = 8;
/// Numbers of a block.
const BLOCK: usize = 6;

/// Where a segment's index is.
pub(crate) fn path(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}

/// Writes the index of a segment that gets no more records.
pub(crate) fn write(segment: &Segment) {
    let file = path(&segment.path);
    let temporary = file.with_extension("new-idx");
    let written =
        std::fs::write(&temporary, encode(segment)).and_then(|()| std::fs::rename(&temporary, &file));
    if let Err(why) = written {
        tracing::warn!(path = %file.display(), reason = %why, "could not keep a journal's index; it will be rebuilt");
    }
}

fn encode(segment: &Segment) -> Vec<u8> {
    let times = segment.times.unwrap_or(Times { min: 0, max: -1 });
    let mut bytes = MAGIC.to_vec();
    let mut put = |number: u64| bytes.extend_from_slice(&number.to_le_bytes());
    [segment.first, segment.next, segment.end, segment.events, segment.payload]
        .into_iter()
        .for_each(&mut put);
    [segment.ingested, times.min, times.max].into_iter().for_each(|number| put(number.cast_unsigned()));
    for block in &segment.blocks {
        [block.start, block.end, block.first, block.next].into_iter().for_each(&mut put);
        [block.times.min, block.times.max].into_iter().for_each(|number| put(number.cast_unsigned()));
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Fills an empty segment from its index; `false` when there is none that can be used.
pub(crate) fn read(segment: &mut Segment, length: u64) -> bool {
    let file = path(&segment.path);
    is_current(&file, &segment.path) && std::fs::read(&file).is_ok_and(|bytes| fill(segment, length, &bytes))
}

fn is_current(index: &Path, segment: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    changed(index).zip(changed(segment)).is_some_and(|(index, segment)| index >= segment)
}

fn fill(segment: &mut Segment, length: u64, bytes: &[u8]) -> bool {
    let Some((content, checksum)) = bytes.split_last_chunk::<4>() else { return false };
    let Some(numbers) = content.strip_prefix(&MAGIC) else { return false };
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return false;
    }
    let (numbers, rest) = numbers.as_chunks::<8>();
    let numbers: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
    let Some((fields, blocks)) = numbers.split_first_chunk::<FIELDS>() else { return false };
    let [first, next, end, events, payload, ingested, min, max] = *fields;
    let (blocks, odd) = blocks.as_chunks::<BLOCK>();
    if !rest.is_empty() || !odd.is_empty() || first != segment.first || end != length {
        return false;
    }
    segment.next = next;
    segment.end = end;
    segment.events = events;
    segment.payload = payload;
    segment.ingested = ingested.cast_signed();
    segment.times = (events > 0).then_some(Times { min: min.cast_signed(), max: max.cast_signed() });
    segment.blocks = blocks.iter().map(block).collect();
    true
}

fn block([start, end, first, next, min, max]: &[u64; BLOCK]) -> Block {
    let times = Times { min: min.cast_signed(), max: max.cast_signed() };
    Block { start: *start, end: *end, first: *first, next: *next, times }
}
