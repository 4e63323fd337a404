//! Typed ordered tables with transactions, snapshots, a change feed and group commit; append-only journals.
