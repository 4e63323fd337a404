//! When keys and roles were last used. Kept to the day, so that use does not become writing.

use landfall_base::{Region, Timestamp};
use landfall_store::{StoreError, Tx, View};

use super::entity::find_by_arn;
use super::record::{ACCESS_KEYS, ROLES, Role, key_name};

/// Whether [`touch_access_key`] would change anything: once a day for each service and Region.
///
/// # Errors
/// The row cannot be read.
pub fn access_key_needs_touch(
    view: &View,
    access_key_id: &str,
    service: &str,
    region: &Region,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(key) = view.get(&ACCESS_KEYS, access_key_id)? else { return Ok(false) };
    let current = |(day, last_service, last_region): &(Timestamp, String, String)| {
        *day == now.day() && last_service == service && last_region == region.as_str()
    };
    Ok(!key.last_used.as_ref().is_some_and(current))
}

/// Notes that an access key signed a call.
///
/// # Errors
/// The row cannot be read.
pub fn touch_access_key(
    tx: &mut Tx,
    access_key_id: &str,
    service: &str,
    region: &Region,
    now: Timestamp,
) -> Result<(), StoreError> {
    if access_key_needs_touch(tx, access_key_id, service, region, now)? {
        let used = Some((now.day(), service.to_owned(), region.to_string()));
        tx.update(&ACCESS_KEYS, access_key_id, |key| key.last_used = used)?;
    }
    Ok(())
}

/// Whether [`touch_role`] would change anything: once a day for each Region.
pub fn role_needs_touch(role: &Role, region: &Region, now: Timestamp) -> bool {
    let current =
        |(day, last_region): &(Timestamp, String)| *day == now.day() && last_region == region.as_str();
    !role.last_used.as_ref().is_some_and(current)
}

/// Notes that a role was used.
///
/// # Errors
/// The row cannot be read.
pub fn touch_role(tx: &mut Tx, role_arn: &str, region: &Region, now: Timestamp) -> Result<(), StoreError> {
    let Some(role) = find_by_arn::<Role>(tx, role_arn)? else { return Ok(()) };
    let account = role_arn.parse().ok().and_then(|arn: landfall_base::Arn| arn.account_id());
    if let Some(account) = account.filter(|_| role_needs_touch(&role, region, now)) {
        let used = Some((now.day(), region.to_string()));
        tx.update(&ROLES, &(&account, key_name(&role.name).as_str()), |role| role.last_used = used)?;
    }
    Ok(())
}
