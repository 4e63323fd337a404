//! What can go wrong with sealing and opening.

use std::path::PathBuf;

/// A failure of the vault. Holds no key material and no plaintext.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file operation failed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was attempted, for example `create`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Others than its owner may read or change the root key.
    #[error(
        "root key `{}` has mode {mode:03o}, expected 600: others may have read it; if not, run `chmod 600` on it",
        path.display()
    )]
    Exposed {
        /// The root key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The root key file is not one.
    #[error("root key `{}` is damaged: expected {expected} bytes, found {found}; restore it from a backup", path.display())]
    DamagedRootKey {
        /// The root key file.
        path: PathBuf,
        /// The size it must have, in bytes.
        expected: usize,
        /// The size it has, in bytes (reading stops just above what is expected).
        found: usize,
    },
    /// The value was sealed under a root key that is not here.
    #[error(
        "the value was sealed under root key `{wanted}`, this vault has `{present}`: restore the other key"
    )]
    UnknownRootKey {
        /// The id in the value.
        wanted: String,
        /// The id of this vault's key.
        present: String,
    },
    /// The value, or the context it is opened with, is not the one that was sealed.
    #[error("the sealed value does not open: it was changed, or it belongs to another place")]
    NotAuthentic,
    /// The bytes are not a sealed value.
    #[error("not a sealed value: {0}")]
    Malformed(&'static str),
    /// The cryptographic library refused. Not expected to happen.
    #[error("the value could not be sealed")]
    SealFailed,
}
