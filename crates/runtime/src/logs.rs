//! The log of a container: a file of frames that the shim appends to and anybody may read while it grows.
//!
//! A frame is a header of 16 bytes and a line. The header: stream (1 or 2), flags (1: the line goes on in the next
//! frame), two zero bytes, the length as 32 bits and the time in milliseconds since 1970 as 64 bits, both little endian.
//! Offsets never change: when old lines are dropped their blocks are given back to the file system as a hole, and the
//! file `log.start` beside the log says where the first whole frame is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FallocateFlags, fallocate, inotify};

/// Size of a frame's header.
pub(crate) const HEADER: usize = 16;
/// Longer lines are split, at the size that Docker splits them.
pub(crate) const MOST_BYTES: usize = 16 * 1024;
const PARTIAL: u8 = 1;
/// How much of the file one read looks at.
const CHUNK: usize = 256 * 1024;

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, or part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it was written.
    pub stream: Stream,
    /// When the shim read it, in milliseconds since 1970.
    pub time: i64,
    /// The text without its newline.
    pub bytes: Vec<u8>,
    /// Whether the line goes on in the stream's next frame.
    pub partial: bool,
}

impl Frame {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let stream = match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        };
        out.extend_from_slice(&[stream, if self.partial { PARTIAL } else { 0 }, 0, 0]);
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }

    /// The first frame in `bytes` and its whole length; `None` if it is not complete yet.
    fn decode(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
        let [stream, flags, _, _, l0, l1, l2, l3, time @ ..] = *header;
        let stream = match stream {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            _ => return Err(damaged()),
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > MOST_BYTES {
            return Err(damaged());
        }
        let Some(line) = rest.get(..length) else { return Ok(None) };
        let frame = Self {
            stream,
            time: i64::from_le_bytes(time),
            bytes: line.to_vec(),
            partial: flags & PARTIAL != 0,
        };
        Ok(Some((frame, HEADER + length)))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the log is damaged: no frame begins here")
}

fn start_file(log: &Path) -> PathBuf {
    log.with_extension("start")
}

/// Gives the blocks before `offset`, which must be where a frame begins, back to the file system.
pub(crate) fn discard_before(log: &Path, file: &File, offset: u64) -> io::Result<()> {
    let (path, new) = (start_file(log), log.with_extension("start.new"));
    std::fs::write(&new, offset.to_string())?;
    std::fs::rename(new, path)?;
    match fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, offset) {
        // Some file systems cannot; then the lines stay on disk and are only no longer shown.
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn start(log: &Path) -> u64 {
    std::fs::read_to_string(start_file(log)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Reads frames from a log, which may still grow.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    file: File,
    offset: u64,
}

impl LogReader {
    /// Opens the log at `offset`: 0 for the beginning, or what [`Self::offset`] gave earlier. Lines that were dropped
    /// meanwhile are skipped.
    pub fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { path: path.to_owned(), file, offset: offset.max(start(path)) })
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The frames that are there now, up to about 256 KiB of them; empty at the end of the log.
    ///
    /// # Errors
    /// If the file cannot be read, or what it holds at this offset is not a frame.
    pub fn read(&mut self) -> io::Result<Vec<Frame>> {
        let mut buffer = vec![0; CHUNK];
        let length = self.file.read_at(&mut buffer, self.offset)?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        let mut frames = Vec::new();
        loop {
            match Frame::decode(rest) {
                Ok(Some((frame, size))) => {
                    self.offset += size as u64;
                    rest = rest.get(size..).unwrap_or_default();
                    frames.push(frame);
                }
                Ok(None) => return Ok(frames),
                Err(error) => return self.after_damage(frames, error),
            }
        }
    }

    /// A reader that fell behind finds a hole; it goes on at the first line that is still there.
    fn after_damage(&mut self, frames: Vec<Frame>, error: io::Error) -> io::Result<Vec<Frame>> {
        let start = start(&self.path);
        if !frames.is_empty() {
            Ok(frames)
        } else if start > self.offset {
            self.offset = start;
            self.read()
        } else {
            Err(error)
        }
    }

    /// Sleeps until there is more to read or `timeout` has passed; whether there is more.
    pub fn wait(&self, timeout: Duration) -> io::Result<bool> {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&watch, &self.path, inotify::WatchFlags::MODIFY)?;
        // Looked at after the watch is in place, so that nothing written in between is missed.
        if self.has_more()? {
            return Ok(true);
        }
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => self.has_more(),
            Err(error) => Err(error.into()),
        }
    }

    fn has_more(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() > self.offset)
    }
}

/// Where the last whole frame of a log ends. A shim that was killed may have left part of one.
pub(crate) fn end_of_frames(path: &Path) -> io::Result<u64> {
    let mut reader = LogReader::open(path, 0)?;
    while !reader.read()?.is_empty() {}
    Ok(reader.offset())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(text: &str) -> Frame {
        Frame { stream: Stream::Stdout, time: 7, bytes: text.as_bytes().to_vec(), partial: false }
    }

    fn log(frames: &[Frame]) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut bytes));
        let path = dir.path().join("log");
        std::fs::write(&path, &bytes).unwrap();
        (dir, path, bytes)
    }

    proptest! {
        #[test]
        fn frames_come_back_as_written(bytes in prop::collection::vec(any::<u8>(), 0..MOST_BYTES), time: i64, partial: bool) {
            let frame = Frame { stream: Stream::Stderr, time, bytes, partial };
            let mut encoded = Vec::new();
            frame.encode(&mut encoded);
            let length = encoded.len();
            prop_assert_eq!(Frame::decode(&encoded).unwrap(), Some((frame, length)));
            prop_assert_eq!(Frame::decode(&encoded[..length - 1]).unwrap_or(None), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Frame::decode(&bytes);
        }
    }

    #[test]
    fn a_torn_tail_is_not_shown_and_can_be_found() {
        let (_dir, path, bytes) = log(&[frame("one"), frame("two")]);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut reader = LogReader::open(&path, 0).unwrap();
        assert_eq!(reader.read().unwrap(), [frame("one")]);
        assert_eq!(end_of_frames(&path).unwrap(), HEADER as u64 + 3);
        std::fs::write(&path, &bytes).unwrap();
        assert!(reader.wait(Duration::ZERO).unwrap());
        assert_eq!(reader.read().unwrap(), [frame("two")]);
        assert!(!reader.wait(Duration::ZERO).unwrap());
    }

    #[test]
    fn dropped_lines_leave_later_offsets_alone() {
        let (_dir, path, bytes) = log(&[frame(&"x".repeat(9000)), frame("kept")]);
        let mut behind = LogReader::open(&path, 0).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        discard_before(&path, &file, HEADER as u64 + 9000).unwrap();
        assert_eq!(behind.read().unwrap(), [frame("kept")]);
        assert_eq!(behind.offset(), bytes.len() as u64);
        assert_eq!(LogReader::open(&path, 0).unwrap().read().unwrap(), [frame("kept")]);
    }
}
