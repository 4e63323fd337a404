//! The inside of a write: a snapshot that reads its own changes.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::engine::Change;
use crate::error::StoreError;
use crate::feed::RowId;
use crate::key::{self, Key, KeyFor};
use crate::table::{Table, Value};
use crate::view::{Row, Tables, View};

/// A write in progress. Reads (through [`View`]) see what it has changed; nobody else does until it is committed.
pub struct Tx {
    view: View,
    base: Tables,
    changes: BTreeMap<RowId, Option<Arc<[u8]>>>,
    failure: Option<StoreError>,
}

impl Deref for Tx {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Tx {
    pub(crate) fn new(view: View) -> Self {
        Self { base: view.tables.clone(), view, changes: BTreeMap::new(), failure: None }
    }

    /// Stores a value at a key, in place of one that may be there. Takes the value, a reference or an `Arc`.
    ///
    /// A value that cannot become JSON makes the whole write fail with [`StoreError::Encode`] at its end.
    pub fn put<K: Key, V: Value>(
        &mut self,
        table: &Table<K, V>,
        key: &(impl KeyFor<K::Parts> + ?Sized),
        value: impl std::borrow::Borrow<V>,
    ) {
        match serde_json::to_vec(value.borrow()) {
            Ok(json) => self.put_json(table.name(), key::encode(key).into(), json.into()),
            Err(why) => self.fail(StoreError::Encode { table: table.name(), reason: why.to_string() }),
        }
    }

    fn fail(&mut self, failure: StoreError) {
        self.failure.get_or_insert(failure);
    }

    fn put_json(&mut self, table: &'static str, key: Arc<[u8]>, json: Arc<[u8]>) {
        let row = Arc::new(Row::new(Arc::clone(&json)));
        match self.view.tables.get_mut(table) {
            Some(rows) => rows.insert(Arc::clone(&key), row),
            None => {
                let rows = imbl::OrdMap::unit(Arc::clone(&key), row);
                self.view.tables.insert(table.into(), rows);
                None
            }
        };
        self.changes.insert((table, key), Some(json));
    }

    /// Removes the row at a key and says whether there was one. A row that cannot be decoded can be removed too.
    pub fn delete<K: Key, V: Value>(
        &mut self,
        table: &Table<K, V>,
        key: &(impl KeyFor<K::Parts> + ?Sized),
    ) -> bool {
        let key = key::encode(key);
        let removed = self.view.tables.get_mut(table.name()).and_then(|rows| rows.remove(key.as_slice()));
        if removed.is_some() {
            self.changes.insert((table.name(), key.into()), None);
        }
        removed.is_some()
    }

    /// Changes the value at a key in place and says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row cannot be decoded.
    pub fn update<K: Key, V: Value + Clone>(
        &mut self,
        table: &Table<K, V>,
        key: &(impl KeyFor<K::Parts> + ?Sized),
        change: impl FnOnce(&mut V),
    ) -> Result<bool, StoreError> {
        let Some(value) = self.get(table, key)? else { return Ok(false) };
        let mut value = V::clone(&value);
        change(&mut value);
        self.put(table, key, value);
        Ok(true)
    }

    /// The tables as changed, and what differs from the tables at the start: a row that was written with the bytes
    /// it already had is no change.
    pub(crate) fn finish(self) -> Result<Finished, StoreError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let base = View { tables: self.base, revision: 0 };
        let changes = self.changes.into_iter().map(|((table, key), json)| Change { table, key, json });
        let mut finished = Finished { tables: self.view.tables, changes: Vec::new(), growth: 0 };
        for change in changes {
            let before = base.row(change.table, &change.key).map(|row| row.json());
            if before != change.json.as_ref() {
                finished.growth += size(&change.key, change.json.as_ref()) - size(&change.key, before);
                finished.changes.push(change);
            }
        }
        Ok(finished)
    }
}

/// What a write comes to.
pub(crate) struct Finished {
    pub(crate) tables: Tables,
    pub(crate) changes: Vec<Change>,
    /// By how many bytes the changed rows are larger than they were; negative if the write frees room.
    pub(crate) growth: i64,
}

fn size(key: &[u8], json: Option<&Arc<[u8]>>) -> i64 {
    json.map_or(0, |json| i64::try_from(key.len() + json.len()).unwrap_or(i64::MAX))
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("view", &self.view)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}
