//! Which journals there are, and the index of each that is in use.

use std::fs::{DirBuilder, DirEntry};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use landfall_base::Timestamp;
use lru::LruCache;

use super::Stats;
use super::error::JournalError;
use super::files::{Files, sync_directory};
use super::segment::Segment;

/// Journals whose index is kept in memory while nobody uses them.
const KEPT: usize = 4096;
const TRASH: &str = "deleted-";

/// The journals of a directory.
pub(crate) struct Catalog {
    root: PathBuf,
    pub(crate) files: Files,
    journals: Mutex<LruCache<String, Arc<Journal>>>,
    trash: AtomicU64,
}

/// One journal. Its index is read from the files on first use.
pub(crate) struct Journal {
    pub(crate) id: String,
    pub(crate) directory: PathBuf,
    state: Mutex<Option<State>>,
}

/// The segments of a journal, in order. All but the last are finished.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) segments: Vec<Segment>,
}

impl Catalog {
    /// Removes what deletions have left behind.
    pub(crate) fn open(root: &Path) -> Result<Self, JournalError> {
        let failed = |why| JournalError::io("read", root, why);
        for entry in std::fs::read_dir(root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(TRASH) {
                std::fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        let journals = Mutex::new(LruCache::unbounded());
        Ok(Self { root: root.to_owned(), files: Files::new(), journals, trash: AtomicU64::new(0) })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The journal with an id, whether it has files or not. There is never more than one object for an id: one that
    /// is in use is not dropped from memory.
    pub(crate) fn journal(&self, id: &str) -> Arc<Journal> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = journals.get(id) {
            return Arc::clone(journal);
        }
        let journal = Arc::new(Journal {
            id: id.to_owned(),
            directory: directory(&self.root, id),
            state: Mutex::new(None),
        });
        journals.put(id.to_owned(), Arc::clone(&journal));
        if journals.len() > KEPT {
            evict(&mut journals);
        }
        journal
    }

    /// Takes a journal's directory out of sight in one step, then removes it.
    pub(crate) fn remove(&self, directory: &Path) -> Result<(), JournalError> {
        let number = self.trash.fetch_add(1, Ordering::Relaxed);
        let trash = self.root.join(format!("{TRASH}{number}"));
        match std::fs::rename(directory, &trash) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
            moved => moved.map_err(|why| JournalError::io("delete", directory, why))?,
        }
        directory.parent().map_or(Ok(()), sync_directory)?;
        std::fs::remove_dir_all(&trash).map_err(|why| JournalError::io("delete", &trash, why))
    }
}

fn evict(journals: &mut LruCache<String, Arc<Journal>>) {
    if let Some((id, journal)) = journals.pop_lru()
        && Arc::strong_count(&journal) > 1
    {
        journals.put(id, journal);
    }
}

/// Ids are of any length and may hold any character; a digest of one is a file name.
fn directory(root: &Path, id: &str) -> PathBuf {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_bytes());
    let name = hex::encode(digest);
    let (shard, _) = name.split_at(2);
    root.join(shard).join(&name)
}

impl Journal {
    /// Runs something on the index, reading it first if need be.
    pub(crate) fn with<T>(&self, body: impl FnOnce(&mut State) -> T) -> Result<T, JournalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match &mut *state {
            Some(state) => state,
            missing => missing.insert(State::load(&self.directory, &self.id)?),
        };
        Ok(body(state))
    }

    /// Creates the journal's directory, durably.
    pub(crate) fn create_directory(&self) -> Result<(), JournalError> {
        let failed = |why| JournalError::io("create directory", &self.directory, why);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(failed)?;
        self.directory.ancestors().skip(1).take(2).try_for_each(sync_directory)
    }
}

impl State {
    fn load(directory: &Path, id: &str) -> Result<Self, JournalError> {
        let failed = |why| JournalError::io("read", directory, why);
        let entries = match std::fs::read_dir(directory) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?,
        };
        let mut paths: Vec<PathBuf> = entries
            .iter()
            .map(DirEntry::path)
            .filter(|path| path.extension().is_some_and(|e| e == "log"))
            .collect();
        paths.sort();
        let last = paths.len().saturating_sub(1);
        let load = |(at, path)| Segment::load(path, id, at == last);
        Ok(Self { segments: paths.into_iter().enumerate().map(load).collect::<Result<_, _>>()? })
    }

    /// The number the next event will get.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.next)
    }

    pub(crate) fn stats(&self) -> Stats {
        let times = || self.segments.iter().filter_map(|segment| segment.times);
        let filled = self.segments.iter().filter(|segment| segment.events > 0);
        Stats {
            events: self.segments.iter().map(|segment| segment.events).sum(),
            first_event_time: times().map(|times| times.min).min().map(Timestamp::from_millis),
            last_event_time: times().map(|times| times.max).max().map(Timestamp::from_millis),
            last_ingestion_time: filled.map(|segment| segment.ingested).max().map(Timestamp::from_millis),
            bytes: self.segments.iter().map(|segment| segment.payload).sum(),
            next_sequence: self.next_sequence(),
        }
    }
}
