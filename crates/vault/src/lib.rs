//! Envelope encryption: a root key on disk, a key derived from it, a fresh data key for every value.
//!
//! A value is sealed with a data key of its own (AES-256-GCM); the data key is sealed with a key derived from the root
//! key (HKDF-SHA-256). Both carry the *context*, pairs such as the ARN a value belongs to: a sealed value that was moved
//! to another place does not open. The root key's id is part of a sealed value, so that root keys can be rotated.

mod error;
mod root;
mod sealed;
mod vault;

pub use error::VaultError;
pub use sealed::Sealed;
pub use vault::Vault;
