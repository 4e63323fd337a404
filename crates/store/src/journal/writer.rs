//! The one thread that writes: it appends for everybody who is waiting and syncs each file once.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use landfall_base::Timestamp;

use super::error::JournalError;
use super::frame::{self, Head};
use super::sealed;
use super::segment::Segment;
use super::state::{Catalog, Journal, State};
use super::{Appended, Event, MAX_PAYLOAD};

/// Payload bytes that are written before a sync, at most (a single append may be larger).
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Told once the work is durable or has failed.
pub(crate) type Answer = Box<dyn FnOnce(Result<Appended, JournalError>) + Send>;

pub(crate) enum Command {
    Append(Vec<Event>),
    Delete,
    DeleteBefore(Timestamp),
}

impl Command {
    pub(crate) fn append(events: &[Event]) -> Result<Self, JournalError> {
        match events.iter().map(|event| event.payload.len()).find(|bytes| *bytes > MAX_PAYLOAD) {
            Some(bytes) => Err(JournalError::TooLarge { bytes, limit: MAX_PAYLOAD }),
            None => Ok(Self::Append(events.to_vec())),
        }
    }
}

pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) command: Command,
    pub(crate) answer: Answer,
}

type Appends = Vec<(Vec<Event>, Answer)>;

/// The writer's work, until the last sender is gone.
pub(crate) fn run(catalog: &Catalog, jobs: &Receiver<Job>) {
    let mut next = jobs.recv().ok();
    while let Some(Job { id, command, answer }) = next.take() {
        match command {
            Command::Append(events) => next = group(catalog, jobs, id, (events, answer)),
            Command::Delete => answer(delete(catalog, &id)),
            Command::DeleteBefore(time) => answer(delete_before(catalog, &id, time)),
        }
        next = next.or_else(|| jobs.recv().ok());
    }
}

/// Appends for the first job and those that wait behind it, up to one that is no append, which is handed back.
fn group(catalog: &Catalog, jobs: &Receiver<Job>, id: String, first: (Vec<Event>, Answer)) -> Option<Job> {
    let size = |events: &[Event]| events.iter().map(|event| event.payload.len() + frame::HEAD).sum::<usize>();
    let mut bytes = size(&first.0);
    let mut group: HashMap<String, Appends> = HashMap::from([(id, vec![first])]);
    let mut other = None;
    while bytes < GROUP_BYTES
        && let Ok(job) = jobs.try_recv()
    {
        match job.command {
            Command::Append(events) => {
                bytes += size(&events);
                group.entry(job.id).or_default().push((events, job.answer));
            }
            command => {
                other = Some(Job { command, ..job });
                break;
            }
        }
    }
    flush(catalog, group);
    other
}

/// All files are written before the first is synced: the kernel then has the most to combine.
fn flush(catalog: &Catalog, group: HashMap<String, Appends>) {
    let written: Vec<_> = group.into_iter().map(|(id, appends)| write(catalog, &id, appends)).collect();
    for write in written.into_iter().flatten() {
        write.finish();
    }
}

/// Records that are in a file but not yet durable.
struct Written {
    journal: Arc<Journal>,
    /// None when there was nothing to write.
    file: Option<Arc<File>>,
    heads: Vec<Head>,
    answers: Vec<(Appended, Answer)>,
}

fn write(catalog: &Catalog, id: &str, appends: Appends) -> Option<Written> {
    let journal = catalog.journal(id);
    match try_write(catalog, &journal, &appends) {
        Ok((file, heads, places)) => {
            let answers = places.into_iter().zip(appends.into_iter().map(|(_, answer)| answer)).collect();
            Some(Written { journal, file, heads, answers })
        }
        Err(why) => {
            appends.into_iter().for_each(|(_, answer)| answer(Err(why.clone())));
            None
        }
    }
}

type Placed = (Option<Arc<File>>, Vec<Head>, Vec<Appended>);

fn try_write(catalog: &Catalog, journal: &Journal, appends: &Appends) -> Result<Placed, JournalError> {
    let (mut buffer, mut heads, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let mut sequence = journal.with(|state| state.next_sequence())?;
    for (events, _) in appends {
        let first_sequence = sequence;
        for (at, event) in events.iter().enumerate() {
            heads.push(frame::encode(&mut buffer, sequence, event, at + 1 == events.len()));
            sequence += 1;
        }
        places.push(Appended { first_sequence, next_sequence: sequence });
    }
    let file = if buffer.is_empty() { None } else { Some(put(catalog, journal, &buffer)?) };
    Ok((file, heads, places))
}

fn put(catalog: &Catalog, journal: &Journal, records: &[u8]) -> Result<Arc<File>, JournalError> {
    let (number, path, end) = target(journal)?;
    let file = catalog.files.get(number, &path)?;
    if let Err(why) = file.write_all_at(records, end) {
        take_back(&file, end);
        return Err(JournalError::io("append to", &*path, why));
    }
    Ok(file)
}

/// The segment to append to, where in it; makes a new one when there is none or it is full.
fn target(journal: &Journal) -> Result<(u64, Arc<std::path::Path>, u64), JournalError> {
    let has_room = journal.with(|state| state.segments.last().is_some_and(|segment| !segment.is_full()))?;
    if !has_room {
        roll(journal)?;
    }
    let place = |segment: &Segment| (segment.number, Arc::clone(&segment.path), segment.end);
    journal.with(|state| state.segments.last().map(place))?.ok_or(JournalError::Closed)
}

fn roll(journal: &Journal) -> Result<(), JournalError> {
    journal.create_directory()?;
    let next = journal.with(|state| state.next_sequence())?;
    let segment = Segment::create(&journal.directory, &journal.id, next)?;
    journal.with(|state| {
        state.segments.iter().next_back().into_iter().for_each(sealed::write);
        state.segments.push(segment);
    })
}

/// Whatever is left behind is overwritten by the next append, or cut off when the journal is next read from disk.
fn take_back(file: &File, end: u64) {
    if let Err(why) = file.set_len(end) {
        tracing::warn!(reason = %why, "could not take back a failed append");
    }
}

impl Written {
    fn finish(self) {
        match self.file.as_deref().map_or(Ok(()), File::sync_data) {
            Ok(()) => self.publish(),
            Err(why) => self.fail(why),
        }
    }

    fn publish(self) {
        let add = |state: &mut State| {
            if let Some(segment) = state.segments.last_mut() {
                self.heads.iter().for_each(|head| segment.add(head));
            }
        };
        let published = self.journal.with(add);
        for (place, answer) in self.answers {
            answer(published.clone().map(|()| place));
        }
    }

    fn fail(self, why: std::io::Error) {
        let end = self.journal.with(|state| state.segments.last().map(|segment| segment.end));
        if let (Some(file), Ok(Some(end))) = (&self.file, end) {
            take_back(file, end);
        }
        let why = JournalError::io("sync", &self.journal.directory, why);
        self.answers.into_iter().for_each(|(_, answer)| answer(Err(why.clone())));
    }
}

const NOTHING: Appended = Appended { first_sequence: 0, next_sequence: 0 };

fn delete(catalog: &Catalog, id: &str) -> Result<Appended, JournalError> {
    let journal = catalog.journal(id);
    catalog.remove(&journal.directory)?;
    let gone = journal.with(|state| std::mem::take(&mut state.segments))?;
    gone.iter().for_each(|segment| catalog.files.forget(segment.number));
    Ok(NOTHING)
}

fn delete_before(catalog: &Catalog, id: &str, time: Timestamp) -> Result<Appended, JournalError> {
    let journal = catalog.journal(id);
    let is_old = |segment: &Segment| segment.times.is_some_and(|times| times.max < time.millis());
    // The last segment holds the next sequence number: an empty one takes its place.
    if journal.with(|state| state.segments.last().is_some_and(is_old))? {
        roll(&journal)?;
    }
    let gone: Vec<Segment> =
        journal.with(|state| state.segments.extract_if(.., |segment| is_old(segment)).collect())?;
    for segment in &gone {
        catalog.files.forget(segment.number);
        // What is left behind without its segment is never read.
        let _ = std::fs::remove_file(sealed::path(&segment.path));
        std::fs::remove_file(&segment.path).map_err(|why| JournalError::io("delete", &*segment.path, why))?;
    }
    Ok(NOTHING)
}
