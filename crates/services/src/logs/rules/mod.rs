//! Decisions without I/O.

pub(super) mod batch;
pub(super) mod filter_pattern;
pub(super) mod page;
pub(super) mod retention;
pub(super) mod tags;
