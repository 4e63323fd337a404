//! A blob that is being received, for those who want it before it is whole.
//!
//! Its last byte is held back until its digest has been checked, so that nobody has a whole blob that is not what its digest
//! says. When the upload is given up, reading ends with an error.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::reader::{CHUNK, read_exact};

/// How far an upload has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) received: u64,
    /// The digest was right, and the bytes are where they stay.
    pub(super) whole: bool,
}

/// A handle to the bytes of an upload; clones share it.
#[derive(Debug, Clone)]
pub struct Growing {
    file: Arc<File>,
    size: u64,
    progress: watch::Receiver<Progress>,
}

impl Growing {
    pub(super) fn new(path: &Path, size: u64, progress: watch::Receiver<Progress>) -> io::Result<Self> {
        Ok(Self { file: Arc::new(File::open(path)?), size, progress })
    }

    /// The size that it will have.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Waits until it is whole.
    ///
    /// # Errors
    /// The upload was given up.
    pub async fn whole(mut self) -> io::Result<()> {
        self.progress.wait_for(|progress| progress.whole).await.map(drop).map_err(given_up)
    }

    /// All bytes, as they come.
    pub fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::try_unfold((self, 0), async |(mut growing, at)| {
            if at >= growing.size {
                return Ok(None);
            }
            let until = growing.readable(at).await?;
            let (file, length) = (Arc::clone(&growing.file), (until - at).min(CHUNK));
            let chunk = super::blocking(move || read_exact(&file, at, length)).await?;
            Ok(Some((chunk, (growing, at + length))))
        })
    }

    /// Up to where it can be read, once that is past `at`.
    async fn readable(&mut self, at: u64) -> io::Result<u64> {
        let size = self.size;
        let bound = |progress: &Progress| match progress.whole {
            true => size,
            false => progress.received.min(size.saturating_sub(1)),
        };
        let progress = self.progress.wait_for(|progress| bound(progress) > at).await.map_err(given_up)?;
        Ok(bound(&progress))
    }
}

fn given_up(_: watch::error::RecvError) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the upload was given up")
}
