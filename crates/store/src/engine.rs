//! What keeps the rows durable. The store reads only at start and afterwards only hands over finished batches, so an
//! engine is two functions.

mod directory;
mod reserve;
mod sqlite;

use std::sync::Arc;

pub(crate) use directory::DirectoryLock;
pub(crate) use sqlite::Sqlite;

use crate::error::StoreError;

/// One row set (`json` present) or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) table: &'static str,
    pub(crate) key: Arc<[u8]>,
    pub(crate) json: Option<Arc<[u8]>>,
}

/// Receives a table name, a key and a row's JSON while an engine loads.
pub(crate) type RowSink<'a> = dyn FnMut(&str, &[u8], &[u8]) + 'a;

pub(crate) trait Engine: Send {
    /// Hands over every row and returns the revision of the last commit.
    fn load(&mut self, sink: &mut RowSink<'_>) -> Result<u64, StoreError>;

    /// Makes the changes durable, in order, all or none.
    fn apply(&mut self, revision: u64, changes: &mut dyn Iterator<Item = &Change>) -> Result<(), StoreError>;

    /// Whether there is room for writes that add. What frees room is let through without it.
    fn gauge(&self) -> Gauge {
        Box::new(|| true)
    }
}

/// Asked before each write that adds; answers in microseconds.
pub(crate) type Gauge = Box<dyn Fn() -> bool + Send + Sync>;

/// Keeps nothing: for tests.
pub(crate) struct Memory;

impl Engine for Memory {
    fn load(&mut self, _sink: &mut RowSink<'_>) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn apply(
        &mut self,
        _revision: u64,
        _changes: &mut dyn Iterator<Item = &Change>,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}
