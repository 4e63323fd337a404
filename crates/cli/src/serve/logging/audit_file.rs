//! The audit log's file.
//!
//! Most calls are reads that are allowed, and a write to the file for each of them would cost as much as verifying its
//! signature. Their lines are collected for some milliseconds and written together. Every other line, of a change or of a
//! refusal, is in the file before the call is answered, and so is what was collected before it: a server that is killed
//! loses at most the lines of the last reads.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use landfall_services::pipe::ALLOWED_READ;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// How long a collected line may wait.
const PATIENCE: Duration = Duration::from_millis(10);

/// As many bytes as may wait; beyond that whoever adds a line writes them.
const MOST: usize = 256 * 1024;

/// The file, opened for appending.
#[derive(Clone)]
pub(super) struct AuditFile(Arc<Shared>);

struct Shared {
    file: File,
    /// Whole lines.
    collected: Mutex<Vec<u8>>,
    /// There are some where there were none.
    some: Condvar,
}

impl AuditFile {
    /// Opens or creates it (mode 0600), and starts the thread that writes what is collected.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let shared = Arc::new(Shared { file, collected: Mutex::default(), some: Condvar::new() });
        let this = Self(Arc::clone(&shared));
        thread::Builder::new().name("audit-log".to_owned()).spawn(move || shared.write_now_and_then())?;
        Ok(this)
    }

    /// Writes what waits.
    pub(super) fn write_collected(&self) {
        self.0.report(self.0.write(&mut self.0.lock()));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_now_and_then(&self) {
        loop {
            let none = |lines: &mut Vec<u8>| lines.is_empty();
            drop(self.some.wait_while(self.lock(), none).unwrap_or_else(PoisonError::into_inner));
            thread::sleep(PATIENCE);
            let written = self.write(&mut self.lock());
            self.report(written);
        }
    }

    /// Adds a line to those that wait.
    fn collect(&self, line: &[u8]) -> io::Result<()> {
        let mut lines = self.lock();
        if lines.is_empty() {
            self.some.notify_one();
        }
        lines.extend_from_slice(line);
        if lines.len() > MOST { self.write(&mut lines) } else { Ok(()) }
    }

    /// Adds a line and writes it with those that wait: the order in the file is the order of the calls.
    fn write_through(&self, line: &[u8]) -> io::Result<()> {
        let mut lines = self.lock();
        lines.extend_from_slice(line);
        self.write(&mut lines)
    }

    /// One write for all lines. What the disk does not take is lost: it must not fill the memory instead.
    fn write(&self, lines: &mut Vec<u8>) -> io::Result<()> {
        let written = (&self.file).write_all(lines);
        lines.clear();
        written
    }

    fn report(&self, written: io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "lines of the audit log were not written");
        }
    }
}

/// Takes one line.
pub(super) struct LineWriter<'a> {
    shared: &'a Shared,
    can_wait: bool,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let taken = if self.can_wait { self.shared.collect(line) } else { self.shared.write_through(line) };
        taken.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for AuditFile {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter { shared: &self.0, can_wait: false }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        LineWriter { shared: &self.0, can_wait: meta.target() == ALLOWED_READ }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(file: &AuditFile, text: &str, can_wait: bool) {
        LineWriter { shared: &file.0, can_wait }.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn lines_keep_their_order_and_what_cannot_wait_is_there_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let file = AuditFile::open(&path).unwrap();
        line(&file, "read\n", true);
        line(&file, "write\n", false);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "read\nwrite\n");
        line(&file, "last\n", true);
        file.write_collected();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "read\nwrite\nlast\n");
    }

    #[test]
    fn what_waits_is_written_by_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let file = AuditFile::open(&path).unwrap();
        for number in 0..3 {
            line(&file, &format!("{number}\n"), true);
        }
        while std::fs::read_to_string(&path).unwrap() != "0\n1\n2\n" {
            thread::yield_now();
        }
    }

    #[test]
    fn many_lines_do_not_wait() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let file = AuditFile::open(&path).unwrap();
        let long = "x".repeat(MOST + 1);
        line(&file, &long, true);
        assert_eq!(std::fs::read_to_string(&path).unwrap().len(), long.len());
    }
}
