//! Key material: made, sealed by the vault, used, rotated.

use landfall_api::kms::error;
use landfall_base::{Arn, Sensitive, Timestamp, random};
use landfall_vault::Vault;

use super::asymmetric;
use super::ciphertext::{self, Reference};
use super::encryption_context::EncryptionContext;
use super::kind::Spec;
use super::record::{Key, KeyKey, Material, RotationKind};
use crate::pipe::Failure;

/// Makes new material for a symmetric key.
///
/// # Errors
/// The vault's.
pub(super) fn new_material(
    vault: &Vault,
    arn: &Arn,
    now: Timestamp,
    rotation: Option<RotationKind>,
) -> Result<Material, Failure> {
    material_of(vault, arn, now, rotation, &asymmetric::new_secret(Spec::Symmetric)?)
}

/// Seals a secret as the material of a key.
///
/// # Errors
/// The vault's.
pub(super) fn material_of(
    vault: &Vault,
    arn: &Arn,
    now: Timestamp,
    rotation: Option<RotationKind>,
    secret: &Sensitive<Vec<u8>>,
) -> Result<Material, Failure> {
    let id = random::hex(64);
    let sealed = vault.seal(&context(arn, &id), secret.expose())?;
    Ok(Material { id, sealed, created_at: now, rotation })
}

fn context<'a>(arn: &'a Arn, id: &'a str) -> [(&'static str, &'a str); 2] {
    [("KmsKeyArn", arn.as_str()), ("KmsKeyMaterialId", id)]
}

/// A ciphertext, and the id of the material that made it.
#[derive(Debug)]
pub(super) struct Encrypted {
    pub(super) ciphertext: Vec<u8>,
    pub(super) material_id: String,
}

/// Encrypts with the newest material of a key.
///
/// # Errors
/// The vault's.
pub(super) fn encrypt(
    vault: &Vault,
    (account, _, id): &KeyKey,
    key: &Key,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Encrypted, Failure> {
    let newest = key.materials.last().ok_or_else(|| Failure::internal("a key has no material"))?;
    let number = u32::try_from(key.materials.len().saturating_sub(1)).map_err(Failure::internal)?;
    let reference = Reference { account: account.clone(), key_id: id.clone(), material: number };
    let bytes = unseal(vault, key, newest)?;
    let ciphertext =
        ciphertext::encrypt(&reference, &bytes, context, plaintext).map_err(Failure::internal)?;
    Ok(Encrypted { ciphertext, material_id: newest.id.clone() })
}

/// A plaintext, and the id of the material that it was encrypted with.
#[derive(Debug)]
pub(super) struct Decrypted {
    pub(super) plaintext: Sensitive<Vec<u8>>,
    pub(super) material_id: String,
}

/// Decrypts with the material that a ciphertext names.
///
/// # Errors
/// `InvalidCiphertextException` when ciphertext or context were changed; the vault's.
pub(super) fn decrypt(
    vault: &Vault,
    key: &Key,
    context: &EncryptionContext,
    ciphertext: &[u8],
) -> Result<Decrypted, Failure> {
    let invalid = || error::invalid_ciphertext_exception("");
    let reference = Reference::of(ciphertext).ok_or_else(invalid)?;
    let number = usize::try_from(reference.material).map_err(Failure::internal)?;
    let material = key.materials.get(number).ok_or_else(invalid)?;
    let bytes = unseal(vault, key, material)?;
    let plaintext = ciphertext::decrypt(&bytes, context, ciphertext).map_err(|_| invalid())?;
    Ok(Decrypted { plaintext, material_id: material.id.clone() })
}

/// The secret of a key that has only one: its private key, or that of its authentication codes.
///
/// # Errors
/// The vault's.
pub(super) fn secret(vault: &Vault, key: &Key) -> Result<Sensitive<Vec<u8>>, Failure> {
    let newest = key.materials.last().ok_or_else(|| Failure::internal("a key has no material"))?;
    unseal(vault, key, newest)
}

fn unseal(vault: &Vault, key: &Key, material: &Material) -> Result<Sensitive<Vec<u8>>, Failure> {
    Ok(vault.unseal(&context(&key.arn, &material.id), &material.sealed)?)
}

/// Random bytes, for data keys and for callers who want some.
pub(super) fn random_bytes(length: usize) -> Sensitive<Vec<u8>> {
    let mut bytes = vec![0; length];
    random::fill(&mut bytes);
    Sensitive::new(bytes)
}
