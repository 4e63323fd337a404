//! Values encrypted outside KMS with a data key of their own: AES-256-GCM; nonce, ciphertext, tag. What the value belongs
//! to is authenticated where the data key is encrypted.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use landfall_base::Sensitive;

use crate::pipe::Failure;

/// A cipher under a key that is derived from a data key: for many values that belong together.
pub struct Cipher(RandomizedNonceKey);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

impl Cipher {
    /// The cipher of what `name` stands for (HMAC-SHA-256 as key derivation, NIST SP 800-108).
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub fn derived(data_key: &Sensitive<Vec<u8>>, name: &[u8]) -> Result<Self, Failure> {
        let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, data_key.expose()), name);
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map_err(Failure::internal)?))
    }

    /// Encrypts a value.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub fn seal(&self, value: &[u8]) -> Result<Vec<u8>, Failure> {
        seal(&self.0, value)
    }

    /// Decrypts what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// Another cipher, or the bytes were changed.
    pub fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        open(&self.0, bytes)
    }
}

fn cipher(data_key: &Sensitive<Vec<u8>>) -> Result<RandomizedNonceKey, Failure> {
    RandomizedNonceKey::new(&AES_256_GCM, data_key.expose()).map_err(Failure::internal)
}

/// Encrypts a value with a data key.
///
/// # Errors
/// The cryptographic library refuses.
pub fn seal_with(data_key: &Sensitive<Vec<u8>>, value: &[u8]) -> Result<Vec<u8>, Failure> {
    seal(&cipher(data_key)?, value)
}

fn seal(cipher: &RandomizedNonceKey, value: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(value.len() + AES_256_GCM.tag_len());
    bytes.extend_from_slice(value);
    let nonce = cipher.seal_in_place_append_tag(Aad::empty(), &mut bytes).map_err(Failure::internal)?;
    Ok([nonce.as_ref().as_slice(), &bytes].concat())
}

/// Decrypts what [`seal_with`] made.
///
/// # Errors
/// Another data key, or the bytes were changed.
pub fn open_with(data_key: &Sensitive<Vec<u8>>, bytes: &[u8]) -> Result<Sensitive<Vec<u8>>, Failure> {
    open(&cipher(data_key)?, bytes).map(Sensitive::new)
}

fn open(cipher: &RandomizedNonceKey, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let damaged = || Failure::internal("an encrypted value is too short");
    let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
    let mut body = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = cipher.open_in_place(nonce, Aad::empty(), &mut body);
    let length = opened.map_err(Failure::internal)?.len();
    // What is cut off is the tag, which is no secret.
    body.truncate(length);
    Ok(body)
}
