//! Append-only event journals, for log-like data that would be too much for the tables.
//!
//! A journal is a directory of segment files; a segment is a header and framed records. One thread does all writing:
//! it takes every append that is waiting, writes each journal's records with one call, syncs each file once and then
//! answers. Readers use what has been synced and never wait for the writer's disk.
//!
//! Memory holds, per journal in use, one index entry per 64 KiB of records: enough to find a sequence number or a
//! time. It is read when a journal is first used: finished segments have theirs in a file, the last one is scanned.

mod error;
mod files;
mod frame;
mod read;
mod sealed;
mod segment;
mod state;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

use landfall_base::Timestamp;
use tokio::sync::oneshot;

pub use error::JournalError;
pub use read::{Direction, Page, Range};

use crate::engine::DirectoryLock;
use state::Catalog;
use writer::{Answer, Command, Job};

/// The largest payload of one event, in bytes.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// An event to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened, as its producer says. Need not be in order.
    pub time: Timestamp,
    /// When it arrived here.
    pub ingested: Timestamp,
    /// What it says; at most [`MAX_PAYLOAD`] bytes.
    pub payload: Vec<u8>,
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the journal: 0, 1, 2… in the order of appending.
    pub sequence: u64,
    /// When it happened, as its producer says.
    pub time: Timestamp,
    /// When it arrived here.
    pub ingested: Timestamp,
    /// What it says.
    pub payload: Vec<u8>,
}

/// Where an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The number of its first event.
    pub first_sequence: u64,
    /// One more than the number of its last event.
    pub next_sequence: u64,
}

/// Sums over a journal. The times are `None` when it holds no events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events that are there.
    pub events: u64,
    /// The earliest event time.
    pub first_event_time: Option<Timestamp>,
    /// The latest event time.
    pub last_event_time: Option<Timestamp>,
    /// The latest time of arrival.
    pub last_ingestion_time: Option<Timestamp>,
    /// Payload bytes.
    pub bytes: u64,
    /// The number the next event will get.
    pub next_sequence: u64,
}

/// All journals of a directory. Cheap to clone; the directory is let go when the last clone is dropped.
#[derive(Clone)]
pub struct Journals(Arc<Inner>);

struct Inner {
    catalog: Arc<Catalog>,
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    _lock: DirectoryLock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the writer was already reported as failed appends.
            let _ = thread.join();
        }
    }
}

impl Journals {
    /// Opens the journals in a directory, creating it (mode 0700) if needed. No journal is read yet.
    ///
    /// # Errors
    /// [`JournalError::Directory`] when another process has it open or it cannot be created.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let lock = DirectoryLock::take(directory)?;
        let catalog = Arc::new(Catalog::open(directory)?);
        let (queue, jobs) = channel();
        let for_thread = Arc::clone(&catalog);
        let thread = std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || writer::run(&for_thread, &jobs))
            .map_err(|why| JournalError::io("start a thread for", directory, why))?;
        Ok(Self(Arc::new(Inner { catalog, queue: Some(queue), thread: Some(thread), _lock: lock })))
    }

    /// Appends events, all or none, creating the journal if needed, and waits until they are on disk. No events: no
    /// change, and no journal is created.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`], or what the disk said; then nothing was appended.
    pub fn append(&self, id: &str, events: &[Event]) -> Result<Appended, JournalError> {
        self.wait(id, Command::append(events)?)
    }

    /// As [`Journals::append`], for asynchronous callers. When the future is dropped while it waits, the append still
    /// happens.
    ///
    /// # Errors
    /// As [`Journals::append`].
    pub async fn append_async(&self, id: &str, events: &[Event]) -> Result<Appended, JournalError> {
        let (tell, told) = oneshot::channel();
        self.send(id, Command::append(events)?, Box::new(move |answer| drop(tell.send(answer))))?;
        told.await.unwrap_or(Err(JournalError::Closed))
    }

    /// Removes a journal with all its events. A journal that is not there is no error; one that is created again
    /// starts at sequence 0.
    ///
    /// # Errors
    /// What the disk said.
    pub fn delete(&self, id: &str) -> Result<(), JournalError> {
        self.wait(id, Command::Delete).map(drop)
    }

    /// Removes segments whose events all happened before a time. Younger events in a segment keep the older ones in
    /// it; a segment that is not very small spans about a day of event time. Sequence numbers go on.
    ///
    /// # Errors
    /// What the disk said.
    pub fn delete_before(&self, id: &str, time: Timestamp) -> Result<(), JournalError> {
        self.wait(id, Command::DeleteBefore(time)).map(drop)
    }

    fn wait(&self, id: &str, command: Command) -> Result<Appended, JournalError> {
        let (tell, told) = sync_channel(1);
        self.send(id, command, Box::new(move |answer| drop(tell.send(answer))))?;
        told.recv().unwrap_or(Err(JournalError::Closed))
    }

    fn send(&self, id: &str, command: Command, answer: Answer) -> Result<(), JournalError> {
        let queue = self.0.queue.as_ref().ok_or(JournalError::Closed)?;
        queue.send(Job { id: id.to_owned(), command, answer }).map_err(|_| JournalError::Closed)
    }

    /// The events of a range, in the order of appending or backwards. A journal that is not there has none.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when records on disk are not what was written, or what the disk said.
    pub fn read(&self, id: &str, range: Range) -> Result<Page, JournalError> {
        read::read(&self.0.catalog, id, range)
    }

    /// Sums over a journal; all zero when it is not there.
    ///
    /// # Errors
    /// What the disk said when the journal's index had to be read.
    pub fn stats(&self, id: &str) -> Result<Stats, JournalError> {
        self.0.catalog.journal(id).with(|state| state.stats())
    }

    /// The directory.
    pub fn directory(&self) -> PathBuf {
        self.0.catalog.root().to_owned()
    }
}

impl std::fmt::Debug for Journals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journals").field("directory", &self.0.catalog.root()).finish_non_exhaustive()
    }
}
