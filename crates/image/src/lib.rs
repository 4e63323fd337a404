//! An OCI registry client: references, registry authentication, parallel pull, verification, unpacking, layer store, push.
//!
//! Knows nothing of AWS: a caller brings a [`Reference`], perhaps a [`Credential`], and a [`Platform`].
//!
//! A pull has two halves. [`Client::resolve`] asks the registry, with the caller's credential, what a reference
//! means: always, even when every layer is on disk, so that nobody rides on another's cache. [`LayerStore::pull`] then
//! brings what is missing: each layer flows from the socket through the hash and the decompressor into the file system
//! in one pass, and appears under its digest only when all of it was right.
//!
//! # Why our own client
//!
//! `oci-client` 0.18 was read first. It keeps one credential per registry host and the first one wins, so two tasks with
//! different credentials for one registry would share one; it asks `/v2/` rather than the resource what is wanted; and it leaves
//! redirect rules, `Retry-After`, retries, resumption, size limits and HTML answers to its caller. Those rules are what this crate
//! is for, so it drives `reqwest` itself (pool, TLS, proxies), one module per rule.

mod builder;
mod client;
mod config;
mod credential;
mod digest;
mod error;
mod error_text;
mod manifest;
pub mod media;
mod platform;
mod progress;
mod reference;
mod store;
mod unpack;

pub use builder::{BuiltImage, ImageBuilder};
pub use client::{
    BlobBytes, BlobDownload, BlobUpload, Client, ClientOptions, Nearby, NearbyBlob, RawManifest, Resolved,
};
pub use config::{ImageConfig, RunConfig};
pub use credential::Credential;
pub use digest::{Digest, InvalidDigest};
pub use error::{PullError, PullErrorKind};
pub use manifest::{Descriptor, Manifest};
pub use platform::Platform;
pub use progress::{LayerEvent, NoProgress, Progress};
pub use reference::{InvalidReference, Reference};
pub use store::{Entry, Image, LayerStore, StoreOptions};
pub use unpack::{Limits, UnpackError, UnpackOptions, Unpacked, unpack_layer};
