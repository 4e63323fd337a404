//! What can go wrong with journals.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::StoreError;

/// A failure to append or read. Cheap to clone: one failed sync is reported to every append that was part of it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] StoreError),
    /// A file operation failed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was attempted, for example `append to`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<std::io::Error>,
    },
    /// An event is larger than a journal takes.
    #[error("an event of {bytes} bytes is too large: expected at most {limit}")]
    TooLarge {
        /// Its payload's size in bytes.
        bytes: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// The bytes of a segment are not what was written.
    #[error("journal segment `{}` is damaged at byte {offset}: restore it from a backup or delete it", path.display())]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// The journals are shutting down.
    #[error("the journals are closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source: Arc::new(source) }
    }

    /// Whether the file was not there: for a reader, that it was deleted meanwhile.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}
