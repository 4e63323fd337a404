//! What can go wrong with the tables.

use std::path::PathBuf;
use std::sync::Arc;

/// A failure of the store itself. Cheap to clone: one failed commit is reported to every write that was part of it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the directory open.
    #[error("data directory `{}` is in use by {holder}: stop it or choose another directory", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// `process N`, or `another process` when the number is not known.
        holder: String,
    },
    /// The directory was written by a newer version.
    #[error(
        "data directory `{}` has format {found}, this version reads up to {supported}: start the newer version",
        path.display()
    )]
    Newer {
        /// The data directory.
        path: PathBuf,
        /// The format number in the directory.
        found: i64,
        /// The highest format number this version reads.
        supported: i64,
    },
    /// A file or directory operation failed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was attempted, for example `create`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<std::io::Error>,
    },
    /// The engine could not be opened or read.
    #[error("cannot read the database: {0}")]
    Read(Arc<str>),
    /// A commit did not reach the disk. Nothing of the write is kept; it may be tried again.
    #[error("the write was not stored: {0}")]
    Commit(Arc<str>),
    /// The disk is full. Nothing of the write is kept; writes that remove more than they add still succeed.
    #[error("the write was not stored: the disk is full: free some space and try again")]
    Full {
        /// As the operating system says it.
        source: Arc<std::io::Error>,
    },
    /// A row's bytes are not what its table holds.
    #[error("row `{key}` of table `{table}` cannot be read: {reason}; restore it from a backup or delete it")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The key, escaped to printable characters.
        key: String,
        /// Why: the place in the JSON, or the key.
        reason: String,
    },
    /// A value could not be turned into JSON.
    #[error("a value for table `{table}` cannot be stored: {reason}")]
    Encode {
        /// The table.
        table: &'static str,
        /// What the encoder said.
        reason: String,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source: Arc::new(source) }
    }

    pub(crate) fn full() -> Self {
        Self::Full { source: Arc::new(std::io::ErrorKind::StorageFull.into()) }
    }

    pub(crate) fn corrupt(table: &'static str, key: &[u8], reason: impl ToString) -> Self {
        Self::Corrupt { table, key: key.escape_ascii().to_string(), reason: reason.to_string() }
    }
}

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure said no; nothing was changed.
    #[error("{0}")]
    Rejected(E),
    /// The store could not keep the write; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: From<StoreError>> WriteError<E> {
    /// Both kinds as the closure's own error type.
    pub fn flatten(self) -> E {
        match self {
            Self::Rejected(error) => error,
            Self::Store(error) => error.into(),
        }
    }
}
