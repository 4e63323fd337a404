//! Group commit against an engine that can be made to wait and to fail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::engine::{Change, Engine, Gauge, RowSink};
use crate::{Store, StoreError, Table, Tx, WriteError};

const ROWS: Table<u32, u32> = Table::new("row");

const FULL: &str = "the write was not stored: the disk is full: free some space and try again";

/// What a test holds of its engine.
#[derive(Default)]
struct Disk {
    full: AtomicBool,
    /// There is no room but for deletions.
    no_room: AtomicBool,
    applied: AtomicUsize,
    held: Mutex<bool>,
    released: Condvar,
}

impl Disk {
    fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.released.notify_all();
    }
}

struct TestEngine(Arc<Disk>);

impl Engine for TestEngine {
    fn load(&mut self, _sink: &mut RowSink<'_>) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn apply(
        &mut self,
        _revision: u64,
        _changes: &mut dyn Iterator<Item = &Change>,
    ) -> Result<(), StoreError> {
        let held = self.0.held.lock().unwrap();
        drop(self.0.released.wait_while(held, |held| *held).unwrap());
        self.0.applied.fetch_add(1, Ordering::SeqCst);
        if self.0.full.load(Ordering::SeqCst) { Err(StoreError::full()) } else { Ok(()) }
    }

    fn gauge(&self) -> Gauge {
        let disk = Arc::clone(&self.0);
        Box::new(move || !disk.no_room.load(Ordering::SeqCst))
    }
}

fn store() -> (Store, Arc<Disk>) {
    let disk = Arc::new(Disk::default());
    (Store::with_engine(Box::new(TestEngine(Arc::clone(&disk)))).unwrap(), disk)
}

fn put(store: &Store, key: u32) -> Result<(), WriteError<StoreError>> {
    store.write("put", |tx| {
        tx.put(&ROWS, &key, key);
        Ok(())
    })
}

/// Starts a write and returns once its body has run, with the handle that waits for the disk.
fn start(store: &Store, key: u32) -> std::thread::JoinHandle<Result<(), WriteError<StoreError>>> {
    let (ran, has_run) = std::sync::mpsc::channel();
    let store = store.clone();
    let handle = std::thread::spawn(move || {
        store.write("put", |tx| {
            tx.put(&ROWS, &key, key);
            ran.send(()).unwrap();
            Ok(())
        })
    });
    has_run.recv().unwrap();
    handle
}

#[test]
fn a_full_disk_fails_the_write_and_not_the_store() {
    let (store, disk) = store();
    put(&store, 1).unwrap();
    disk.full.store(true, Ordering::SeqCst);
    let message = put(&store, 2).unwrap_err().to_string();
    assert_eq!(message, FULL);
    assert!(store.view().contains(&ROWS, &1u32));
    assert!(!store.view().contains(&ROWS, &2u32));
    disk.full.store(false, Ordering::SeqCst);
    put(&store, 3).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 2);
    assert_eq!(store.view().revision(), 2);
}

#[test]
fn without_room_only_what_frees_some_is_written() {
    let (store, disk) = store();
    (1..=3).for_each(|key| put(&store, key).unwrap());
    disk.no_room.store(true, Ordering::SeqCst);
    let before = disk.applied.load(Ordering::SeqCst);
    assert_eq!(put(&store, 4).unwrap_err().to_string(), FULL);
    let write = |body: fn(&mut Tx)| {
        store.write("change", |tx| {
            body(tx);
            Ok::<_, StoreError>(())
        })
    };
    assert!(write(|tx| tx.put(&ROWS, &1, 9)).is_err(), "as large as before");
    write(|tx| tx.put(&ROWS, &1, 1)).unwrap();
    assert_eq!(disk.applied.load(Ordering::SeqCst), before, "nothing went to the disk");
    write(|tx| {
        tx.delete(&ROWS, &1);
        tx.delete(&ROWS, &2);
        tx.put(&ROWS, &5, 5);
    })
    .unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 2);
    assert!(!store.view().contains(&ROWS, &4u32));
    disk.no_room.store(false, Ordering::SeqCst);
    put(&store, 4).unwrap();
}

#[test]
fn everything_built_on_a_failed_commit_fails() {
    let (store, disk) = store();
    disk.hold(true);
    disk.full.store(true, Ordering::SeqCst);
    let writes: Vec<_> = (0..5).map(|key| start(&store, key)).collect();
    disk.hold(false);
    for write in writes {
        assert!(matches!(write.join().unwrap(), Err(WriteError::Store(StoreError::Full { .. }))));
    }
    disk.full.store(false, Ordering::SeqCst);
    put(&store, 9).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 1);
}

#[test]
fn waiting_writes_share_a_commit_and_see_each_other() {
    let (store, disk) = store();
    disk.hold(true);
    let first = start(&store, 0);
    let later: Vec<_> = (1..10).map(|key| start(&store, key)).collect();
    assert_eq!(store.view().count(&ROWS, ()), 0, "a reader sees what is not on disk");
    let counted = {
        let store = store.clone();
        std::thread::spawn(move || store.write("count", |tx| Ok::<_, StoreError>(tx.count(&ROWS, ()))))
    };
    disk.hold(false);
    first.join().unwrap().unwrap();
    later.into_iter().for_each(|write| write.join().unwrap().unwrap());
    assert_eq!(counted.join().unwrap().unwrap(), 10);
    assert!(disk.applied.load(Ordering::SeqCst) <= 3, "writes were not grouped");
}

#[test]
fn an_answer_from_a_state_that_is_lost_is_not_given() {
    let (store, disk) = store();
    disk.hold(true);
    disk.full.store(true, Ordering::SeqCst);
    let lost = start(&store, 1);
    let (ran, has_run) = std::sync::mpsc::channel();
    let reader = {
        let store = store.clone();
        std::thread::spawn(move || {
            store.write("read", |tx| {
                ran.send(()).unwrap();
                Ok::<_, StoreError>(tx.contains(&ROWS, &1u32))
            })
        })
    };
    has_run.recv().unwrap();
    disk.hold(false);
    assert!(lost.join().unwrap().is_err());
    // The reader may have begun after the failure; then it must not have seen the row.
    assert!(!matches!(reader.join().unwrap(), Ok(true)));
}

#[test]
fn reading_in_a_write_does_no_input_or_output() {
    let (store, disk) = store();
    store.write("nothing", |tx| Ok::<_, StoreError>(tx.count(&ROWS, ()))).unwrap();
    assert_eq!(disk.applied.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_that_panics_changes_nothing() {
    let (store, _disk) = store();
    let for_thread = store.clone();
    let panicked = std::thread::spawn(move || {
        for_thread.write("panic", |tx| -> Result<(), StoreError> {
            tx.put(&ROWS, &1u32, 1);
            panic!("on purpose")
        })
    });
    assert!(panicked.join().is_err());
    put(&store, 2).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 1);
}
