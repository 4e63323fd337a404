//! Typed ordered tables with transactions, snapshots, a change feed and group commit; append-only journals.
//!
//! Knows bytes and rows, not what they mean. All reads are from memory: a [`View`] is an immutable snapshot of a
//! persistent ordered map. A write runs alone on the newest state ([`Store::write`]) and is answered once it is on
//! disk, together with all other writes that were waiting.
//!
//! ```
//! use landfall_store::{Store, StoreError, Table};
//!
//! const STOCK: Table<(String, u32), u64> = Table::new("stock");
//!
//! let store = Store::in_memory()?;
//! let before = store.write("count the shelf", |tx| {
//!     let before = tx.get(&STOCK, &("apples", 7u32))?;
//!     tx.put(&STOCK, &("apples", 7u32), 12);
//!     Ok::<_, StoreError>(before)
//! }).map_err(|error| error.flatten())?;
//! assert!(before.is_none());
//! for row in store.view().scan(&STOCK, ("apples",)) {
//!     let ((fruit, shelf), amount) = row?;
//!     assert_eq!((fruit.as_str(), shelf, *amount), ("apples", 7, 12));
//! }
//! # Ok::<(), StoreError>(())
//! ```

mod commit;
mod engine;
mod error;
mod feed;
pub mod journal;
mod key;
mod store;
mod table;
mod tx;
mod view;

pub use error::{StoreError, WriteError};
pub use feed::{Commit, Notice, RowId, Subscription, TableWatch};
pub use key::{Begins, Key, KeyFor, KeyReader, KeyWriter, PrefixOf, key_bytes, read_key};
pub use store::Store;
pub use table::{Table, Value};
pub use tx::Tx;
pub use view::{Scan, View};
