//! Counting what comes out of the decompressor, and stopping in time.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::UnpackOptions;
use crate::Digest;
use crate::digest::Hasher;

/// How often free space is looked at, in unpacked bytes.
const LOOK_EVERY: u64 = 16 << 20;

/// A configured limit was reached.
#[derive(Debug)]
pub(super) struct LimitHit {
    what: &'static str,
    bytes: u64,
}

impl fmt::Display for LimitHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unpacks to more than the limit of {} bytes", self.what, self.bytes)
    }
}

impl std::error::Error for LimitHit {}

/// The disk is about to be full.
#[derive(Debug)]
pub(super) struct SpaceLow {
    path: PathBuf,
    reserve: u64,
}

impl fmt::Display for SpaceLow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "write {path}: no space left on device (the limit of {} free bytes is kept)", self.reserve)
    }
}

impl std::error::Error for SpaceLow {}

/// Bytes that may still be written where `path` is.
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The size of the file system that `path` is on, in bytes.
pub(crate) fn disk_size(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
}

/// Reads through, counting.
pub(super) struct Bounded<R> {
    source: R,
    root: PathBuf,
    count: u64,
    layer_limit: u64,
    image_limit: u64,
    image_left: Arc<AtomicU64>,
    reserve: u64,
    next_look: u64,
    hasher: Hasher,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(source: R, root: &Path, options: &UnpackOptions) -> Self {
        Self {
            source,
            root: root.to_owned(),
            count: 0,
            layer_limit: options.limits.layer_bytes,
            image_limit: options.limits.image_bytes,
            image_left: Arc::clone(&options.image_left),
            reserve: options.limits.free_bytes,
            next_look: 0,
            hasher: Hasher::sha256(),
        }
    }

    /// How many bytes there were, and their digest.
    pub(super) fn finish(self) -> (u64, Digest) {
        (self.count, self.hasher.finish())
    }

    fn charge(&mut self, bytes: u64) -> io::Result<()> {
        self.count = self.count.saturating_add(bytes);
        if self.count > self.layer_limit {
            return Err(io::Error::other(LimitHit { what: "the layer", bytes: self.layer_limit }));
        }
        let take = |left: u64| left.checked_sub(bytes);
        if self.image_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(io::Error::other(LimitHit { what: "the image", bytes: self.image_limit }));
        }
        if self.count >= self.next_look {
            self.next_look = self.count + LOOK_EVERY;
            self.look()?;
        }
        Ok(())
    }

    fn look(&self) -> io::Result<()> {
        if free_space(&self.root)? < self.reserve {
            return Err(io::Error::other(SpaceLow { path: self.root.clone(), reserve: self.reserve }));
        }
        Ok(())
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.charge(count as u64)?;
        Ok(count)
    }
}
