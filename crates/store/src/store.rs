//! Opening the store, taking snapshots and writing.

use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::commit::{self, Batch, Shared, Waiter};
use crate::engine::{Engine, Memory, Sqlite};
use crate::error::{StoreError, WriteError};
use crate::feed::{Subscription, TableWatch};
use crate::table::Table;
use crate::tx::{Finished, Tx};
use crate::view::{Row, Tables, View};

/// All tables of a data directory. Cheap to clone; the directory is let go when the last clone is dropped.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    queue: Option<Sender<Batch>>,
    // In a mutex only because a thread handle that is joined on drop must be taken out.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.get_mut().map_or(None, Option::take);
        if let Some(thread) = thread {
            // A panic in the commit thread was already reported as failed writes.
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens the store in a data directory, creating directory (mode 0700) and files (mode 0600) as needed. Blocks
    /// for as long as it takes to read all rows.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open, [`StoreError::Newer`] when a newer version wrote it,
    /// or what the disk said.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with_engine(Box::new(Sqlite::open(path)?))
    }

    /// A store that keeps nothing, for tests.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::with_engine(Box::new(Memory))
    }

    pub(crate) fn with_engine(mut engine: Box<dyn Engine>) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new(load(engine.as_mut())?, engine.gauge()));
        let (queue, batches) = channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-commit".to_owned())
            .spawn(move || commit::run(engine, &for_thread, &batches))
            .map_err(|why| StoreError::io("start a thread for", "the store", why))?;
        Ok(Self(Arc::new(Inner { shared, queue: Some(queue), thread: Mutex::new(Some(thread)) })))
    }

    /// A snapshot of what is durable now. Constant time.
    pub fn view(&self) -> View {
        self.0.shared.durable()
    }

    /// Runs `body` on the newest state, alone among writers, and waits until its changes are on disk. `description`
    /// says what the write does, for the audit trail. On `Err` nothing changes; without changes nothing is written.
    ///
    /// The answer is given only once everything the body has read is durable too. The body must not write to the
    /// same store in another way: it would wait for itself.
    ///
    /// # Errors
    /// [`WriteError::Rejected`] with the body's error, or [`WriteError::Store`] when the disk did not take it.
    pub fn write<T, E>(
        &self,
        description: &str,
        body: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, WriteError<E>> {
        let (tell, told) = sync_channel(1);
        let waiter = move || Box::new(move |fate| drop(tell.send(fate))) as Waiter;
        let (result, waits) = self.begin(description, body, waiter);
        let fate = if waits { told.recv().unwrap_or(Err(StoreError::Closed)) } else { Ok(()) };
        conclude(result, fate)
    }

    /// As [`Store::write`], for asynchronous callers: the body runs at once on the caller's thread, the wait for the
    /// disk is awaited. When the future is dropped while it waits, the write still happens.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_async<T, E>(
        &self,
        description: &str,
        body: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, WriteError<E>> {
        let (tell, told) = oneshot::channel();
        let waiter = move || Box::new(move |fate| drop(tell.send(fate))) as Waiter;
        let (result, waits) = self.begin(description, body, waiter);
        let fate = if waits { told.await.unwrap_or(Err(StoreError::Closed)) } else { Ok(()) };
        conclude(result, fate)
    }

    /// Runs the body and hands its changes over. The flag says whether the waiter will be told anything: it is not
    /// needed when nothing changed and everything the body saw was durable already.
    fn begin<T, E>(
        &self,
        description: &str,
        body: impl FnOnce(&mut Tx) -> Result<T, E>,
        waiter: impl FnOnce() -> Waiter,
    ) -> (Result<T, WriteError<E>>, bool) {
        let shared = &self.0.shared;
        let mut head = shared.head();
        let mut tx = Tx::new(head.clone());
        let (result, changed) = match body(&mut tx) {
            Ok(value) => match finish(shared, tx) {
                Ok(changed) => (Ok(value), Some(changed)),
                Err(why) => (Err(WriteError::Store(why)), None),
            },
            Err(why) => (Err(WriteError::Rejected(why)), None),
        };
        let (after, changes) = match changed {
            Some(Finished { tables, changes, .. }) if !changes.is_empty() => {
                (View { tables, revision: head.revision + 1 }, changes)
            }
            _ => (head.clone(), Vec::new()),
        };
        if changes.is_empty() && head.revision == shared.durable_revision() {
            return (result, false);
        }
        let Some(queue) = &self.0.queue else { return (Err(StoreError::Closed.into()), false) };
        commit::submit(
            &mut head,
            queue,
            Batch { after, description: description.into(), changes, waiter: waiter() },
        );
        (result, true)
    }

    /// Every commit from now on.
    pub fn changes(&self) -> Subscription {
        self.0.shared.feed.subscribe()
    }

    /// Wakes when a table changes from now on: for reconcilers.
    pub fn changed<K, V>(&self, table: &Table<K, V>) -> TableWatch {
        self.0.shared.feed.watch(table.name())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("revision", &self.0.shared.durable_revision()).finish_non_exhaustive()
    }
}

/// What a write changes, if there is room for that.
fn finish(shared: &Shared, tx: Tx) -> Result<Finished, StoreError> {
    let finished = tx.finish()?;
    if !finished.changes.is_empty() && finished.growth >= 0 {
        shared.check_room()?;
    }
    Ok(finished)
}

fn conclude<T, E>(
    result: Result<T, WriteError<E>>,
    fate: Result<(), StoreError>,
) -> Result<T, WriteError<E>> {
    fate?;
    result
}

fn load(engine: &mut dyn Engine) -> Result<View, StoreError> {
    let mut tables = Tables::new();
    let revision = engine.load(&mut |table, key, json| {
        let row = Arc::new(Row::new(json.into()));
        match tables.get_mut(table) {
            Some(rows) => {
                rows.insert(key.into(), row);
            }
            None => {
                tables.insert(table.into(), imbl::OrdMap::unit(key.into(), row));
            }
        }
    })?;
    Ok(View { tables, revision })
}
