//! One segment file: its header, its index in memory, and the scan that rebuilds the index.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::JournalError;
use super::files::sync_directory;
use super::frame::{HEAD, Head};
use super::sealed;

/// Record bytes per index entry.
const BLOCK: u64 = 64 * 1024;
/// A segment is full when it has this many bytes…
const FULL: u64 = 16 * 1024 * 1024;
/// …or its events lie this many milliseconds apart, so that retention can remove it by the day…
const SPAN: u64 = 24 * 60 * 60 * 1000;
/// …and it is not so small that files would become too many.
const SMALL: u64 = 16 * 1024;
const MAGIC: [u8; 4] = *b"LFJ\x01";
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// The event times in a stretch of records: earliest and latest, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl Times {
    fn add(&mut self, time: i64) {
        self.min = self.min.min(time);
        self.max = self.max.max(time);
    }
}

/// Consecutive records: where they are and what numbers and times they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) first: u64,
    pub(crate) next: u64,
    pub(crate) times: Times,
}

/// A segment as far as it is durable.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: Arc<Path>,
    pub(crate) first: u64,
    pub(crate) next: u64,
    pub(crate) end: u64,
    pub(crate) blocks: Vec<Block>,
    pub(crate) times: Option<Times>,
    pub(crate) ingested: i64,
    pub(crate) events: u64,
    pub(crate) payload: u64,
}

impl Segment {
    fn empty(path: PathBuf, first: u64, end: u64) -> Self {
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            path: path.into(),
            first,
            next: first,
            end,
            blocks: Vec::new(),
            times: None,
            ingested: i64::MIN,
            events: 0,
            payload: 0,
        }
    }

    /// Creates an empty segment that is there after a crash wholly or not at all.
    pub(crate) fn create(directory: &Path, id: &str, first: u64) -> Result<Self, JournalError> {
        let path = directory.join(format!("{first:020}.log"));
        let temporary = path.with_extension("new");
        let header = header(id, first);
        let write = || {
            let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
            let mut file = options.open(&temporary)?;
            file.write_all(&header)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        };
        write().map_err(|why| JournalError::io("create", &path, why))?;
        sync_directory(directory)?;
        Ok(Self::empty(path, first, header.len() as u64))
    }

    /// Reads a segment's records into an index. With `repair`, what follows the last whole append is cut off; without,
    /// it is only left out.
    pub(crate) fn load(path: PathBuf, id: &str, repair: bool) -> Result<Self, JournalError> {
        let failed = |why| JournalError::io("read", &path, why);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut reader = BufReader::with_capacity(256 * 1024, &file);
        let damaged = || JournalError::Damaged { path: path.clone(), offset: 0 };
        let (first, end) = read_header(&mut reader, id).map_err(failed)?.ok_or_else(damaged)?;
        let mut segment = Self::empty(path.clone(), first, end);
        if !repair && sealed::read(&mut segment, length) {
            return Ok(segment);
        }
        segment.scan(&mut reader).map_err(failed)?;
        if segment.end < length {
            segment.cut(&file, length, repair)?;
        } else if !repair {
            sealed::write(&segment);
        }
        Ok(segment)
    }

    fn scan(&mut self, reader: &mut impl Read) -> std::io::Result<()> {
        let mut batch = Vec::new();
        let mut payload = Vec::new();
        while let Some(head) = read_record(reader, &mut payload)? {
            if head.sequence != self.next + batch.len() as u64 {
                break;
            }
            batch.push(head);
            if head.last {
                batch.drain(..).for_each(|head| self.add(&head));
            }
        }
        Ok(())
    }

    fn cut(&self, file: &File, length: u64, repair: bool) -> Result<(), JournalError> {
        let bytes = length - self.end;
        if !repair {
            tracing::error!(path = %self.path.display(), offset = self.end, bytes, "a journal segment is damaged");
            return Ok(());
        }
        tracing::warn!(path = %self.path.display(), bytes, "removed an unfinished append from a journal");
        file.set_len(self.end)
            .and_then(|()| file.sync_all())
            .map_err(|why| JournalError::io("truncate", &*self.path, why))
    }

    /// Adds a durable record to the index.
    pub(crate) fn add(&mut self, head: &Head) {
        let end = self.end + head.size() as u64;
        let times = Times { min: head.time, max: head.time };
        match self.blocks.last_mut() {
            Some(block) if end - block.start <= BLOCK => {
                block.end = end;
                block.next = head.sequence + 1;
                block.times.add(head.time);
            }
            _ => {
                let (start, first) = (self.end, head.sequence);
                self.blocks.push(Block { start, end, first, next: first + 1, times });
            }
        }
        self.times.get_or_insert(times).add(head.time);
        self.ingested = self.ingested.max(head.ingested);
        self.events += 1;
        self.payload += head.payload as u64;
        self.next = head.sequence + 1;
        self.end = end;
    }

    /// Whether the next append should go to a new segment.
    pub(crate) fn is_full(&self) -> bool {
        let spread = self.times.map_or(0, |times| times.max.abs_diff(times.min));
        self.end >= FULL || (spread >= SPAN && self.end >= SMALL)
    }
}

/// Magic, length of the id, first sequence, id, checksum.
fn header(id: &str, first: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(id.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(id.as_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The first sequence and the length of the header; `None` when it is not the header of a segment of this journal.
fn read_header(reader: &mut impl Read, id: &str) -> std::io::Result<Option<(u64, u64)>> {
    let expected = header(id, 0);
    let mut bytes = vec![0; expected.len()];
    if !fill(reader, &mut bytes)? {
        return Ok(None);
    }
    let Some(first) = bytes.get(8..16).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes) else {
        return Ok(None);
    };
    Ok((bytes == header(id, first)).then_some((first, bytes.len() as u64)))
}

/// The next whole, sound record; `None` at the end or at the first that is neither.
fn read_record(reader: &mut impl Read, payload: &mut Vec<u8>) -> std::io::Result<Option<Head>> {
    let mut bytes = [0; HEAD];
    if !fill(reader, &mut bytes)? {
        return Ok(None);
    }
    let Some(head) = Head::parse(&bytes) else { return Ok(None) };
    payload.resize(head.payload, 0);
    let whole = fill(reader, payload)?;
    Ok((whole && head.matches(payload)).then_some(head))
}

/// Reads exactly as many bytes as fit; `false` when there are fewer.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(why) => Err(why),
    }
}
