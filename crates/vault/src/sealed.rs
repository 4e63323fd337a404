//! A sealed value as bytes: version, root key id, wrapped data key, nonce, ciphertext.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, NONCE_LEN};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::VaultError;
use crate::root::{KEY, KEY_ID};

pub(crate) const VERSION: u8 = 1;
pub(crate) const TAG: usize = 16;
/// Nonce, encrypted data key, tag.
pub(crate) const WRAPPED: usize = NONCE_LEN + KEY + TAG;
const HEAD: usize = 1 + KEY_ID + WRAPPED + NONCE_LEN;

/// A value that only its vault opens, in the context it was sealed in. In JSON it is a base64 text. `Debug` prints
/// its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// The parts of a sealed value.
pub(crate) struct Parts<'a> {
    pub(crate) key_id: &'a [u8; KEY_ID],
    pub(crate) wrapped: &'a [u8; WRAPPED],
    pub(crate) nonce: &'a [u8; NONCE_LEN],
    pub(crate) ciphertext: &'a [u8],
}

impl Sealed {
    pub(crate) fn from_parts(parts: &Parts<'_>) -> Self {
        let Parts { key_id, wrapped, nonce, ciphertext } = parts;
        let version: &[u8] = &[VERSION];
        Self([version, *key_id, *wrapped, *nonce, *ciphertext].concat())
    }

    pub(crate) fn parts(&self) -> Result<Parts<'_>, VaultError> {
        let truncated = VaultError::Malformed("it is too short");
        let Some((version, rest)) = self.0.split_first() else { return Err(truncated) };
        if *version != VERSION {
            return Err(VaultError::Malformed("its version is not known: a newer version may have made it"));
        }
        split(rest).ok_or(truncated)
    }

    /// The bytes, for keeping them elsewhere than in JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From [`Sealed::as_bytes`]. Says nothing about whether the value opens.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] when it cannot be a sealed value.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, VaultError> {
        let sealed = Self(bytes);
        sealed.parts()?;
        Ok(sealed)
    }
}

fn split(rest: &[u8]) -> Option<Parts<'_>> {
    let (key_id, rest) = rest.split_first_chunk()?;
    let (wrapped, rest) = rest.split_first_chunk()?;
    let (nonce, ciphertext) = rest.split_first_chunk()?;
    (ciphertext.len() >= AES_256_GCM.tag_len()).then_some(Parts { key_id, wrapped, nonce, ciphertext })
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len().saturating_sub(HEAD + TAG))
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| D::Error::custom("not base64"))?;
        Self::from_bytes(bytes).map_err(D::Error::custom)
    }
}
