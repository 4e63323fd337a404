//! SQLite in a data directory: write-ahead log, synced on every commit.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, ToSql, params};

use super::reserve::Reserve;
use super::{Change, DirectoryLock, Engine, Gauge, RowSink};
use crate::error::StoreError;

/// The format this version writes. A directory with a higher number is refused.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS item (
        id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key BLOB NOT NULL, json TEXT NOT NULL, UNIQUE (tbl, key)
    );
";
const PUT: &str = "INSERT INTO item (tbl, key, json) VALUES (?1, ?2, ?3)
    ON CONFLICT (tbl, key) DO UPDATE SET json = excluded.json";
const DELETE: &str = "DELETE FROM item WHERE tbl = ?1 AND key = ?2";
const SET_META: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(crate) struct Sqlite {
    connection: Connection,
    reserve: Reserve,
    // Dropped after the connection: fields are dropped in this order.
    _lock: DirectoryLock,
}

impl Sqlite {
    /// Opens or creates the database of a data directory.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let lock = DirectoryLock::take(directory)?;
        let path = directory.join("landfall.sqlite3");
        create_private_file(directory, &path)?;
        let connection =
            Connection::open(&path).and_then(configured).map_err(|why| unreadable(&path, &why))?;
        let found = prepare(&connection).map_err(|why| unreadable(&path, &why))?;
        if found > FORMAT {
            return Err(StoreError::Newer { path: directory.to_owned(), found, supported: FORMAT });
        }
        // The log file is there: `prepare` has read or written through it.
        let reserve = Reserve::take(directory.join("landfall.sqlite3-wal"), directory)
            .map_err(|why| StoreError::io("open", directory, why))?;
        Ok(Self { connection, reserve, _lock: lock })
    }
}

/// SQLite gives its log and index files the mode of the database file, which must therefore be right first.
fn create_private_file(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let create = || {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        File::open(directory)?.sync_all()
    };
    create().map_err(|why| StoreError::io("create", path, why))
}

fn configured(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(8);
    Ok(connection)
}

/// Creates what is missing and returns the format number of the database. A newer database is left as it is.
fn prepare(connection: &Connection) -> rusqlite::Result<i64> {
    let has_meta: bool =
        connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))?;
    let found = if has_meta { meta(connection, "format")? } else { None };
    if let Some(found) = found {
        return Ok(found);
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute(SET_META, params!["format", FORMAT])?;
    transaction.commit()?;
    Ok(FORMAT)
}

fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
}

fn unreadable(path: &Path, why: &rusqlite::Error) -> StoreError {
    StoreError::Read(format!("`{}`: {why}", path.display()).into())
}

/// Bytes that are known to be UTF-8 (JSON), bound without a check or a copy, so that `sqlite3` shows them as text.
struct Json<'a>(&'a Arc<[u8]>);

impl ToSql for Json<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

impl Engine for Sqlite {
    fn load(&mut self, sink: &mut RowSink<'_>) -> Result<u64, StoreError> {
        let mut load = || {
            let mut statement = self.connection.prepare("SELECT tbl, key, json FROM item")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                sink(row.get_ref(0)?.as_str()?, bytes(row.get_ref(1)?), bytes(row.get_ref(2)?));
            }
            meta(&self.connection, "revision")
        };
        let revision = load().map_err(|why| StoreError::Read(why.to_string().into()))?;
        Ok(u64::try_from(revision.unwrap_or(0)).unwrap_or(0))
    }

    fn apply(&mut self, revision: u64, changes: &mut dyn Iterator<Item = &Change>) -> Result<(), StoreError> {
        let applied = apply(&self.connection, revision, changes).map_err(|why| refused(&why, &self.reserve));
        self.reserve.retake();
        applied
    }

    fn gauge(&self) -> Gauge {
        self.reserve.gauge()
    }
}

/// Text and blob alike: a row damaged in its type still loads, and is reported when it is read.
fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    }
}

fn apply(
    connection: &Connection,
    revision: u64,
    changes: &mut dyn Iterator<Item = &Change>,
) -> rusqlite::Result<()> {
    // Rolls back when it is dropped without a commit.
    let transaction = connection.unchecked_transaction()?;
    for change in changes {
        let key: &[u8] = &change.key;
        match &change.json {
            Some(json) => transaction.prepare_cached(PUT)?.execute(params![change.table, key, Json(json)])?,
            None => transaction.prepare_cached(DELETE)?.execute(params![change.table, key])?,
        };
    }
    let revision = Value::Integer(i64::try_from(revision).unwrap_or(i64::MAX));
    transaction.prepare_cached(SET_META)?.execute(params!["revision", revision])?;
    transaction.commit()
}

/// The text says what the user can do about it.
fn refused(why: &rusqlite::Error, reserve: &Reserve) -> StoreError {
    match why.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::full(),
        // So it says when the index of its log finds no room, or a sync does.
        Some(ErrorCode::SystemIoFailure) if !reserve.is_room_left() => StoreError::full(),
        Some(ErrorCode::ReadOnly) => {
            StoreError::Commit("the data directory cannot be written to: check its owner and mode".into())
        }
        _ => StoreError::Commit(why.to_string().into()),
    }
}
