//! Versions of a secret: adding, reading, removing.

use std::sync::Arc;

use landfall_api::secretsmanager::error;
use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View};

use super::encryption::{self, SealingKey};
use super::record::{BY_CREATION, DELETIONS, SECRETS, Secret, SecretKey, VERSIONS, Version};
use super::stages::{CURRENT, MoveError};
use super::value::SecretValue;
use super::{reconcile, rotation, rules};
use crate::pipe::{Context, Failure};

/// After how many new versions the superfluous ones are removed.
const PRUNE_EVERY: u64 = 50;

/// A value to be kept under a version id.
#[derive(Debug)]
pub(super) struct NewVersion {
    /// The version id: the client's request token.
    pub id: String,
    /// The value.
    pub value: SecretValue,
    /// The labels that it gets.
    pub labels: Vec<String>,
}

impl NewVersion {
    /// The version that a request makes, if it has a value. It becomes the current one.
    ///
    /// # Errors
    /// `InvalidRequestException` for a value without a token to be its version id.
    pub(super) fn of(
        value: Option<SecretValue>,
        token: Option<String>,
    ) -> Result<Option<Self>, ServiceError> {
        let Some(value) = value else { return Ok(None) };
        let missing = || {
            error::invalid_request_exception(
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            )
        };
        let id = token.ok_or_else(missing)?;
        Ok(Some(Self { id, value, labels: vec![CURRENT.to_owned()] }))
    }
}

/// A version by its id.
///
/// # Errors
/// The row cannot be read.
pub(super) fn get(view: &View, key: &SecretKey, id: &str) -> Result<Option<Arc<Version>>, StoreError> {
    let (account, region, name) = key;
    view.get(&VERSIONS, &(account, region, name.as_str(), id))
}

/// All versions of a secret by id.
///
/// # Errors
/// A row cannot be read.
pub(super) fn list(view: &View, key: &SecretKey) -> Result<Vec<(String, Arc<Version>)>, StoreError> {
    let (account, region, name) = key;
    let rows = view.list(&VERSIONS, (account, region, name.as_str()))?;
    Ok(rows.into_iter().map(|((_, _, _, id), version)| (id, version)).collect())
}

/// Whether a secret has this version with this value already, so that the request is a repetition. `None` when there
/// is no version with this id.
///
/// # Errors
/// The vault's and the store's.
pub(super) fn repeats(
    cx: &Context<'_>,
    view: &View,
    key: &SecretKey,
    secret: &Secret,
    new: &NewVersion,
) -> Result<Option<bool>, Failure> {
    let Some(version) = get(view, key, &new.id)? else { return Ok(None) };
    let kept = SecretValue::open(cx, view, &secret.arn, &new.id, &version)?;
    Ok(Some(kept == new.value))
}

/// Adds a version, moves its labels to it and lets go of superfluous ones. A repetition changes nothing. The secret is
/// changed but not stored.
///
/// # Errors
/// `ResourceExistsException` when the id is taken by another value, `LimitExceededException` for too many labels.
pub(super) fn add(
    cx: &Context<'_>,
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    sealing: &SealingKey,
    new: &NewVersion,
) -> Result<(), Failure> {
    match repeats(cx, tx, key, secret, new)? {
        Some(true) => return Ok(()),
        Some(false) => return Err(token_taken(&new.id, secret).into()),
        None => {}
    }
    let version = new.value.seal(cx, sealing, &secret.arn, &new.id)?;
    let (account, region, name) = key;
    tx.put(&VERSIONS, &(account, region, name.as_str(), new.id.as_str()), version);
    secret.stages.attach(&new.id, &new.labels).map_err(|error| move_error(&error))?;
    secret.changed_at = cx.now;
    if new.labels.iter().any(|label| label == CURRENT) {
        rotation::note_new_value(tx, key, secret, cx.now);
    }
    rotation::settle(tx, key, secret, cx.now)?;
    secret.added += 1;
    // Looking through all versions costs more the more there are, so not every new one pays for it.
    if secret.added.is_multiple_of(PRUNE_EVERY) { prune(tx, key, secret, cx.now) } else { Ok(()) }
}

/// Puts the labelled versions of a secret under another key.
///
/// # Errors
/// The keys', the vault's and the store's.
pub(super) fn reseal(
    cx: &Context<'_>,
    tx: &mut Tx,
    key: &SecretKey,
    secret: &Secret,
    sealing: &SealingKey,
) -> Result<(), Failure> {
    let (account, region, name) = key;
    for (id, version) in encryption::to_reseal(cx, tx, key, secret, sealing)? {
        let value = SecretValue::open(cx, tx, &secret.arn, &id, &version)?;
        let sealed = value.seal(cx, sealing, &secret.arn, &id)?;
        let Version { created_at, accessed_on, .. } = version;
        let row = Version { created_at, accessed_on, ..sealed };
        tx.put(&VERSIONS, &(account, region, name.as_str(), id.as_str()), row);
    }
    Ok(())
}

/// The error for a token of other data.
pub(super) fn token_taken(id: &str, secret: &Secret) -> ServiceError {
    error::resource_exists_exception(format!(
        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
        secret.arn
    ))
}

/// The service's error for a label that cannot be moved.
pub(super) fn move_error(error: &MoveError) -> ServiceError {
    match error {
        MoveError::TooManyLabels { .. } => error::limit_exceeded_exception(error.to_string()),
        _ => error::invalid_parameter_exception(error.to_string()),
    }
}

fn prune(tx: &mut Tx, key: &SecretKey, secret: &Secret, now: Timestamp) -> Result<(), Failure> {
    let (account, region, name) = key;
    let total = tx.count(&VERSIONS, (account, region, name.as_str()));
    if total <= rules::KEPT_VERSIONS {
        return Ok(());
    }
    let labelled = secret.stages.versions();
    let deprecated = list(tx, key)?.into_iter().filter(|(id, _)| !labelled.contains(id.as_str()));
    let deprecated = deprecated.map(|(id, version)| (id, version.created_at)).collect();
    for id in rules::superfluous(deprecated, total, now) {
        tx.delete(&VERSIONS, &(account, region, name.as_str(), id.as_str()));
    }
    Ok(())
}

/// Removes a secret with all its versions, for ever.
///
/// # Errors
/// A row cannot be read.
pub(super) fn remove_secret(tx: &mut Tx, key: &SecretKey, secret: &Secret) -> Result<(), StoreError> {
    let (account, region, name) = key;
    for (id, _) in list(tx, key)? {
        tx.delete(&VERSIONS, &(account, region, name.as_str(), id.as_str()));
    }
    if let Some(deletion) = secret.deletion {
        tx.delete(&DELETIONS, &reconcile::deletion_key(deletion, key));
    }
    rotation::forget(tx, key, secret);
    tx.delete(&BY_CREATION, &(account, region, secret.created_at, name.as_str()));
    tx.delete(&SECRETS, key);
    Ok(())
}
