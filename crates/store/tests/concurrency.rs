//! Many writers and readers at once, and the change feed.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::sync::atomic::{AtomicBool, Ordering};

use landfall_store::{Key, KeyFor, Notice, Store, StoreError, Table, Tx, Value};

const ROWS: Table<(u32, u32), u32> = Table::new("row");
const TOTAL: Table<String, u32> = Table::new("total");
const WRITERS: u32 = 8;
const EACH: u32 = 50;

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

fn put(store: &Store, writer: u32, number: u32) {
    store
        .write("put", |tx| {
            tx.put(&ROWS, &(writer, number), number);
            let total = tx.get(&TOTAL, "rows")?.map_or(0, |total| *total);
            tx.put(&TOTAL, "rows", total + 1);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(store.view().contains(&ROWS, &(writer, number)), "an answered write is not visible");
}

fn check_views(store: &Store, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let view = store.view();
        let total = view.get(&TOTAL, "rows").unwrap().map_or(0, |total| *total);
        assert_eq!(view.count(&ROWS, ()), total as usize, "a view shows half a write");
        assert_eq!(view.revision(), u64::from(total));
    }
}

#[test]
fn all_answered_writes_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let mut changes = store.changes();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| check_views(&store, &done));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || (0..EACH).for_each(|number| put(store, writer, number)))
            })
            .collect();
        let results: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        assert!(results.iter().all(Result::is_ok));
    });
    for revision in 1..=u64::from(WRITERS * EACH) {
        let Some(Notice::Commit(commit)) = changes.try_next() else { panic!("commit {revision} is missing") };
        assert_eq!((commit.revision, &*commit.description), (revision, "put"));
        assert_eq!(commit.keys(&ROWS).count(), 1);
    }
    assert!(changes.try_next().is_none());
    drop(store);
    let view = Store::open(directory.path()).unwrap().view();
    assert_eq!(view.count(&ROWS, ()), (WRITERS * EACH) as usize);
    assert_eq!(view.count(&ROWS, (3,)), EACH as usize);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

#[test]
fn asynchronous_writes_and_table_watches() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let (mut rows, mut total) = (store.changed(&ROWS), store.changed(&TOTAL));
        let writes: Vec<_> = (0..20u32)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let body = |tx: &mut Tx| {
                        tx.put(&ROWS, &(0, number), number);
                        Ok::<_, StoreError>(())
                    };
                    store.write_async("put", body).await.unwrap();
                })
            })
            .collect();
        assert!(rows.changed().await.is_some());
        for write in writes {
            write.await.unwrap();
        }
        assert_eq!(store.view().count(&ROWS, ()), 20);
        drop(store);
        while rows.changed().await.is_some() {}
        assert!(total.changed().await.is_none(), "the table did not change");
    });
}

#[test]
fn a_slow_reader_is_told_to_resync() {
    let store = Store::in_memory().unwrap();
    let mut slow = store.changes();
    for number in 0..3000 {
        put_row(&store, &ROWS, &(0, number), number);
    }
    assert!(matches!(slow.try_next(), Some(Notice::Resync)));
    assert!(matches!(slow.try_next(), Some(Notice::Commit(_))));
}

#[test]
fn a_blocking_write_works_inside_a_runtime() {
    runtime().block_on(async {
        let store = Store::in_memory().unwrap();
        put_row(&store, &TOTAL, "k", 1);
    });
}
