//! Insights queries that run or have run: in memory, in the background, a few at a time. They end with the server.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use landfall_api::logs::{QueryStatistics, QueryStatus};
use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::journal::{self, Direction, JournalError, Journals};

use super::encryption::StreamKeys;
use super::insights::{Event, Execution, Query, Row, Wants};
use super::pointer::Pointer;
use super::record::LogStream;
use crate::pipe::Failure;

/// Queries that read at the same time.
const AT_ONCE: usize = 2;

/// Queries of an account in a Region that wait or run (CloudWatch Logs quotas).
pub(super) const ACTIVE: usize = 100;

/// Finished queries that are remembered.
const REMEMBERED: usize = 200;

/// After which time a query is given up (CloudWatch Logs quotas).
const TIMEOUT: Duration = Duration::from_secs(3600);

/// What is read at a time.
const CHUNK: usize = 1024 * 1024;

/// Every query of an installation.
#[derive(Debug, Clone, Default)]
pub struct Queries(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    all: Mutex<VecDeque<Arc<Running>>>,
    running: Mutex<usize>,
    ended: Condvar,
}

/// What a query was asked for.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) text: String,
    /// Names of groups, in order.
    pub(super) groups: Vec<String>,
    pub(super) created_at: Timestamp,
    pub(super) caller: String,
}

/// A query and how far it is.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) facts: Facts,
    state: Mutex<State>,
    cancelled: AtomicBool,
    scanned: AtomicU64,
    matched: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug)]
struct State {
    status: QueryStatus,
    rows: Arc<Vec<Row>>,
    took: Duration,
}

/// A stream to be searched.
#[derive(Debug)]
pub(super) struct Searched {
    pub(super) group: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) row: Arc<LogStream>,
    pub(super) times: Range<Timestamp>,
    pub(super) keys: StreamKeys,
}

/// All that a query needs to run.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) query: Query,
    pub(super) limit: usize,
    pub(super) streams: Vec<Searched>,
    pub(super) journals: Journals,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queries {
    /// How many of an account's queries in a Region wait or run.
    pub(super) fn active(&self, account: &AccountId, region: &Region) -> usize {
        lock(&self.0.all).iter().filter(|query| query.is_of(account, region) && !query.is_over()).count()
    }

    /// Starts a query on a thread of its own.
    pub(super) fn start(&self, facts: Facts, work: Work) -> std::io::Result<()> {
        let query = Arc::new(Running::new(facts));
        let (shared, running) = (Arc::clone(&self.0), Arc::clone(&query));
        std::thread::Builder::new()
            .name("logs-query".to_owned())
            .spawn(move || shared.run(&running, work))?;
        let mut all = lock(&self.0.all);
        all.push_back(query);
        while all.len() > REMEMBERED
            && let Some(oldest) = all.iter().position(|query| query.is_over())
        {
            all.remove(oldest);
        }
        Ok(())
    }

    /// The query with an id.
    pub(super) fn find(&self, account: &AccountId, region: &Region, id: &str) -> Option<Arc<Running>> {
        lock(&self.0.all).iter().find(|query| query.facts.id == id && query.is_of(account, region)).cloned()
    }

    /// All queries of an account in a Region, the latest first.
    pub(super) fn list(&self, account: &AccountId, region: &Region) -> Vec<Arc<Running>> {
        lock(&self.0.all).iter().rev().filter(|query| query.is_of(account, region)).cloned().collect()
    }
}

impl Shared {
    fn run(&self, query: &Running, work: Work) {
        let mut running = lock(&self.running);
        while *running >= AT_ONCE {
            running = self.ended.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        drop(running);
        let _turn = Turn(self);
        query.run(work);
    }
}

/// One of the places for queries that read at the same time. It is given back even if the query panics.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.ended.notify_one();
    }
}

impl Running {
    fn new(facts: Facts) -> Self {
        let state = State { status: QueryStatus::Scheduled, rows: Arc::default(), took: Duration::ZERO };
        Self {
            facts,
            state: Mutex::new(state),
            cancelled: AtomicBool::new(false),
            scanned: AtomicU64::new(0),
            matched: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn is_of(&self, account: &AccountId, region: &Region) -> bool {
        self.facts.account == *account && self.facts.region == *region
    }

    fn is_over(&self) -> bool {
        !matches!(self.status(), QueryStatus::Scheduled | QueryStatus::Running)
    }

    pub(super) fn status(&self) -> QueryStatus {
        lock(&self.state).status.clone()
    }

    /// Its rows, once it is complete.
    pub(super) fn rows(&self) -> Arc<Vec<Row>> {
        Arc::clone(&lock(&self.state).rows)
    }

    /// Milliseconds that it took.
    pub(super) fn took(&self) -> i64 {
        i64::try_from(lock(&self.state).took.as_millis()).unwrap_or(i64::MAX)
    }

    /// Ends it; `false` when it has ended already.
    pub(super) fn cancel(&self) -> bool {
        let mut state = lock(&self.state);
        let active = matches!(state.status, QueryStatus::Scheduled | QueryStatus::Running);
        if active {
            self.cancelled.store(true, Ordering::Relaxed);
            state.status = QueryStatus::Cancelled;
        }
        active
    }

    #[expect(clippy::cast_precision_loss, reason = "the API has numbers of events and bytes as doubles")]
    pub(super) fn statistics(&self) -> QueryStatistics {
        let count = |count: &AtomicU64| Some(count.load(Ordering::Relaxed) as f64);
        QueryStatistics {
            records_matched: count(&self.matched),
            records_scanned: count(&self.scanned),
            estimated_records_skipped: Some(0.0),
            bytes_scanned: count(&self.bytes),
            estimated_bytes_skipped: Some(0.0),
            log_groups_scanned: Some(self.facts.groups.len() as f64),
        }
    }

    fn run(&self, work: Work) {
        let began = Instant::now();
        {
            let mut state = lock(&self.state);
            if state.status != QueryStatus::Scheduled {
                return;
            }
            state.status = QueryStatus::Running;
        }
        let (status, rows) = match self.search(work, began) {
            Ok(rows) => (QueryStatus::Complete, rows),
            Err(status) => (status, Vec::new()),
        };
        let mut state = lock(&self.state);
        state.took = began.elapsed();
        if state.status == QueryStatus::Running {
            (state.status, state.rows) = (status, Arc::new(rows));
        }
    }

    fn unreadable(&self, failure: &Failure) -> QueryStatus {
        tracing::warn!(%failure, query = self.facts.id, "a query failed");
        QueryStatus::Failed
    }

    fn search(&self, work: Work, began: Instant) -> Result<Vec<Row>, QueryStatus> {
        let mut execution = Execution::new(&work.query, work.limit, self.facts.created_at.millis());
        for stream in &work.streams {
            self.search_stream(&mut execution, &work.journals, stream, began)?;
        }
        execution.finish().map_err(|_| QueryStatus::Failed)
    }

    /// From the latest events back: a query for the newest needs no others.
    fn search_stream(
        &self,
        execution: &mut Execution,
        journals: &Journals,
        stream: &Searched,
        began: Instant,
    ) -> Result<(), QueryStatus> {
        let failed = |error: JournalError| {
            tracing::warn!(%error, query = self.facts.id, "a query failed");
            QueryStatus::Failed
        };
        let log: Arc<str> = format!("{}:{}", self.facts.account, stream.group).into();
        let journal = stream.row.journal();
        let (mut end, mut times) = (u64::MAX, stream.times.clone());
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(QueryStatus::Cancelled);
            }
            if began.elapsed() > TIMEOUT {
                return Err(QueryStatus::Timeout);
            }
            if let Wants::LaterThan(time) = execution.wants() {
                times.start = times.start.max(Timestamp::from_millis(time.saturating_add(1)));
            }
            let range = journal::Range {
                sequences: 0..end,
                times: times.clone(),
                limit: usize::MAX,
                max_bytes: CHUNK,
                direction: Direction::Backward,
            };
            let page = journals.read(&journal, range).map_err(failed)?;
            for record in page.records {
                self.scanned.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(record.payload.len() as u64, Ordering::Relaxed);
                let pointer = Pointer::new(&self.facts.account, &stream.group, &stream.name, record.sequence);
                let times = (record.time.millis(), record.ingested.millis());
                let place = (Arc::clone(&log), Arc::clone(&stream.name));
                let message =
                    stream.keys.message(record.payload).map_err(|failure| self.unreadable(&failure))?;
                let event = Event::new(times, message, place, pointer.text());
                execution.add(event).map_err(|_| QueryStatus::Failed)?;
            }
            self.matched.store(execution.matched, Ordering::Relaxed);
            if !page.more {
                return Ok(());
            }
            end = page.resume;
        }
    }
}

/// Rows by field, as GetQueryResults answers them.
pub(super) fn result_fields(row: &Row) -> Vec<landfall_api::logs::ResultField> {
    let field = |(name, text): &(String, String)| landfall_api::logs::ResultField {
        field: Some(name.clone()),
        value: Some(text.clone()),
    };
    row.iter().map(field).collect()
}

/// Groups by name, each once.
pub(super) fn unique(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| (name, ())).collect::<BTreeMap<_, _>>().into_keys().collect()
}
