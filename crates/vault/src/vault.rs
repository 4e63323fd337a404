//! Sealing and opening.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use landfall_base::{Sensitive, random};

use crate::error::VaultError;
use crate::root::{self, KEY, KEY_ID};
use crate::sealed::{Parts, Sealed, TAG, VERSION, WRAPPED};

/// Seals values and opens them again. Holds the keys in memory.
pub struct Vault {
    wrapping: LessSafeKey,
    key_id: [u8; KEY_ID],
}

impl Vault {
    /// The vault of a directory. Creates the directory (mode 0700) and the root key (`root.key`, mode 0600) when they
    /// are missing.
    ///
    /// # Errors
    /// [`VaultError::Exposed`] when others may read the root key, [`VaultError::DamagedRootKey`] when it is not one, or
    /// what the disk said.
    pub fn open(directory: &Path) -> Result<Self, VaultError> {
        Self::with_root(&root::load_or_create(directory)?)
    }

    /// A vault whose root key is forgotten with it, for tests.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn in_memory() -> Result<Self, VaultError> {
        Self::with_root(&Sensitive::new(random::bytes()))
    }

    fn with_root(root: &Sensitive<[u8; KEY]>) -> Result<Self, VaultError> {
        Ok(Self {
            wrapping: key(root::wrapping_key(root.expose())?.expose())?,
            key_id: root::key_id(root.expose())?,
        })
    }

    /// The id of the root key, in hexadecimal digits. Not secret.
    pub fn root_key_id(&self) -> String {
        hex::encode(self.key_id)
    }

    /// Seals a value. The context (names and values, order matters) is not stored, but must be the same to open it.
    ///
    /// # Errors
    /// [`VaultError::SealFailed`] when the cryptographic library refuses.
    pub fn seal(&self, context: &[(&str, &str)], plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let context = authenticated(&self.key_id, context);
        let data_key = Sensitive::new(random::bytes::<KEY>());
        let wrapped = encrypt(&self.wrapping, &context, data_key.expose())?;
        let value = encrypt(&key(data_key.expose())?, &context, plaintext)?;
        let failed = VaultError::SealFailed;
        let wrapped: &[u8; WRAPPED] = wrapped.as_slice().try_into().map_err(|_| VaultError::SealFailed)?;
        let (nonce, ciphertext) = value.split_first_chunk::<NONCE_LEN>().ok_or(failed)?;
        Ok(Sealed::from_parts(&Parts { key_id: &self.key_id, wrapped, nonce, ciphertext }))
    }

    /// Opens a value in the context it was sealed in.
    ///
    /// # Errors
    /// [`VaultError::NotAuthentic`] when value or context were changed, [`VaultError::UnknownRootKey`] when it was
    /// sealed elsewhere, [`VaultError::Malformed`] when it is not a sealed value.
    pub fn unseal(
        &self,
        context: &[(&str, &str)],
        sealed: &Sealed,
    ) -> Result<Sensitive<Vec<u8>>, VaultError> {
        let parts = sealed.parts()?;
        if *parts.key_id != self.key_id {
            let (wanted, present) = (hex::encode(parts.key_id), self.root_key_id());
            return Err(VaultError::UnknownRootKey { wanted, present });
        }
        let context = authenticated(parts.key_id, context);
        let (nonce, wrapped) = parts.wrapped.split_first_chunk().ok_or(VaultError::NotAuthentic)?;
        let data_key = decrypt(&self.wrapping, nonce, &context, wrapped)?;
        decrypt(&key(data_key.expose())?, parts.nonce, &context, parts.ciphertext)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault(root key {})", self.root_key_id())
    }
}

fn key(bytes: &[u8]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| VaultError::SealFailed)
}

/// Version, key id and context as bytes that no other context has: every text is preceded by its length.
fn authenticated(key_id: &[u8; KEY_ID], context: &[(&str, &str)]) -> Vec<u8> {
    let length: usize = context.iter().map(|(name, value)| 16 + name.len() + value.len()).sum();
    let mut bytes = Vec::with_capacity(1 + KEY_ID + length);
    bytes.push(VERSION);
    bytes.extend_from_slice(key_id);
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// Nonce, ciphertext, tag. Nonces are random: a data key is used once, and the wrapping key stays far below the 2^32
/// uses that NIST SP 800-38D §8.3 allows with random nonces.
fn encrypt(key: &LessSafeKey, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_LEN] = random::bytes();
    // Of its final size from the start, so that growing leaves no copy of the plaintext behind.
    let mut bytes = Vec::with_capacity(NONCE_LEN + plaintext.len() + TAG);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(plaintext);
    let Some(in_place) = bytes.get_mut(NONCE_LEN..) else { return Err(VaultError::SealFailed) };
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), in_place)
        .map_err(|_| VaultError::SealFailed)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(bytes)
}

fn decrypt(
    key: &LessSafeKey,
    nonce: &[u8; NONCE_LEN],
    context: &[u8],
    ciphertext: &[u8],
) -> Result<Sensitive<Vec<u8>>, VaultError> {
    let mut bytes = ciphertext.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, Aad::from(context), &mut bytes);
    let length = opened.map_err(|_| VaultError::NotAuthentic)?.len();
    // What is cut off is the tag, which is no secret.
    bytes.truncate(length);
    Ok(Sensitive::new(bytes))
}
