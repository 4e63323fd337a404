//! An immutable snapshot of all tables.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::error::StoreError;
use crate::key::{self, Key, KeyFor, PrefixOf};
use crate::table::{Table, Value};

/// A row: its JSON, and its value once somebody has asked for it.
pub(crate) struct Row {
    json: Arc<[u8]>,
    value: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Row {
    pub(crate) fn new(json: Arc<[u8]>) -> Self {
        Self { json, value: OnceLock::new() }
    }

    pub(crate) fn json(&self) -> &Arc<[u8]> {
        &self.json
    }

    fn value<V: Value>(&self, table: &'static str, key: &[u8]) -> Result<Arc<V>, StoreError> {
        if let Some(value) = self.value.get()
            && let Ok(value) = Arc::clone(value).downcast::<V>()
        {
            return Ok(value);
        }
        let value: Arc<V> =
            Arc::new(serde_json::from_slice(&self.json).map_err(|why| StoreError::corrupt(table, key, why))?);
        // Losing the race only means that another reader kept an equal value.
        let _ = self.value.set(Arc::clone(&value) as Arc<dyn Any + Send + Sync>);
        Ok(value)
    }
}

pub(crate) type Rows = OrdMap<Arc<[u8]>, Arc<Row>>;
pub(crate) type Tables = OrdMap<Arc<str>, Rows>;
type RowRange<'v> = imbl::ordmap::RangedIter<'v, Arc<[u8]>, Arc<Row>, DefaultSharedPtr>;

/// All tables as they were at one commit. Made and cloned in constant time; never changes.
#[derive(Clone, Default)]
pub struct View {
    pub(crate) tables: Tables,
    pub(crate) revision: u64,
}

impl View {
    /// The number of the last commit in this snapshot; grows by one with every commit.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn row(&self, table: &str, key: &[u8]) -> Option<&Arc<Row>> {
        self.tables.get(table)?.get(key)
    }

    /// The value at a key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row cannot be decoded. It is not reported as absent: a policy that cannot be
    /// read must not count as one that does not exist.
    pub fn get<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyFor<K::Parts> + ?Sized),
    ) -> Result<Option<Arc<V>>, StoreError> {
        let key = key::encode(key);
        self.row(table.name(), &key).map(|row| row.value(table.name(), &key)).transpose()
    }

    /// Whether there is a row at a key; does not decode it.
    pub fn contains<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyFor<K::Parts> + ?Sized),
    ) -> bool {
        self.row(table.name(), &key::encode(key)).is_some()
    }

    /// The rows whose keys begin with a prefix, in key order (or backwards with `.rev()`). `()` is the whole table.
    pub fn scan<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        prefix: impl PrefixOf<K::Parts>,
    ) -> Scan<'_, K, V> {
        let prefix = key::encode_prefix(&prefix);
        let end = successor(&prefix);
        Scan::new(self, table, Bound::Included(prefix), end)
    }

    /// As [`View::scan`], starting behind a key: the next page. The key itself need not exist any more.
    pub fn scan_after<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        prefix: impl PrefixOf<K::Parts>,
        after: &(impl KeyFor<K::Parts> + ?Sized),
    ) -> Scan<'_, K, V> {
        let prefix = key::encode_prefix(&prefix);
        let end = successor(&prefix);
        let after = key::encode(after);
        let start = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        Scan::new(self, table, start, end)
    }

    /// The rows in a range of keys, in key order.
    pub fn range<K: Key, V: Value>(&self, table: &Table<K, V>, range: impl RangeBounds<K>) -> Scan<'_, K, V> {
        Scan::new(self, table, range.start_bound().map(key::encode), range.end_bound().map(key::encode))
    }

    /// Keys and values under a prefix, collected.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row cannot be decoded.
    pub fn list<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        prefix: impl PrefixOf<K::Parts>,
    ) -> Result<Vec<(K, Arc<V>)>, StoreError> {
        self.scan(table, prefix).collect()
    }

    /// How many rows are under a prefix. Walks them without decoding; the whole table (`()`) is counted at once.
    pub fn count<K: Key, V: Value>(&self, table: &Table<K, V>, prefix: impl PrefixOf<K::Parts>) -> usize {
        let scan = self.scan(table, &prefix);
        if key::encode_prefix(&prefix).is_empty() {
            return self.tables.get(table.name()).map_or(0, OrdMap::len);
        }
        scan.rows.map_or(0, Iterator::count)
    }

    /// Every row of a table that cannot be decoded, for a health check.
    pub fn verify<K: Key, V: Value>(&self, table: &Table<K, V>) -> Vec<StoreError> {
        self.scan(table, ()).filter_map(Result::err).collect()
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// The first bytes behind everything that begins with a prefix.
fn successor(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

fn is_empty(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a >= b,
        _ => false,
    }
}

/// Rows of one table in key order. Decodes as it goes; a row that cannot be decoded is an `Err` in its place.
pub struct Scan<'v, K, V> {
    rows: Option<RowRange<'v>>,
    table: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<'v, K: Key, V: Value> Scan<'v, K, V> {
    fn new(view: &'v View, table: &Table<K, V>, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Self {
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        let rows = if is_empty(&start, &end) { None } else { view.tables.get(table.name()) };
        let rows = rows.map(|rows| rows.range::<_, [u8]>(bounds));
        Self { rows, table: table.name(), types: PhantomData }
    }

    fn decode(&self, key: &[u8], row: &Row) -> Result<(K, Arc<V>), StoreError> {
        let value = row.value(self.table, key)?;
        let key = key::decode(key)
            .ok_or_else(|| StoreError::corrupt(self.table, key, "the key has another form"))?;
        Ok((key, value))
    }
}

impl<K: Key, V: Value> Iterator for Scan<'_, K, V> {
    type Item = Result<(K, Arc<V>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (key, row) = self.rows.as_mut()?.next()?;
        Some(self.decode(key, row))
    }
}

impl<K: Key, V: Value> DoubleEndedIterator for Scan<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, row) = self.rows.as_mut()?.next_back()?;
        Some(self.decode(key, row))
    }
}
