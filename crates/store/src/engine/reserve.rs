//! Room on the disk that is kept for deletions: on a disk that is full, they are what makes room.
//!
//! SQLite writes to its log first. The log's blocks are taken from the file system in advance, beyond its end, where nobody
//! else can have them; and writes that add are refused a little before the disk is full, so that they do not use them up.
//! A file system that copies what it writes (btrfs, ZFS) may want more than that.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};

use super::Gauge;

/// Bytes that the log has in advance: a repository with some ten thousand images goes in one transaction.
const RESERVE: u64 = 16 * 1024 * 1024;

/// Writes that add are refused when no more bytes than this are left.
const LEAST: u64 = 1024 * 1024;

/// The room for deletions in one data directory.
#[derive(Debug)]
pub(super) struct Reserve {
    log: PathBuf,
    directory: Arc<File>,
    taken: bool,
}

impl Reserve {
    /// Takes the room for the log file `log`, which exists.
    pub(super) fn take(log: PathBuf, directory: &Path) -> std::io::Result<Self> {
        let mut reserve = Self { log, directory: Arc::new(File::open(directory)?), taken: false };
        if let Err(error) = reserve.allocate() {
            tracing::warn!(
                path = %reserve.log.display(), %error,
                "no room could be kept for deletions: on a full disk they may fail"
            );
        }
        Ok(reserve)
    }

    /// Takes the room when there is some, if that failed before.
    pub(super) fn retake(&mut self) {
        if !self.taken && free(&self.directory) > RESERVE + LEAST && self.allocate().is_ok() {
            tracing::info!("there is room for deletions again");
        }
    }

    fn allocate(&mut self) -> std::io::Result<()> {
        let log = File::options().write(true).open(&self.log)?;
        match fallocate(&log, FallocateFlags::KEEP_SIZE, 0, RESERVE) {
            Ok(()) => self.taken = true,
            // To ask again would not help.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.taken = true,
            Err(why) => return Err(why.into()),
        }
        Ok(())
    }

    /// Whether there is room for writes that add.
    pub(super) fn is_room_left(&self) -> bool {
        free(&self.directory) > LEAST
    }

    /// [`is_room_left`](Self::is_room_left) for those who write.
    pub(super) fn gauge(&self) -> Gauge {
        let directory = Arc::clone(&self.directory);
        Box::new(move || free(&directory) > LEAST)
    }
}

/// Bytes that this process may still write; what cannot be asked is taken for endless.
fn free(directory: &File) -> u64 {
    let Ok(found) = fstatvfs(directory) else { return u64::MAX };
    let blocks = if rustix::process::geteuid().is_root() { found.f_bfree } else { found.f_bavail };
    blocks.saturating_mul(found.f_frsize)
}
