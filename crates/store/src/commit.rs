//! Group commit: one thread makes waiting batches durable, all of them in one transaction of the engine.
//!
//! Writers build on the *head*, which may be ahead of the disk; readers see the *durable* snapshot only. When a
//! commit fails, everything that was built on it fails too, and the head goes back to the durable snapshot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::engine::{Change, Engine, Gauge};
use crate::error::StoreError;
use crate::feed::{Commit, Feed};
use crate::view::View;

/// Rows in one engine transaction, at most (a single batch may be larger).
const GROUP_ROWS: usize = 10_000;

/// Told once the fate of a batch is known.
pub(crate) type Waiter = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// One write on its way to the disk. Without changes it is a barrier: it waits for what it was built on.
pub(crate) struct Batch {
    pub(crate) after: View,
    pub(crate) description: Arc<str>,
    pub(crate) changes: Vec<Change>,
    pub(crate) waiter: Waiter,
}

/// What writers and the commit thread share.
pub(crate) struct Shared {
    head: Mutex<View>,
    durable: RwLock<View>,
    pub(crate) feed: Feed,
    gauge: Gauge,
    /// Said in the log, once.
    full: AtomicBool,
}

impl Shared {
    pub(crate) fn new(view: View, gauge: Gauge) -> Self {
        Self {
            head: Mutex::new(view.clone()),
            durable: RwLock::new(view),
            feed: Feed::new(),
            gauge,
            full: AtomicBool::new(false),
        }
    }

    /// Whether a write may add to what is stored. What room there is on a full disk is for those that remove.
    pub(crate) fn check_room(&self) -> Result<(), StoreError> {
        let full = !(self.gauge)();
        if self.full.swap(full, Ordering::Relaxed) != full {
            if full {
                tracing::error!(
                    "the disk is full: until there is room, writes are refused, except deletions"
                );
            } else {
                tracing::info!("there is room on the disk again");
            }
        }
        if full { Err(StoreError::full()) } else { Ok(()) }
    }

    /// The newest state, for the one writer that holds the guard. A writer that panicked has changed nothing.
    pub(crate) fn head(&self) -> MutexGuard<'_, View> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> View {
        self.durable.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn durable_revision(&self) -> u64 {
        self.durable.read().unwrap_or_else(PoisonError::into_inner).revision
    }

    fn advance(&self, view: View) {
        let old = std::mem::replace(&mut *self.durable.write().unwrap_or_else(PoisonError::into_inner), view);
        // Freeing rows that nobody holds any more takes time; readers need not wait for it.
        drop(old);
    }
}

/// The commit thread's work, until the last sender is gone.
pub(crate) fn run(mut engine: Box<dyn Engine>, shared: &Shared, queue: &Receiver<Batch>) {
    while let Ok(first) = queue.recv() {
        let group = gather(first, queue);
        match apply(engine.as_mut(), &group) {
            Ok(()) => succeed(shared, group),
            Err(why) => fail(shared, queue, group, &why),
        }
    }
}

fn gather(first: Batch, queue: &Receiver<Batch>) -> Vec<Batch> {
    let mut rows = first.changes.len();
    let mut group = vec![first];
    while rows < GROUP_ROWS
        && let Ok(batch) = queue.try_recv()
    {
        rows += batch.changes.len();
        group.push(batch);
    }
    group
}

fn apply(engine: &mut dyn Engine, group: &[Batch]) -> Result<(), StoreError> {
    let mut changes = group.iter().flat_map(|batch| &batch.changes).peekable();
    match group.last() {
        Some(last) if changes.peek().is_some() => engine.apply(last.after.revision, &mut changes),
        _ => Ok(()),
    }
}

fn succeed(shared: &Shared, group: Vec<Batch>) {
    if let Some(last) = group.last() {
        shared.advance(last.after.clone());
    }
    for batch in group {
        if !batch.changes.is_empty() {
            let changed = batch.changes.into_iter().map(|change| (change.table, change.key)).collect();
            let (revision, description) = (batch.after.revision, batch.description);
            shared.feed.publish(Commit { revision, description, changed });
        }
        (batch.waiter)(Ok(()));
    }
}

/// Holding the head keeps new batches out of the queue, so that all that were built on the failed one are caught.
fn fail(shared: &Shared, queue: &Receiver<Batch>, group: Vec<Batch>, why: &StoreError) {
    let mut head = shared.head();
    let failed: Vec<Batch> = group.into_iter().chain(queue.try_iter()).collect();
    *head = shared.durable();
    drop(head);
    tracing::error!(%why, writes = failed.len(), "a commit failed");
    for batch in failed {
        (batch.waiter)(Err(why.clone()));
    }
}

/// Hands a batch to the commit thread and makes its state the head.
pub(crate) fn submit(head: &mut View, queue: &Sender<Batch>, batch: Batch) {
    let after = batch.after.clone();
    match queue.send(batch) {
        Ok(()) => *head = after,
        Err(refused) => (refused.0.waiter)(Err(StoreError::Closed)),
    }
}

#[cfg(test)]
mod tests;
