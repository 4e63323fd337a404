//! Content-addressed files on disk: each blob once, under its digest, whole or not at all.
//!
//! ```text
//! blobs/sha256/ab/abcd…   a blob; its modification time is when it was last wanted
//! uploads/…               what has not been checked yet; emptied when the store is opened
//! lock                    held while a process has the store open
//! ```

mod growing;
mod reader;
mod upload;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use landfall_base::{Clock, SystemClock, Timestamp};
use tokio::sync::RwLock;

use crate::Digest;
pub use growing::Growing;
pub use reader::BlobReader;
pub use upload::Upload;

/// Why a blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The content is not what the digest says.
    #[error(
        "the content's digest is `{actual}`, not `{expected}`: send the bytes that the digest was made of"
    )]
    DigestMismatch {
        /// What was promised.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// The directory is in use.
    #[error("the blob directory `{0}` is in use by another process: stop it, or choose another directory")]
    InUse(PathBuf),
    /// The operating system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A handle to a directory of blobs; clones share it.
#[derive(Debug, Clone)]
pub struct BlobStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    blobs: PathBuf,
    uploads: PathBuf,
    clock: Arc<dyn Clock>,
    gate: RwLock<()>,
    /// Unlocked when closed, also by a crash.
    _lock: File,
}

impl BlobStore {
    /// Opens a directory, making it if need be, and removes what unfinished uploads left there.
    ///
    /// # Errors
    /// [`BlobError::InUse`] when another store has it open, or what the operating system says.
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        Self::open_with_clock(dir, Arc::new(SystemClock))
    }

    /// [`BlobStore::open`] with the clock that tells how long a blob has not been wanted.
    ///
    /// # Errors
    /// As [`BlobStore::open`].
    pub fn open_with_clock(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, BlobError> {
        let (blobs, uploads) = (dir.join("blobs/sha256"), dir.join("uploads"));
        fs::create_dir_all(&blobs)?;
        fs::create_dir_all(&uploads)?;
        let lock = lock(dir)?;
        remove_files(&uploads)?;
        Ok(Self(Arc::new(Inner { blobs, uploads, clock, gate: RwLock::new(()), _lock: lock })))
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn begin(&self) -> Result<Upload, BlobError> {
        let store = self.clone();
        Ok(blocking(move || Upload::create(store)).await?)
    }

    /// Stores content that is at hand; returns its digest.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn put(&self, content: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&content);
        if self.touch(digest).await? {
            return Ok(digest);
        }
        let upload = self.begin().await?.append(vec![content]).await?;
        upload.finish(digest).await?;
        Ok(digest)
    }

    /// Size in bytes; `None` without such a blob.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        let path = self.path(digest);
        let meta = blocking(move || present(fs::metadata(path))).await?;
        Ok(meta.map(|meta| meta.len()))
    }

    /// Opens a blob for reading; `None` without such a blob. A blob that is removed meanwhile can be read to its end.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn read(&self, digest: Digest) -> Result<Option<BlobReader>, BlobError> {
        let path = self.path(digest);
        Ok(blocking(move || present(File::open(path))?.map(BlobReader::new).transpose()).await?)
    }

    /// Notes that a blob is wanted now, so that it is not collected as unwanted; `false` without such a blob.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn touch(&self, digest: Digest) -> Result<bool, BlobError> {
        let (path, now) = (self.path(digest), self.now());
        let touched = blocking(move || {
            present(File::options().append(true).open(path))?.map(|file| file.set_modified(now)).transpose()
        });
        Ok(touched.await?.is_some())
    }

    /// Every blob, and when it was last wanted.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn list(&self) -> Result<Vec<(Digest, Timestamp)>, BlobError> {
        let dir = self.0.blobs.clone();
        Ok(blocking(move || list(&dir)).await?)
    }

    /// When a blob was last wanted; `None` without such a blob.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn wanted_at(&self, digest: Digest) -> Result<Option<Timestamp>, BlobError> {
        let path = self.path(digest);
        Ok(blocking(move || present(fs::metadata(path))?.map(|meta| modified(&meta)).transpose()).await?)
    }

    /// Removes a blob; returns the number of bytes freed, 0 if it was not there.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn remove(&self, digest: Digest) -> Result<u64, BlobError> {
        let path = self.path(digest);
        let removed = blocking(move || {
            let Some(meta) = present(fs::metadata(&path))? else { return Ok(0) };
            present(fs::remove_file(&path))?;
            Ok(meta.len())
        });
        Ok(removed.await?)
    }

    /// Shared by whoever makes content reachable, from looking at what is there to writing that it is named; held alone by
    /// whoever removes some.
    pub fn gate(&self) -> &RwLock<()> {
        &self.0.gate
    }

    /// The clock of this store.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    fn now(&self) -> SystemTime {
        let millis = u64::try_from(self.0.clock.now().millis()).unwrap_or(0);
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.hex();
        self.0.blobs.join(&name[..2]).join(name)
    }
}

fn lock(dir: &Path) -> Result<File, BlobError> {
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(BlobError::InUse(dir.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

fn remove_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

fn list(dir: &Path) -> io::Result<Vec<(Digest, Timestamp)>> {
    let mut found = Vec::new();
    for shard in fs::read_dir(dir)? {
        for entry in fs::read_dir(shard?.path())? {
            let entry = entry?;
            let name = entry.file_name();
            let digest = name.to_str().and_then(|name| format!("sha256:{name}").parse().ok());
            let Some(meta) = present(entry.metadata())? else { continue };
            found.extend(digest.map(|digest| Ok::<_, io::Error>((digest, modified(&meta)?))).transpose()?);
        }
    }
    Ok(found)
}

fn modified(meta: &fs::Metadata) -> io::Result<Timestamp> {
    let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

/// Absence is an answer, not an error.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs file work away from the threads that serve connections.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
