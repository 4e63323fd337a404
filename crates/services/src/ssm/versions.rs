//! Versions of a parameter: adding, reading, removing.

use std::sync::Arc;

use landfall_base::{AccountId, Region};
use landfall_store::{StoreError, Tx, View};

use super::record::{
    COUNTS, Counts, EXPIRATIONS, PARAMETERS, Parameter, ParameterKey, Tier, VERSIONS, Version,
};
use super::{policies, rules};
use crate::pipe::Failure;

/// A version by its number.
///
/// # Errors
/// The row cannot be read.
pub(super) fn get(view: &View, key: &ParameterKey, number: u64) -> Result<Option<Arc<Version>>, StoreError> {
    let (account, region, name) = key;
    view.get(&VERSIONS, &(account, region, name.as_str(), number))
}

/// What an account has in a Region.
///
/// # Errors
/// The row cannot be read.
pub(super) fn counts(view: &View, account: &AccountId, region: &Region) -> Result<Counts, StoreError> {
    Ok(view.get(&COUNTS, &(account, region))?.map(|counts| *counts).unwrap_or_default())
}

/// Stores a version as the newest of a parameter, and lets the oldest go where there are too many.
///
/// # Errors
/// `ParameterMaxVersionLimitExceeded`; a row cannot be read.
pub(super) fn add(
    tx: &mut Tx,
    key: &ParameterKey,
    mut parameter: Parameter,
    version: &Version,
) -> Result<(), Failure> {
    let (account, region, name) = key;
    let before = tx.get(&PARAMETERS, key)?;
    if parameter.newest - parameter.oldest >= rules::MOST_VERSIONS {
        rules::check_oldest(&parameter)?;
        tx.delete(&VERSIONS, &(account, region, name.as_str(), parameter.oldest));
        parameter.oldest += 1;
    }
    parameter.tier = version.tier;
    parameter.expires_at = policies::expires_at(&version.policies);
    index(tx, key, before.as_deref(), Some(&parameter))?;
    tx.put(&VERSIONS, &(account, region, name.as_str(), parameter.newest), version);
    tx.put(&PARAMETERS, key, parameter);
    Ok(())
}

/// Removes a parameter with all its versions.
///
/// # Errors
/// A row cannot be read.
pub(super) fn remove(tx: &mut Tx, key: &ParameterKey, parameter: &Parameter) -> Result<(), Failure> {
    let (account, region, name) = key;
    for number in parameter.oldest..=parameter.newest {
        tx.delete(&VERSIONS, &(account, region, name.as_str(), number));
    }
    index(tx, key, Some(parameter), None)?;
    tx.delete(&PARAMETERS, key);
    Ok(())
}

/// Keeps counts and expirations.
fn index(
    tx: &mut Tx,
    (account, region, name): &ParameterKey,
    before: Option<&Parameter>,
    after: Option<&Parameter>,
) -> Result<(), StoreError> {
    if let Some(expires_at) = before.and_then(|before| before.expires_at) {
        tx.delete(&EXPIRATIONS, &(expires_at, account, region, name.as_str()));
    }
    if let Some(expires_at) = after.and_then(|after| after.expires_at) {
        tx.put(&EXPIRATIONS, &(expires_at, account, region, name.as_str()), ());
    }
    let mut counts = counts(tx, account, region)?;
    let old = counts;
    if let Some(before) = before {
        let count = of_tier(&mut counts, before.tier);
        *count = count.saturating_sub(1);
    }
    if let Some(after) = after {
        *of_tier(&mut counts, after.tier) += 1;
    }
    if counts != old {
        tx.put(&COUNTS, &(account, region), counts);
    }
    Ok(())
}

fn of_tier(counts: &mut Counts, tier: Tier) -> &mut u64 {
    match tier {
        Tier::Standard => &mut counts.standard,
        Tier::Advanced => &mut counts.advanced,
    }
}
