//! Content on its way in: hashed as it is written, visible once its digest has been checked.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use landfall_base::random;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::growing::{Growing, Progress};
use super::{BlobError, BlobStore, blocking};
use crate::digest::{Digest, Hasher};

/// A temporary file and the running digest of its content. Dropped before [`Upload::finish`], it leaves nothing.
pub struct Upload {
    store: BlobStore,
    file: File,
    path: TemporaryPath,
    hasher: Hasher,
    size: u64,
    /// For those who read it before it is whole.
    progress: Option<watch::Sender<Progress>>,
}

/// What an upload held at some point, to go back to.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    hasher: Hasher,
    size: u64,
}

impl Upload {
    pub(super) fn create(store: BlobStore) -> io::Result<Self> {
        let path = TemporaryPath(store.0.uploads.join(random::hex(32)));
        let file = File::options().create_new(true).write(true).mode(0o600).open(&path.0)?;
        Ok(Self { store, file, path, hasher: Hasher::new(), size: 0, progress: None })
    }

    /// Number of bytes received.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lets others read what comes of a blob that will have `size` bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn share(&mut self, size: u64) -> io::Result<Growing> {
        let (progress, watched) = watch::channel(Progress { received: self.size, whole: false });
        self.progress = Some(progress);
        Growing::new(&self.path.0, size, watched)
    }

    /// Appends chunks.
    ///
    /// # Errors
    /// What the operating system says; the upload is then gone.
    pub async fn append(self, chunks: Vec<Bytes>) -> Result<Self, BlobError> {
        Ok(self.start_append(chunks).await.map_err(io::Error::other)??)
    }

    /// Appends chunks while the caller gathers the next ones.
    pub(crate) fn start_append(mut self, chunks: Vec<Bytes>) -> JoinHandle<io::Result<Self>> {
        tokio::task::spawn_blocking(move || {
            for chunk in &chunks {
                self.file.write_all(chunk)?;
                self.hasher.update(chunk);
                self.size += chunk.len() as u64;
            }
            self.tell(false);
            Ok(self)
        })
    }

    fn tell(&self, whole: bool) {
        if let Some(progress) = &self.progress {
            progress.send_replace(Progress { received: self.size, whole });
        }
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { hasher: self.hasher.clone(), size: self.size }
    }

    /// Forgets what came after `checkpoint`.
    pub(crate) async fn roll_back(mut self, checkpoint: Checkpoint) -> Result<Self, BlobError> {
        let back = blocking(move || {
            self.file.set_len(checkpoint.size)?;
            self.file.seek(SeekFrom::Start(checkpoint.size))?;
            (self.hasher, self.size) = (checkpoint.hasher, checkpoint.size);
            Ok(self)
        });
        Ok(back.await?)
    }

    /// Whether what was received has this digest, so that it can be finished.
    ///
    /// # Errors
    /// [`BlobError::DigestMismatch`]
    pub fn check(&self, expected: Digest) -> Result<(), BlobError> {
        let actual = self.hasher.clone().finish();
        if actual == expected { Ok(()) } else { Err(BlobError::DigestMismatch { expected, actual }) }
    }

    /// Checks the digest and makes the blob visible, once its bytes are on the disk. Returns its size.
    ///
    /// # Errors
    /// [`BlobError::DigestMismatch`], or what the operating system says.
    pub async fn finish(self, expected: Digest) -> Result<u64, BlobError> {
        self.check(expected)?;
        let size = self.size;
        if self.store.touch(expected).await? {
            // To remove a large file takes a while.
            blocking(move || {
                self.tell(true);
                drop(self);
                Ok(())
            })
            .await?;
        } else {
            blocking(move || self.publish(expected)).await?;
        }
        Ok(size)
    }

    /// The order matters: content on disk, then the name, then the name on disk.
    fn publish(self, digest: Digest) -> io::Result<()> {
        self.file.set_modified(self.store.now())?;
        self.file.sync_all()?;
        let target = self.store.path(digest);
        let shard = target.parent().unwrap_or(&self.store.0.blobs);
        make_shard(shard, &self.store.0.blobs)?;
        fs::rename(&self.path.0, &target)?;
        sync_dir(shard)?;
        self.tell(true);
        Ok(())
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("path", &self.path.0).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Removed when dropped; after the rename there is nothing to remove.
struct TemporaryPath(PathBuf);

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.0.display(), %error, "an unfinished upload could not be removed");
            }
            _ => {}
        }
    }
}

fn make_shard(shard: &Path, parent: &Path) -> io::Result<()> {
    match fs::create_dir(shard) {
        Ok(()) => sync_dir(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
