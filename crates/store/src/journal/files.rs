//! Open segment files, a bounded number of them.

use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::error::JournalError;

/// File descriptors that are kept open between uses.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Keyed by segment number, not by path: a deleted and re-created segment is another one.
pub(crate) struct Files(Mutex<LruCache<u64, Arc<File>>>);

impl Files {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(OPEN_FILES)))
    }

    /// The file of a segment, for reading and writing.
    pub(crate) fn get(&self, segment: u64, path: &Path) -> Result<Arc<File>, JournalError> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = Arc::new(opened.map_err(|why| JournalError::io("open", path, why))?);
        files.put(segment, Arc::clone(&file));
        Ok(file)
    }

    /// Closes the file of a segment that is gone, once its readers are done.
    pub(crate) fn forget(&self, segment: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop(&segment);
    }
}

/// Makes a directory's entries durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), JournalError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|why| JournalError::io("sync", path, why))
}
