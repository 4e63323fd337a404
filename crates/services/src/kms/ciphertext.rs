//! Ciphertexts: which key, which of its material, and the encrypted bytes. Nobody but this module reads them.
//!
//! Layout: version (1), account (8), key id (16), number of the material (4), checksum of all that (8), salt (16), nonce
//! (12), AES-256-GCM ciphertext with tag. Every message has a key of its own, derived from the backing key and the salt
//! (HKDF-SHA-256), so that random nonces stay safe however much a key is used. What stands before the ciphertext is
//! authenticated together with the encryption context. The checksum is not a secret: it tells a damaged reference to a
//! key from a reference to a key that is not there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use landfall_base::{AccountId, Sensitive, random};

use super::encryption_context::EncryptionContext;

const VERSION: u8 = 1;
const HEAD: usize = 1 + 8 + 16 + 4;
const CHECK: usize = 8;
const SALT: usize = 16;
const TAG: usize = 16;

/// The key that a ciphertext was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The account that owns the key.
    pub(super) account: AccountId,
    /// The key's id.
    pub(super) key_id: String,
    /// Which of its material, from 0.
    pub(super) material: u32,
}

/// The cryptographic library refused, or the ciphertext is not what was encrypted in this context.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub(super) struct Unopened;

impl Reference {
    fn head(&self) -> Option<[u8; HEAD]> {
        let account: u64 = self.account.as_str().parse().ok()?;
        let id = hex::decode(self.key_id.replace('-', "")).ok()?;
        let number = self.material.to_be_bytes();
        let head = [&[VERSION][..], &account.to_be_bytes(), &id, &number].concat();
        head.try_into().ok()
    }

    /// The key that a ciphertext names; `None` for what is not a ciphertext.
    pub(super) fn of(ciphertext: &[u8]) -> Option<Self> {
        let (head, rest) = ciphertext.split_first_chunk::<HEAD>()?;
        let (check, rest) = rest.split_first_chunk::<CHECK>()?;
        if *check != checksum(head)? || rest.len() < SALT + NONCE_LEN + TAG {
            return None;
        }
        let (version, rest) = head.split_first()?;
        let (account, rest) = rest.split_first_chunk::<8>()?;
        let (id, number) = rest.split_first_chunk::<16>()?;
        let account = format!("{:012}", u64::from_be_bytes(*account)).parse().ok()?;
        let material = u32::from_be_bytes(number.try_into().ok()?);
        (*version == VERSION).then(|| Self { account, key_id: uuid(id), material })
    }
}

fn checksum(head: &[u8]) -> Option<[u8; CHECK]> {
    digest(&SHA256, head).as_ref().first_chunk().copied()
}

fn uuid(bytes: &[u8; 16]) -> String {
    let digits = hex::encode(bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Encrypts a text with the key's material.
///
/// # Errors
/// The key id is no UUID, or the cryptographic library refuses.
pub(super) fn encrypt(
    reference: &Reference,
    material: &Sensitive<Vec<u8>>,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Unopened> {
    let head = reference.head().ok_or(Unopened)?;
    let check = checksum(&head).ok_or(Unopened)?;
    let (salt, nonce): ([u8; SALT], [u8; NONCE_LEN]) = (random::bytes(), random::bytes());
    let mut bytes = Vec::with_capacity(HEAD + CHECK + SALT + NONCE_LEN + plaintext.len() + TAG);
    for part in [&head[..], &check, &salt, &nonce] {
        bytes.extend_from_slice(part);
    }
    let aad = [bytes.as_slice(), &context.bytes()].concat();
    let start = bytes.len();
    bytes.extend_from_slice(plaintext);
    let in_place = bytes.get_mut(start..).ok_or(Unopened)?;
    let tag = message_key(material, &salt)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), in_place)
        .map_err(|_| Unopened)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(bytes)
}

/// Decrypts what [`encrypt`] made.
///
/// # Errors
/// Ciphertext, context or material are not those of the encryption.
pub(super) fn decrypt(
    material: &Sensitive<Vec<u8>>,
    context: &EncryptionContext,
    ciphertext: &[u8],
) -> Result<Sensitive<Vec<u8>>, Unopened> {
    let (head, body) = ciphertext.split_at_checked(HEAD + CHECK + SALT + NONCE_LEN).ok_or(Unopened)?;
    let (front, nonce) = head.split_last_chunk::<NONCE_LEN>().ok_or(Unopened)?;
    let (_, salt) = front.split_last_chunk::<SALT>().ok_or(Unopened)?;
    let aad = [head, &context.bytes()].concat();
    let mut bytes = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = message_key(material, salt)?.open_in_place(nonce, Aad::from(aad), &mut bytes);
    let length = opened.map_err(|_| Unopened)?.len();
    // What is cut off is the tag, which is no secret.
    bytes.truncate(length);
    Ok(Sensitive::new(bytes))
}

fn message_key(material: &Sensitive<Vec<u8>>, salt: &[u8; SALT]) -> Result<LessSafeKey, Unopened> {
    let derived = Salt::new(HKDF_SHA256, salt).extract(material.expose());
    let key = derived.expand(&[b"kms message"], &AES_256_GCM).map_err(|_| Unopened)?;
    Ok(LessSafeKey::new(UnboundKey::from(key)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::account;

    fn reference() -> Reference {
        Reference {
            account: account(),
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            material: 3,
        }
    }

    fn material(byte: u8) -> Sensitive<Vec<u8>> {
        Sensitive::new(vec![byte; 32])
    }

    fn context() -> impl Strategy<Value = EncryptionContext> {
        let pairs = prop::collection::vec((".{0,12}", ".{0,12}"), 0..4);
        pairs.prop_map(|pairs| EncryptionContext::of(Some(pairs.into_iter().collect())))
    }

    proptest! {
        #[test]
        fn what_was_encrypted_comes_back(
            plaintext in prop::collection::vec(any::<u8>(), 0..300),
            context in context(),
        ) {
            let sealed = encrypt(&reference(), &material(1), &context, &plaintext).unwrap();
            prop_assert_eq!(Reference::of(&sealed), Some(reference()));
            let opened = decrypt(&material(1), &context, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &plaintext);
            prop_assert_eq!(decrypt(&material(2), &context, &sealed), Err(Unopened));
        }

        #[test]
        fn another_context_does_not_open(one in context(), other in context()) {
            let sealed = encrypt(&reference(), &material(1), &one, b"text").unwrap();
            prop_assert_eq!(decrypt(&material(1), &other, &sealed).is_ok(), one == other);
        }

        #[test]
        fn no_changed_byte_opens(at in 0..113_usize, change in 1..=255_u8) {
            let context = EncryptionContext::from([("a", "b")]);
            let mut sealed = encrypt(&reference(), &material(1), &context, &[7; 32]).unwrap();
            prop_assert_eq!(sealed.len(), 113);
            sealed[at] ^= change;
            let named = Reference::of(&sealed);
            prop_assert!(named.is_none() || named == Some(reference()));
            prop_assert_eq!(decrypt(&material(1), &context, &sealed), Err(Unopened));
        }

        #[test]
        fn garbage_names_no_key(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Reference::of(&bytes), None);
        }
    }

    #[test]
    fn contexts_do_not_run_into_each_other() {
        let pairs = [
            EncryptionContext::from([("ab", "c")]),
            EncryptionContext::from([("a", "bc")]),
            EncryptionContext::from([("a", "b"), ("c", "")]),
        ];
        for (at, one) in pairs.iter().enumerate() {
            for other in pairs.iter().skip(at + 1) {
                assert_ne!(one.bytes(), other.bytes());
            }
        }
    }
}
