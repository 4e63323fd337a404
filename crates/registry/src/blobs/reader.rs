//! Reading a blob, or a part of it, as a stream.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, stream};
use rustix::io::{ReadWriteFlags, preadv2};

/// Bytes per read. Few enough that what was read is still in the processor's cache when it is sent.
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

    /// The bytes of `range`. What the kernel has in memory is read at once, on the thread that sends it; for what has to
    /// come from the disk another thread waits.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let buffers = Arc::new(Buffers::default());
        stream::try_unfold((self.file, range, buffers), async |(file, range, buffers)| {
            if range.is_empty() {
                return Ok(None);
            }
            let buffer = Buffers::lend(&buffers, (range.end - range.start).min(CHUNK));
            let chunk = buffer.fill(&file, range.start).await?;
            let rest = range.start + chunk.len() as u64..range.end;
            Ok(Some((chunk, (file, rest, buffers))))
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

/// Buffers of one transfer that are not on their way: the next chunks go where the last ones were.
#[derive(Debug, Default)]
struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn lend(buffers: &Arc<Self>, length: u64) -> Buffer {
        let length = usize::try_from(length.min(CHUNK)).unwrap_or_default();
        let mut bytes = buffers.free().pop().unwrap_or_default();
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        Buffer { bytes, length, home: Arc::clone(buffers) }
    }

    /// Only whole buffers go in and out, so a panic elsewhere does not spoil them.
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a blob; its memory goes back to the transfer when it was sent.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
}

impl Buffer {
    /// Reads into it from `start`: less than it can hold, if no more is in memory.
    async fn fill(mut self, file: &Arc<File>, start: u64) -> io::Result<Bytes> {
        if let Some(read) = self.fill_from_memory(file, start) {
            self.length = read;
            return Ok(Bytes::from_owner(self));
        }
        let file = Arc::clone(file);
        let filled = super::blocking(move || {
            file.read_exact_at(self.part(), start)?;
            Ok(self)
        });
        Ok(Bytes::from_owner(filled.await?))
    }

    /// `None` if that would wait for the disk, or if the file system cannot tell (preadv2(2), `RWF_NOWAIT`).
    fn fill_from_memory(&mut self, file: &File, start: u64) -> Option<usize> {
        let mut part = [IoSliceMut::new(self.part())];
        let read = preadv2(file, &mut part, start, ReadWriteFlags::NOWAIT).ok()?;
        (read > 0).then_some(read)
    }

    fn part(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.free().push(std::mem::take(&mut self.bytes));
    }
}

pub(super) fn read_exact(file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut buffer, start)?;
    Ok(buffer.into())
}
