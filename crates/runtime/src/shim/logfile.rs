//! Turns what a container writes into frames of its log.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::logs::{self, Frame, MOST_BYTES, Stream};

/// The log, open for appending.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    end: u64,
    /// Most bytes to keep; none to keep all.
    keep: Option<u64>,
    /// A beginning of a frame: when half of `keep` has been written since, all before it is dropped.
    mark: u64,
}

impl LogFile {
    /// Opens the log and takes away what a killed shim left unfinished at its end.
    pub(super) fn open(path: &Path, keep: Option<u64>) -> io::Result<Self> {
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let end = logs::end_of_frames(path)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Self { path: path.to_owned(), file, end, keep, mark: end })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Half a frame would make all that follows unreadable.
            self.file.set_len(self.end)?;
            self.file.seek(SeekFrom::Start(self.end))?;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.drop_old()
    }

    fn drop_old(&mut self) -> io::Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        if self.end - self.mark >= (keep / 2).max(1) {
            let newer = std::mem::replace(&mut self.mark, self.end);
            if newer > 0 {
                logs::discard_before(&self.path, &self.file, newer)?;
            }
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Cuts one stream into lines.
pub(super) struct Lines {
    stream: Stream,
    pending: Vec<u8>,
}

impl Lines {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, pending: Vec::new() }
    }

    /// Takes bytes and writes every line that is complete, or too long to wait for its end.
    pub(super) fn take(&mut self, bytes: &[u8], time: i64, log: &mut LogFile) {
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.pending.len() + 64);
        let mut rest = self.pending.as_slice();
        loop {
            let window = rest.get(..MOST_BYTES + 1).unwrap_or(rest);
            if let Some(at) = window.iter().position(|byte| *byte == b'\n') {
                let (line, behind) = rest.split_at(at);
                self.frame(line, time, false).encode(&mut out);
                rest = behind.get(1..).unwrap_or_default();
            } else if rest.len() > MOST_BYTES {
                let (part, behind) = rest.split_at(MOST_BYTES);
                self.frame(part, time, true).encode(&mut out);
                rest = behind;
            } else {
                break;
            }
        }
        self.pending = rest.to_vec();
        write(log, &out);
    }

    /// Writes what is left without a newline.
    pub(super) fn finish(&mut self, time: i64, log: &mut LogFile) {
        if !self.pending.is_empty() {
            let mut out = Vec::new();
            self.frame(&self.pending, time, false).encode(&mut out);
            self.pending.clear();
            write(log, &out);
        }
    }

    fn frame(&self, bytes: &[u8], time: i64, partial: bool) -> Frame {
        Frame { stream: self.stream, time, bytes: bytes.to_vec(), partial }
    }
}

/// A full disk loses lines, but the container's output goes on being read, so that it does not hang.
fn write(log: &mut LogFile, bytes: &[u8]) {
    if !bytes.is_empty() {
        let _ = log.append(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::LogReader;

    fn written(chunks: &[&[u8]], keep: Option<u64>) -> Vec<Frame> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = LogFile::open(&path, keep).unwrap();
        let mut lines = Lines::new(Stream::Stdout);
        chunks.iter().for_each(|chunk| lines.take(chunk, 1, &mut log));
        lines.finish(1, &mut log);
        let mut reader = LogReader::open(&path, 0).unwrap();
        let mut frames = Vec::new();
        loop {
            let more = reader.read().unwrap();
            if more.is_empty() {
                return frames;
            }
            frames.extend(more);
        }
    }

    fn texts(frames: &[Frame]) -> Vec<(String, bool)> {
        frames
            .iter()
            .map(|frame| (String::from_utf8_lossy(&frame.bytes).into_owned(), frame.partial))
            .collect()
    }

    #[test]
    fn lines_are_put_together_from_chunks() {
        let frames = written(&[b"on", b"e\n\ntwo\nthr", b"ee"], None);
        let expected = [("one", false), ("", false), ("two", false), ("three", false)];
        assert_eq!(texts(&frames), expected.map(|(text, partial)| (text.to_owned(), partial)));
    }

    #[test]
    fn long_lines_are_split_and_marked() {
        let long = vec![b'x'; MOST_BYTES + 5];
        let frames = written(&[&long, b"\n"], None);
        assert_eq!(
            frames.iter().map(|frame| (frame.bytes.len(), frame.partial)).collect::<Vec<_>>(),
            [(MOST_BYTES, true), (5, false)]
        );
        let exact = vec![b'x'; MOST_BYTES];
        assert_eq!(written(&[&exact, b"\n"], None).len(), 1);
    }

    #[test]
    fn a_bounded_log_keeps_the_newest_lines() {
        let lines: Vec<String> = (0..1000).map(|number| format!("{number}\n")).collect();
        let chunks: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let frames = written(&chunks, Some(2000));
        let kept: usize = frames.iter().map(|frame| frame.bytes.len() + 16).sum();
        assert!(kept <= 2100, "{kept}");
        assert_eq!(texts(&frames).last().unwrap().0, "999");
        assert!(frames.len() >= 50);
    }
}
