//! Reading a blob, or a part of it, as a stream.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::task::JoinHandle;

/// Bytes per read. Two of these are in memory per transfer: one on its way out, one being read.
pub(super) const CHUNK: u64 = 256 * 1024;

/// An open blob.
#[derive(Debug)]
pub struct BlobReader {
    file: Arc<File>,
    size: u64,
}

impl BlobReader {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), size })
    }

    /// Size in bytes of the whole blob.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of `range`, read ahead by one chunk.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let ahead = read_ahead(&self.file, &range);
        stream::try_unfold((self.file, range, ahead), async |(file, range, ahead)| {
            let Some(ahead) = ahead else { return Ok(None) };
            let chunk = ahead.await.map_err(io::Error::other)??;
            let rest = range.start + chunk.len() as u64..range.end;
            let ahead = read_ahead(&file, &rest);
            Ok(Some((chunk, (file, rest, ahead))))
        })
    }

    /// The whole blob in memory; for manifests, whose size is limited when they are stored.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn bytes(self) -> io::Result<Bytes> {
        let size = self.size;
        super::blocking(move || read_exact(&self.file, 0, size)).await
    }
}

fn read_ahead(file: &Arc<File>, range: &Range<u64>) -> Option<JoinHandle<io::Result<Bytes>>> {
    let length = range.end.saturating_sub(range.start).min(CHUNK);
    let (file, start) = (Arc::clone(file), range.start);
    (length > 0).then(|| tokio::task::spawn_blocking(move || read_exact(&file, start, length)))
}

pub(super) fn read_exact(file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut buffer = Vec::with_capacity(length);
    while buffer.len() < length {
        // Into memory as it is: to fill it with zeros first would be a third of the work.
        let at = start + buffer.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut buffer), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(length);
    Ok(buffer.into())
}
