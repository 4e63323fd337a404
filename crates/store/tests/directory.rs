//! The data directory: who may use it, and what version made it.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use landfall_store::journal::Journals;
use landfall_store::{Key, KeyFor, Store, StoreError, Table, Tx, Value};

const ROWS: Table<String, u32> = Table::new("row");

fn put_row<K: Key, V: Value>(
    store: &Store,
    table: &Table<K, V>,
    key: &(impl KeyFor<K::Parts> + ?Sized),
    value: V,
) {
    let body = |tx: &mut Tx| {
        tx.put(table, key, value);
        Ok::<_, StoreError>(())
    };
    store.write("put", body).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_user_is_told_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let message = Store::open(directory.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("in use by process {}", std::process::id())), "{message}");
    drop(store);
    assert!(Store::open(directory.path()).is_ok());
}

#[test]
fn journals_belong_to_one_user_too() {
    let directory = tempfile::tempdir().unwrap();
    let _journals = Journals::open(directory.path()).unwrap();
    assert!(Journals::open(directory.path()).unwrap_err().to_string().contains("in use by process"));
}

#[test]
fn everything_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data/tables");
    let store = Store::open(&directory).unwrap();
    put_row(&store, &ROWS, "k", 1);
    assert_eq!(mode(&directory), 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let set = |format: i64| {
        let connection = rusqlite::Connection::open(directory.path().join("landfall.sqlite3")).unwrap();
        connection.execute("UPDATE meta SET value = ?1 WHERE name = 'format'", [format]).unwrap();
    };
    set(99);
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    set(1);
    assert!(Store::open(directory.path()).is_ok());
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("landfall.sqlite3"), [b'x'; 8192]).unwrap();
    assert!(matches!(Store::open(directory.path()), Err(StoreError::Read(_))));
}
