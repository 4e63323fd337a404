//! A disk without room: what is refused, what is not, and what is there afterwards. Needs root, as the product does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use landfall_store::{Store, StoreError, Table, WriteError};

const ROWS: Table<u32, String> = Table::new("row");

/// A file system of so many megabytes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Self {
        let size = std::ffi::CString::new(format!("size={megabytes}m")).unwrap();
        rustix::mount::mount("tmpfs", at, "tmpfs", rustix::mount::MountFlags::empty(), size.as_c_str())
            .unwrap();
        Self(at.to_owned())
    }

    /// Takes every byte that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![b'f'; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

fn put(store: &Store, rows: impl Iterator<Item = u32>) -> Result<(), WriteError<StoreError>> {
    store.write("put", |tx| {
        rows.for_each(|row| tx.put(&ROWS, &row, "x".repeat(500)));
        Ok(())
    })
}

fn delete(store: &Store, rows: impl Iterator<Item = u32>) -> Result<(), WriteError<StoreError>> {
    store.write("delete", |tx| {
        rows.for_each(|row| assert!(tx.delete(&ROWS, &row)));
        Ok(())
    })
}

#[test]
fn on_a_full_disk_rows_can_be_deleted_and_none_added() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(directory.path(), 64);
    let store = Store::open(&disk.0.join("state")).unwrap();
    put(&store, 0..10_000).unwrap();
    let filler = disk.fill();
    for _ in 0..100 {
        let refused = put(&store, 10_000..10_001).unwrap_err();
        assert!(matches!(refused, WriteError::Store(StoreError::Full { .. })), "{refused}");
    }
    // One by one, and many at a time.
    (0..1_000).for_each(|row| delete(&store, row..row + 1).unwrap());
    delete(&store, 1_000..9_000).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 1_000);
    drop(store);
    let store = Store::open(&disk.0.join("state")).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 1_000);
    delete(&store, 9_000..9_500).unwrap();
    std::fs::remove_file(filler).unwrap();
    put(&store, 10_000..20_000).unwrap();
    assert_eq!(store.view().count(&ROWS, ()), 10_500);
}
