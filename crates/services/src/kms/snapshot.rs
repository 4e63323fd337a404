//! Keys in a snapshot: without their material. An opened snapshot has fresh material, and what is under a key is encrypted
//! anew.

use landfall_base::{AccountId, Arn, Region, Sensitive, random};
use landfall_store::View;
use landfall_vault::Vault;

use super::ciphertext::{self, Reference};
use super::encryption_context::EncryptionContext;
use super::kind::Spec;
use super::material;
use super::record::{KEYS, Key, KeyKey};
use crate::pipe::Failure;
use crate::snapshot::{Source, Target};

/// A key without its material. A new field of [`Key`] does not compile here until somebody decides about it.
pub(crate) fn hide(_: &Source<'_>, _: &KeyKey, key: &Key) -> Result<Option<Key>, Failure> {
    let Key {
        arn,
        spec,
        usage,
        description: _,
        policy,
        tags,
        created_at,
        enabled,
        deletion_at,
        managed_for,
        rotation,
        materials: _,
    } = key.clone();
    Ok(Some(Key {
        arn,
        spec,
        usage,
        description: String::new(),
        policy,
        tags,
        created_at,
        enabled,
        deletion_at,
        managed_for,
        rotation,
        materials: Vec::new(),
    }))
}

/// The key with fresh material, if it is one that values are under.
pub(crate) fn show(target: &mut Target<'_>, _: &KeyKey, key: Key) -> Result<Key, Failure> {
    let materials = match key.spec {
        Spec::Symmetric => vec![material::new_material(target.vault, &key.arn, key.created_at, None)?],
        _ => Vec::new(),
    };
    Ok(Key { materials, ..key })
}

/// Opens a ciphertext for a snapshot, which keeps nothing of it but its shape: nobody is asked, and in whatever state the key
/// is. `None` where the key is gone.
pub(crate) fn open(
    vault: &Vault,
    view: &View,
    region: &Region,
    context: &EncryptionContext,
    ciphertext: &[u8],
) -> Result<Option<Sensitive<Vec<u8>>>, Failure> {
    let Some(reference) = Reference::of(ciphertext) else { return Ok(None) };
    let place = (reference.account, region.clone(), reference.key_id);
    let Some(key) = view.get(&KEYS, &place)? else { return Ok(None) };
    match material::decrypt(vault, &key, context, ciphertext) {
        Ok(opened) => Ok(Some(opened.plaintext)),
        Err(Failure::Service(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Encrypts something under a key of an opened snapshot, in whatever state it is. Of a key that is gone the ciphertext still
/// tells the name, as the one did that stood here.
pub(crate) fn encrypt(
    vault: &Vault,
    view: &View,
    key_arn: &Arn,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Failure> {
    let place = place_of(key_arn).ok_or_else(|| Failure::internal("what is no key"))?;
    if let Some(key) = view.get(&KEYS, &place)?.filter(|key| !key.materials.is_empty()) {
        return Ok(material::encrypt(vault, &place, &key, context, plaintext)?.ciphertext);
    }
    let (account, _, key_id) = place;
    let unknown = Sensitive::new(random::bytes::<32>().to_vec());
    let reference = Reference { account, key_id, material: 0 };
    ciphertext::encrypt(&reference, &unknown, context, plaintext).map_err(Failure::internal)
}

fn place_of(arn: &Arn) -> Option<(AccountId, Region, String)> {
    let id = arn.resource().strip_prefix("key/")?;
    Some((arn.account_id()?, arn.region().parse().ok()?, id.to_owned()))
}
