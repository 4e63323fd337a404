//! Who wants to know what was committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, watch};

use crate::key::{self, Key};
use crate::table::Table;

/// Commits that a slow reader may be behind before it has to resync.
const BACKLOG: usize = 1024;

/// The name of a table and the bytes of a key in it.
pub type RowId = (&'static str, Arc<[u8]>);

/// One write that became durable.
#[derive(Debug)]
pub struct Commit {
    /// The revision it made; [`View::revision`](crate::View::revision) of the first snapshot that has it.
    pub revision: u64,
    /// What the writer said it does, for the audit trail.
    pub description: Arc<str>,
    /// Every row that was set or removed, in order of table and key.
    pub changed: Arc<[RowId]>,
}

impl Commit {
    /// Whether a row of this table changed.
    pub fn touches<K, V>(&self, table: &Table<K, V>) -> bool {
        self.changed.iter().any(|(name, _)| *name == table.name())
    }

    /// The keys of this table that changed; bytes that are not a key of it are left out.
    pub fn keys<'c, K: Key, V>(&'c self, table: &Table<K, V>) -> impl Iterator<Item = K> + 'c {
        let name = table.name();
        self.changed.iter().filter(move |(table, _)| *table == name).filter_map(|(_, key)| key::decode(key))
    }
}

/// What a [`Subscription`] receives.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The next commit.
    Commit(Arc<Commit>),
    /// The reader was too slow and commits were dropped: take a new view and start from it.
    Resync,
}

/// Every commit after the moment of subscription, in order. To miss nothing: subscribe, then take a view, then
/// ignore commits up to the view's revision.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Arc<Commit>>);

impl Subscription {
    /// Waits for the next notice; `None` once the store is closed. Can be dropped while it waits without losing one.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(commit) => Some(Notice::Commit(commit)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Notice::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next notice if there is one already.
    pub fn try_next(&mut self) -> Option<Notice> {
        match self.0.try_recv() {
            Ok(commit) => Some(Notice::Commit(commit)),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Notice::Resync),
            Err(_) => None,
        }
    }
}

/// Wakes when a table changes.
#[derive(Debug, Clone)]
pub struct TableWatch(watch::Receiver<u64>);

impl TableWatch {
    /// Waits until the table has changed since the last call (or since the watch was made); `None` once the store is
    /// closed. Returns the revision of the newest change; changes in between are folded into one.
    pub async fn changed(&mut self) -> Option<u64> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }
}

/// The sending side; never waits for a reader.
#[derive(Debug)]
pub(crate) struct Feed {
    commits: broadcast::Sender<Arc<Commit>>,
    tables: Mutex<HashMap<&'static str, watch::Sender<u64>>>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { commits: broadcast::Sender::new(BACKLOG), tables: Mutex::default() }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription(self.commits.subscribe())
    }

    pub(crate) fn watch(&self, table: &'static str) -> TableWatch {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        TableWatch(tables.entry(table).or_insert_with(|| watch::Sender::new(0)).subscribe())
    }

    pub(crate) fn publish(&self, commit: Commit) {
        self.wake(&commit);
        // An error only says that nobody listens.
        let _ = self.commits.send(Arc::new(commit));
    }

    fn wake(&self, commit: &Commit) {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for (table, _) in commit.changed.iter() {
            if last != Some(table)
                && let Some(watch) = tables.get(table)
            {
                watch.send_replace(commit.revision);
            }
            last = Some(table);
        }
    }
}
