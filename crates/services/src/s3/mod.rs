//! S3: buckets and objects, for environment files and configuration.
//!
//! Rows say what there is; bytes are files beside the database ([`files`]), encrypted, complete and on disk before a row
//! names them. So an object that was acknowledged is there after a crash, and one that was not leaves a file at most,
//! which the next start removes ([`sweep`]). The protocol is in the crate `landfall-s3`; here is what operations do.
//!
//! There are no ACLs: every bucket belongs to its owner alone, as new buckets of AWS do.

pub mod access;
pub mod archive;
pub mod buckets;
pub mod checksum;
mod completed;
pub mod cors;
pub mod encryption;
pub mod error;
mod facade;
pub mod files;
pub mod keys;
pub mod lifecycle;
pub mod listing;
pub mod names;
pub mod objects;
mod policy;
mod reconcile;
pub mod record;
pub(crate) mod snapshot;
mod statement;
#[cfg(test)]
pub(crate) mod tests;
pub mod uploads;

pub(crate) use access::{is_restricted, permission_on};
pub use facade::{get_bucket_location, get_object_for, later_read, readable, would_be_allowed};
pub use reconcile::{reconcile, sweep};
