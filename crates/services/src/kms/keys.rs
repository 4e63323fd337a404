//! Keys: made, changed, removed; and the index of what is due.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region, Sensitive, Timestamp, random};
use landfall_iam::Policy;
use landfall_store::{StoreError, Tx, View};
use landfall_vault::Vault;

use super::asymmetric;
use super::key_policy;
use super::kind::Kind;
use super::material::{material_of, new_material};
use super::names::{RESERVED, key_arn};
use super::record::{ALIASES, ALIASES_OF_KEY, Alias, DUE, GRANTS, KEYS, Key, KeyKey, RotationKind};
use super::rules::{self, days_after};
use crate::pipe::{Context, Failure};

/// The place of a key that is to be made.
pub(super) fn new_place(account: &AccountId, region: &Region) -> KeyKey {
    (account.clone(), region.clone(), random::uuid())
}

/// A new key around a secret, not stored yet.
///
/// # Errors
/// The vault's.
pub(super) fn new_key(
    vault: &Vault,
    place: &KeyKey,
    policy: Arc<Policy>,
    now: Timestamp,
    (kind, secret): (Kind, &Sensitive<Vec<u8>>),
) -> Result<Key, Failure> {
    let arn = key_arn(place);
    Ok(Key {
        materials: vec![material_of(vault, &arn, now, None, secret)?],
        arn,
        spec: kind.spec,
        usage: kind.usage,
        description: String::new(),
        policy,
        tags: Vec::new(),
        created_at: now,
        enabled: true,
        deletion_at: None,
        managed_for: None,
        rotation: None,
    })
}

/// When something about a key is due.
fn due_at(key: &Key) -> Option<Timestamp> {
    key.deletion_at.or(key.rotation.map(|rotation| rotation.next_at))
}

/// Stores a changed key and keeps the index of what is due.
///
/// # Errors
/// The row cannot be read.
pub(super) fn put(tx: &mut Tx, place: &KeyKey, key: &Key) -> Result<(), Failure> {
    let (account, region, id) = place;
    let before = tx.get(&KEYS, place)?.and_then(|before| due_at(&before));
    if let Some(before) = before {
        tx.delete(&DUE, &(before, account, region, id.as_str()));
    }
    if let Some(due_at) = due_at(key) {
        tx.put(&DUE, &(due_at, account, region, id.as_str()), ());
    }
    tx.put(&KEYS, place, key);
    Ok(())
}

/// Gives a key new material. What the old material encrypted stays readable.
///
/// # Errors
/// The vault's.
pub(super) fn rotate(
    vault: &Vault,
    key: &mut Key,
    now: Timestamp,
    kind: RotationKind,
) -> Result<(), Failure> {
    key.materials.push(new_material(vault, &key.arn, now, Some(kind))?);
    if let Some(rotation) = &mut key.rotation {
        rotation.next_at = days_after(now, rotation.period_days);
    }
    Ok(())
}

/// Removes a key with its aliases and grants, for ever.
///
/// # Errors
/// A row cannot be read.
pub(super) fn remove(tx: &mut Tx, place: &KeyKey) -> Result<(), Failure> {
    let (account, region, id) = place;
    for ((_, _, _, alias), _) in tx.list(&ALIASES_OF_KEY, (account, region, id.as_str()))? {
        tx.delete(&ALIASES_OF_KEY, &(account, region, id.as_str(), alias.as_str()));
        tx.delete(&ALIASES, &(account, region, alias.as_str()));
    }
    for ((_, _, _, grant), _) in tx.list(&GRANTS, (account, region, id.as_str()))? {
        tx.delete(&GRANTS, &(account, region, id.as_str(), grant.as_str()));
    }
    if let Some(due_at) = tx.get(&KEYS, place)?.and_then(|key| due_at(&key)) {
        tx.delete(&DUE, &(due_at, account, region, id.as_str()));
    }
    tx.delete(&KEYS, place);
    Ok(())
}

/// Points an alias at a key.
///
/// # Errors
/// A row cannot be read.
pub(super) fn point(tx: &mut Tx, alias: &KeyKey, key_id: &str, now: Timestamp) -> Result<(), Failure> {
    let (account, region, name) = alias;
    let before = tx.get(&ALIASES, alias)?;
    if let Some(before) = &before {
        tx.delete(&ALIASES_OF_KEY, &(account, region, before.key_id.as_str(), name.as_str()));
    }
    let created_at = before.map_or(now, |before| before.created_at);
    tx.put(&ALIASES_OF_KEY, &(account, region, key_id, name.as_str()), ());
    tx.put(&ALIASES, alias, Alias { key_id: key_id.to_owned(), created_at, updated_at: now });
    Ok(())
}

/// Makes the default key of a service in an account and Region, with its alias, unless it is there.
///
/// # Errors
/// The vault's and the store's.
pub(super) fn ensure_managed(
    cx: &Context<'_>,
    tx: &mut Tx,
    (account, region): (&AccountId, &Region),
    service: &str,
) -> Result<(), Failure> {
    let alias = (account.clone(), region.clone(), format!("{RESERVED}{service}"));
    if tx.contains(&ALIASES, &alias) {
        return Ok(());
    }
    let place = new_place(account, region);
    let policy = key_policy::aws_managed(account, region, service)?;
    let kind = Kind::default();
    let secret = asymmetric::new_secret(kind.spec)?;
    let mut key = new_key(cx.vault(), &place, policy, cx.now, (kind, &secret))?;
    key.managed_for = Some(service.to_owned());
    key.description = format!("Default key that protects what {service} keeps when no other key is named");
    put(tx, &place, &key)?;
    point(tx, &alias, &place.2, cx.now)
}

/// `KeyState` of a key, by its ARN; `None` if there is no such key.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn state_of(view: &View, arn: &Arn) -> Result<Option<&'static str>, StoreError> {
    let id = arn.resource().strip_prefix("key/");
    let place = arn.account_id().zip(arn.region().parse::<Region>().ok()).zip(id);
    let Some(((account, region), id)) = place else { return Ok(None) };
    Ok(view.get(&KEYS, &(&account, &region, id))?.map(|key| rules::state(&key)))
}
