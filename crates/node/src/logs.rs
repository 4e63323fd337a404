//! The awslogs driver: from a container's log file to CloudWatch Logs, each line once.
//!
//! Events are numbered in the order in which they end in the file, which is the same whenever it is read. After a restart the
//! file is read from its beginning and what was delivered before is passed over, away from the threads that others wait for.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landfall_acs::{ContainerAssignment, LogEvent, LogOptions};
use landfall_base::{Clock, Timestamp};
use landfall_runtime::{ContainerId, Frame, LogReader, Stream};
use regex::Regex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::task::Task;

/// Shortest and longest wait for more lines.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

/// Shortest and longest wait before a refused delivery is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// How long the end of a task waits for its last lines while none of them is taken.
const DRAIN: Duration = Duration::from_secs(30);

/// Milliseconds after which an event takes no more lines, as with Docker's driver.
const JOIN: i64 = 5_000;

/// How much longer an event waits for lines that were written in time and not yet read.
const JOIN_GRACE: i64 = 1_000;

/// Reads of the file at a time: what is passed over after a restart is passed over in parts, each of which shows progress.
const READS: usize = 64;

/// Most lines of one delivery; PutLogEvents takes 10,000.
const BATCH: usize = 2_000;

/// Longest event: what CloudWatch Logs takes, less its overhead. Longer lines become several events, as with Docker's driver.
const EVENT_BYTES: usize = 262_118;

/// Delivers the lines of one container.
pub(crate) struct LogPump {
    ended: watch::Sender<bool>,
    /// Events delivered, passed over or given up.
    progress: Arc<AtomicU64>,
    work: JoinHandle<()>,
}

impl LogPump {
    /// Begins where delivery stood.
    pub(crate) fn start(task: Arc<Task>, container: &ContainerAssignment, id: &ContainerId) -> Self {
        let (ended, told) = watch::channel(false);
        let path = task.parts.runtime.log_path(id);
        let progress = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&progress);
        let (name, options) = (container.name.clone(), container.log_options.clone());
        let work = tokio::spawn(async move { deliver(&task, &name, &path, &options, told, &count).await });
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
    options: &LogOptions,
    mut ended: watch::Receiver<bool>,
    progress: &AtomicU64,
) {
    let known = task.parts.control.log_options(task.arn(), container).await;
    let options = known.as_ref().unwrap_or(options);
    let delivered = task.parts.control.delivered_lines(task.arn(), container).await;
    let mut source = Source::new(path, delivered, options);
    let mut pause = POLL.0;
    loop {
        // Asked before reading: a container that had ended by then has written everything.
        let last = *ended.borrow();
        let now = task.now().millis();
        let read = tokio::task::spawn_blocking(move || {
            let batch = source.next_batch(last, now);
            (source, batch)
        });
        let Ok((back, batch)) = read.await else { return };
        source = back;
        progress.store(source.read, Ordering::Relaxed);
        if batch.events.is_empty() {
            if batch.more {
                continue;
            }
            if last {
                return;
            }
            let _ = tokio::time::timeout(pause, ended.wait_for(|ended| *ended)).await;
            pause = (pause * 2).min(POLL.1);
            continue;
        }
        pause = POLL.0;
        let held_up = persist(task, container, batch.first, batch.events).await;
        if held_up && let Some(dropped) = source.overflow(options.max_buffer) {
            tracing::warn!(
                task = task.arn(),
                container,
                bytes = dropped,
                "log lines beyond the buffer are dropped"
            );
        }
        progress.fetch_add(1, Ordering::Relaxed);
    }
}

/// Passes on the lines of a container that is no task's until it has ended and all are told. Those of a container that goes
/// on are given up with it.
pub(crate) async fn forward(
    path: &Path,
    clock: &dyn Clock,
    mut ended: watch::Receiver<bool>,
    lines: &mpsc::Sender<LogEvent>,
) {
    let mut source = Source::new(path, 0, &LogOptions::default());
    let mut pause = POLL.0;
    loop {
        let (last, now) = (*ended.borrow(), clock.now().millis());
        let read = tokio::task::spawn_blocking(move || {
            let batch = source.next_batch(last, now);
            (source, batch)
        });
        let Ok((back, batch)) = read.await else { return };
        source = back;
        if batch.events.is_empty() && !batch.more {
            if last {
                return;
            }
            let _ = tokio::time::timeout(pause, ended.wait_for(|ended| *ended)).await;
            pause = (pause * 2).min(POLL.1);
            continue;
        }
        pause = POLL.0;
        for event in batch.events {
            // Nobody may want them any more.
            let _ = lines.send(event).await;
        }
    }
}

/// Delivers a batch, however long it takes, and says whether it was refused first. What has nowhere to go any more, because
/// its log group or stream was deleted, is given up, as Docker's driver does.
async fn persist(task: &Task, container: &str, first: u64, events: Vec<LogEvent>) -> bool {
    let mut pause = RETRY.0;
    let mut held_up = false;
    while let Err(error) = task.parts.control.deliver_logs(task.arn(), container, first, events.clone()).await
    {
        if error.contains("ResourceNotFoundException") {
            let lines = events.len();
            tracing::warn!(task = task.arn(), container, lines, error, "log lines were given up");
            return held_up;
        }
        tracing::warn!(task = task.arn(), container, error, "log lines were not taken; trying again");
        held_up = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
    held_up
}

/// The events of a log file, from a given one on.
struct Source {
    path: PathBuf,
    reader: Option<LogReader>,
    lines: Lines,
    joiner: Joiner,
    /// Events read so far.
    read: u64,
    /// The first event that is wanted.
    wanted: u64,
    /// Offsets between which frames are dropped.
    dropped: Range<u64>,
}

/// Consecutive events.
#[derive(Debug, Default)]
struct Batch {
    /// The number of the first.
    first: u64,
    events: Vec<LogEvent>,
    /// Whether more may be there already.
    more: bool,
}

impl Source {
    fn new(path: &Path, delivered: u64, options: &LogOptions) -> Self {
        Self {
            path: path.to_owned(),
            reader: None,
            lines: Lines::default(),
            joiner: Joiner::new(options.first_line.as_deref()),
            read: 0,
            wanted: delivered,
            dropped: 0..0,
        }
    }

    /// What is there and not delivered yet, up to a batch. `now` is in milliseconds; `last`: nothing will come any more.
    fn next_batch(&mut self, last: bool, now: i64) -> Batch {
        let mut batch = Batch { first: self.read, ..Batch::default() };
        for _ in 0..READS {
            if batch.events.len() >= BATCH || (self.drops() && !batch.events.is_empty()) {
                batch.more = true;
                return batch;
            }
            let drops = self.drops();
            let frames = self.frames();
            if frames.is_empty() {
                let held = self.joiner.take(last, now);
                self.add(&mut batch, held, false);
                return batch;
            }
            for frame in frames {
                let events = self.lines.push(frame);
                let events: Vec<_> = events.into_iter().filter_map(|event| self.joiner.push(event)).collect();
                self.add(&mut batch, events, drops);
            }
        }
        batch.more = true;
        batch
    }

    fn add(&mut self, batch: &mut Batch, events: impl IntoIterator<Item = LogEvent>, drops: bool) {
        for event in events {
            if self.read >= self.wanted && !drops {
                if batch.events.is_empty() {
                    batch.first = self.read;
                }
                batch.events.push(event);
            }
            self.read += 1;
        }
    }

    fn offset(&self) -> u64 {
        self.reader.as_ref().map_or(0, LogReader::offset)
    }

    fn drops(&self) -> bool {
        self.dropped.contains(&self.offset())
    }

    /// After a time in which nothing could be delivered: what came while the buffer was full is to be dropped. Says how many
    /// bytes that is.
    fn overflow(&mut self, max_buffer: Option<u64>) -> Option<u64> {
        let end = std::fs::metadata(&self.path).ok()?.len();
        let full = self.offset().checked_add(max_buffer?)?;
        self.dropped = full..end;
        end.checked_sub(full).filter(|bytes| *bytes > 0)
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

/// Puts lines together that are one event. The same lines always make the same events: it is the times in the file that
/// end one, not when it is read.
struct Joiner {
    first_line: Option<Regex>,
    held: Option<LogEvent>,
}

impl Joiner {
    fn new(first_line: Option<&str>) -> Self {
        let compile = |text: &str| {
            let compiled = Regex::new(text);
            compiled.inspect_err(|error| tracing::warn!(%error, "lines stay single events")).ok()
        };
        Self { first_line: first_line.and_then(compile), held: None }
    }

    /// Takes a line and gives the event that it ends.
    fn push(&mut self, line: LogEvent) -> Option<LogEvent> {
        let Some(first_line) = &self.first_line else { return Some(line) };
        match &mut self.held {
            Some(held) if !first_line.is_match(&line.message) && fits(held, &line) => {
                held.message.push('\n');
                held.message.push_str(&line.message);
                None
            }
            held => held.replace(line),
        }
    }

    /// The event that waits for lines, if none can come any more.
    fn take(&mut self, last: bool, now: i64) -> Option<LogEvent> {
        let is_over =
            |held: &mut LogEvent| last || now.saturating_sub(held.time.millis()) > JOIN + JOIN_GRACE;
        self.held.take_if(is_over)
    }
}

fn fits(held: &LogEvent, line: &LogEvent) -> bool {
    let age = line.time.millis().saturating_sub(held.time.millis());
    age <= JOIN && held.message.len() + 1 + line.message.len() <= EVENT_BYTES
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

    fn line(time: i64, text: &str) -> LogEvent {
        LogEvent { time: Timestamp::from_millis(time), message: text.to_owned() }
    }

    fn joined(lines: &[(i64, &str)]) -> Vec<String> {
        let mut joiner = Joiner::new(Some("^[A-Z]+ "));
        let ended =
            lines.iter().filter_map(|(time, text)| joiner.push(line(*time, text))).collect::<Vec<_>>();
        ended.into_iter().chain(joiner.take(true, 0)).map(|event| event.message).collect()
    }

    #[test]
    fn lines_behind_a_first_one_are_its_events() {
        let lines = [(0, "before"), (1, "ERROR x"), (2, "  at a"), (3, "  at b"), (4, "INFO y")];
        assert_eq!(joined(&lines), ["before", "ERROR x\n  at a\n  at b", "INFO y"]);
        assert_eq!(joined(&[(0, "ERROR x"), (5_001, "  late")]), ["ERROR x", "  late"]);
        let long = "x".repeat(EVENT_BYTES - 7);
        assert_eq!(joined(&[(0, "ERROR x"), (1, &long)]).len(), 2);
    }

    #[test]
    fn an_event_waits_for_its_lines_for_a_while() {
        let mut joiner = Joiner::new(Some("^E"));
        assert_eq!(joiner.push(line(10_000, "E")), None);
        assert_eq!(joiner.take(false, 15_500), None);
        assert_eq!(joiner.take(false, 16_001), Some(line(10_000, "E")));
        assert_eq!(joiner.take(true, 16_001), None);
    }

    /// A log file with numbered lines, as a shim writes it.
    fn file(count: usize) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut bytes = Vec::new();
        for number in 0..count {
            let text = number.to_string();
            bytes.extend_from_slice(&[1, 0, 0, 0]);
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(&7i64.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    /// Numbers and texts of everything that is delivered, and how many batches it took to get there.
    fn drained(source: &mut Source) -> (Vec<(u64, String)>, usize) {
        let (mut found, mut batches) = (Vec::new(), 0);
        loop {
            let batch = source.next_batch(true, 0);
            batches += 1;
            let done = !batch.more;
            found.extend((batch.first..).zip(batch.events.into_iter().map(|event| event.message)));
            if done {
                return (found, batches);
            }
        }
    }

    #[test]
    fn what_was_delivered_is_passed_over_in_parts_that_show_progress() {
        let (_directory, path) = file(2_000_000);
        let mut source = Source::new(&path, 1_999_990, &LogOptions::default());
        let first = source.next_batch(true, 0);
        assert!(first.events.is_empty() && first.more && source.read > 0);
        let (found, _) = drained(&mut source);
        let expected: Vec<_> = (1_999_990..2_000_000).map(|number| (number, number.to_string())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_backlog_comes_whole_and_in_order() {
        let (_directory, path) = file(300_000);
        let (found, batches) = drained(&mut Source::new(&path, 0, &LogOptions::default()));
        assert_eq!(found.len(), 300_000);
        assert!(batches > 10 && found.iter().all(|(number, text)| number.to_string() == *text));
    }

    #[test]
    fn what_comes_while_the_buffer_is_full_is_dropped() {
        let (_directory, path) = file(300_000);
        let mut source = Source::new(&path, 0, &LogOptions::default());
        let first = source.next_batch(true, 0);
        assert!(source.overflow(Some(1024 * 1024)).is_some());
        let (found, _) = drained(&mut source);
        assert!(found.iter().all(|(number, text)| number.to_string() == *text));
        let kept = first.events.len() + found.len();
        assert!(kept > 40_000 && kept < 100_000, "{kept}");
        assert_eq!(source.read, 300_000);
        assert_eq!(source.overflow(None), None);
    }

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
