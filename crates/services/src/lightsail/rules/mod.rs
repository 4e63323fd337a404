//! Decisions without I/O.

pub mod deployment;
pub mod health;
pub mod power;
pub mod reconcile;
pub mod state;
