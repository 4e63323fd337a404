//! An OCI distribution server over two traits: who may ([`Access`]) and what is there ([`Catalog`]).
//!
//! It serves the whole data plane of the OCI distribution specification 1.1 and Docker's registry API v2. It knows
//! nothing of accounts, policies or tokens' meaning: it asks [`Access`] before every operation, keeps names and links
//! in [`Catalog`], and bytes in a [`BlobStore`], stored once by digest whatever the number of repositories.
//!
//! Bodies are streamed in both directions; a transfer holds a few buffers, whatever its size. A blob is visible only
//! after its digest has been checked and its bytes are on the disk.

mod access;
mod blobs;
mod catalog;
mod collect;
mod convert;
mod digest;
mod error;
mod http;
mod manifest;
mod memory_access;
mod memory_catalog;
mod name;
mod places;
mod references;
mod registry;
mod token_service;
mod uploads;

pub use access::{Access, Attempt, Credentials, Grant, Operation, Refusal};
pub use blobs::{BlobError, BlobReader, BlobStore, Growing, Upload};
pub use catalog::{Catalog, Incarnation, Unlink};
pub use collect::Collected;
pub use convert::Converted;
pub use digest::{Digest, InvalidDigest};
pub use error::{ErrorCode, OciError, is_disk_full};
pub use http::{Lender, Lent, ResponseBody, Route, Served, accepts, credentials, lend};
pub use manifest::{Descriptor, MEDIA_TYPES, Manifest, ManifestKind};
pub use memory_access::{MemoryAccess, Permission};
pub use memory_catalog::MemoryCatalog;
pub use name::{InvalidName, Reference, Repository, RepositoryName, Tag};
pub use places::{Place, Room, room};
pub use registry::{Limits, Registry};
pub use token_service::TokenService;
