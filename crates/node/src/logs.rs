//! The awslogs driver: from a container's log file to CloudWatch Logs, each line once.
//!
//! Lines are numbered in the order in which they end in the file, which is the same whenever it is read. After a restart the
//! file is read from its beginning and what was delivered before is passed over.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landfall_acs::LogEvent;
use landfall_base::Timestamp;
use landfall_runtime::{ContainerId, Frame, LogReader, Stream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::task::Task;

/// Shortest and longest wait for more lines.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

/// Shortest and longest wait before a refused delivery is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// How long the end of a task waits for its last lines while none of them is taken.
const DRAIN: Duration = Duration::from_secs(30);

/// Most lines of one delivery; PutLogEvents takes 10,000.
const BATCH: usize = 2_000;

/// Longest event: what CloudWatch Logs takes, less its overhead. Longer lines become several events, as with Docker's driver.
const EVENT_BYTES: usize = 262_118;

/// Delivers the lines of one container.
pub(crate) struct LogPump {
    ended: watch::Sender<bool>,
    /// Lines delivered or given up.
    progress: Arc<AtomicU64>,
    work: JoinHandle<()>,
}

impl LogPump {
    /// Begins where delivery stood.
    pub(crate) fn start(task: Arc<Task>, container: String, id: &ContainerId) -> Self {
        let (ended, told) = watch::channel(false);
        let path = task.parts.runtime.log_path(id);
        let progress = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&progress);
        let work = tokio::spawn(async move { deliver(&task, &container, &path, told, &count).await });
        Self { ended, progress, work }
    }

    /// Delivers what is left of a container that has ended.
    pub(crate) async fn drain(mut self) {
        // The receiver is gone only when the work is over already.
        let _ = self.ended.send(true);
        let mut before = self.progress.load(Ordering::Relaxed);
        while tokio::time::timeout(DRAIN, &mut self.work).await.is_err() {
            let now = self.progress.load(Ordering::Relaxed);
            if now == before {
                self.work.abort();
                tracing::warn!(delivered = now, "the last log lines of a container could not be delivered");
                return;
            }
            before = now;
        }
    }
}

impl Drop for LogPump {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn deliver(
    task: &Task,
    container: &str,
    path: &Path,
    mut ended: watch::Receiver<bool>,
    progress: &AtomicU64,
) {
    let mut source = Source::new(path, task.parts.control.delivered_lines(task.arn(), container).await);
    let mut pause = POLL.0;
    loop {
        // Asked before reading: a container that had ended by then has written everything.
        let last = *ended.borrow();
        let events = source.next_batch();
        if events.is_empty() {
            if last {
                return;
            }
            let _ = tokio::time::timeout(pause, ended.wait_for(|ended| *ended)).await;
            pause = (pause * 2).min(POLL.1);
            continue;
        }
        pause = POLL.0;
        let first = source.delivered;
        source.delivered += events.len() as u64;
        persist(task, container, first, events).await;
        progress.store(source.delivered, Ordering::Relaxed);
    }
}

/// Delivers a batch, however long it takes. What has nowhere to go any more, because its log group or stream was deleted, is
/// given up, as Docker's driver does.
async fn persist(task: &Task, container: &str, first: u64, events: Vec<LogEvent>) {
    let mut pause = RETRY.0;
    while let Err(error) = task.parts.control.deliver_logs(task.arn(), container, first, events.clone()).await
    {
        if error.contains("ResourceNotFoundException") {
            let lines = events.len();
            tracing::warn!(task = task.arn(), container, lines, error, "log lines were given up");
            return;
        }
        tracing::warn!(task = task.arn(), container, error, "log lines were not taken; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

/// The events of a log file, from a given one on.
struct Source {
    path: PathBuf,
    reader: Option<LogReader>,
    lines: Lines,
    /// Events read so far.
    read: u64,
    /// Events delivered so far.
    delivered: u64,
}

impl Source {
    fn new(path: &Path, delivered: u64) -> Self {
        Self { path: path.to_owned(), reader: None, lines: Lines::default(), read: 0, delivered }
    }

    /// What is there and not delivered yet, up to a batch.
    fn next_batch(&mut self) -> Vec<LogEvent> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let frames = self.frames();
            if frames.is_empty() {
                break;
            }
            for event in frames.into_iter().flat_map(|frame| self.lines.push(frame)) {
                if self.read >= self.delivered {
                    batch.push(event);
                }
                self.read += 1;
            }
        }
        batch
    }

    fn frames(&mut self) -> Vec<Frame> {
        if self.reader.is_none() {
            self.reader = LogReader::open(&self.path, 0).ok();
        }
        let frames = self.reader.as_mut().map(LogReader::read);
        frames
            .and_then(|frames| {
                frames
                    .inspect_err(|error| tracing::warn!(%error, path = %self.path.display(), "log file"))
                    .ok()
            })
            .unwrap_or_default()
    }
}

/// Puts parts of lines together. Empty lines are left out: CloudWatch Logs takes none.
#[derive(Default)]
struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    fn push(&mut self, frame: Frame) -> Vec<LogEvent> {
        let line = match frame.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        line.extend_from_slice(&frame.bytes);
        let whole = if frame.partial { full_events(line) } else { std::mem::take(line) };
        events(&whole, Timestamp::from_millis(frame.time))
    }
}

/// Takes from the beginning of a line that goes on as much as fills events, without cutting a character.
fn full_events(line: &mut Vec<u8>) -> Vec<u8> {
    let full = line.len() / EVENT_BYTES * EVENT_BYTES;
    let is_start = |at: &usize| line.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let cut = (full.saturating_sub(3)..=full).rev().find(is_start).unwrap_or(full);
    let rest = line.split_off(cut);
    std::mem::replace(line, rest)
}

fn events(line: &[u8], time: Timestamp) -> Vec<LogEvent> {
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let mut rest = text;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(EVENT_BYTES));
        events.push(LogEvent { time, message: part.to_owned() });
        rest = after;
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: Stream, text: &str, partial: bool) -> Frame {
        Frame { stream, time: 5, bytes: text.as_bytes().to_vec(), partial }
    }

    #[test]
    fn parts_are_put_together_by_stream() {
        let mut lines = Lines::default();
        assert!(lines.push(frame(Stream::Stdout, "a", true)).is_empty());
        assert_eq!(lines.push(frame(Stream::Stderr, "x", false))[0].message, "x");
        assert_eq!(lines.push(frame(Stream::Stdout, "b\r", false))[0].message, "ab");
        assert!(lines.push(frame(Stream::Stdout, "", false)).is_empty());
    }

    #[test]
    fn long_lines_in_parts_keep_their_characters() {
        let text = format!("a{}", "é".repeat(400_000));
        let mut lines = Lines::default();
        let mut events = Vec::new();
        let mut parts = text.as_bytes().chunks(262_144).peekable();
        while let Some(part) = parts.next() {
            let partial = parts.peek().is_some();
            let frame = Frame { stream: Stream::Stdout, time: 5, bytes: part.to_vec(), partial };
            events.extend(lines.push(frame));
        }
        assert_eq!(events.iter().map(|event| event.message.as_str()).collect::<String>(), text);
    }

    #[test]
    fn long_lines_become_several_events() {
        let text = "ä".repeat(EVENT_BYTES);
        let parts = events(text.as_bytes(), Timestamp::from_millis(0));
        assert_eq!(parts.iter().map(|event| event.message.as_str()).collect::<String>(), text);
        assert!(parts.iter().all(|event| event.message.len() <= EVENT_BYTES));
    }
}
