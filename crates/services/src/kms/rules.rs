//! Decisions of KMS without I/O.

use landfall_api::kms::{CreateKeyRequest, DataKeySpec, RecipientInfo, Tag, error};
use landfall_base::Timestamp;
use landfall_shape::ServiceError;

use super::encryption_context::EncryptionContext;
use super::kind::Spec;
use super::record::{Key, Rotation, RotationKind};

const DAY: i64 = 86_400;
const DEFAULT_WINDOW: i32 = 30;
const DEFAULT_PERIOD: i32 = 365;
const MOST_TAGS: usize = 50;
const MOST_ON_DEMAND: usize = 25;

/// `ValidationException`
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

/// A key may be used and changed while it is not on its way out (Developer Guide, "Key states of KMS keys").
///
/// # Errors
/// `KMSInvalidStateException`
pub(super) fn check_present(key: &Key) -> Result<(), ServiceError> {
    match key.deletion_at {
        Some(_) => Err(error::kms_invalid_state_exception(format!("{} is pending deletion.", key.arn))),
        None => Ok(()),
    }
}

/// A key may be used while it is enabled.
///
/// # Errors
/// `DisabledException`, `KMSInvalidStateException`
pub(super) fn check_enabled(key: &Key) -> Result<(), ServiceError> {
    check_present(key)?;
    if key.enabled { Ok(()) } else { Err(error::disabled_exception(format!("{} is disabled.", key.arn))) }
}

/// `KeyState`
pub(super) fn state(key: &Key) -> &'static str {
    match (key.deletion_at, key.enabled) {
        (Some(_), _) => "PendingDeletion",
        (None, true) => "Enabled",
        (None, false) => "Disabled",
    }
}

/// Keys from elsewhere and in several Regions are refused: a key that only seemed to be one would be missed when it is
/// used.
///
/// # Errors
/// `UnsupportedOperationException`
pub(super) fn check_origin(input: &CreateKeyRequest) -> Result<(), ServiceError> {
    let origin = input.origin.as_ref().map_or("AWS_KMS", |origin| origin.as_str());
    let unsupported = [
        (origin != "AWS_KMS", format!("Origin {origin}")),
        (input.multi_region == Some(true), "MultiRegion true".to_owned()),
        (input.custom_key_store_id.is_some(), "CustomKeyStoreId".to_owned()),
        (input.xks_key_id.is_some(), "XksKeyId".to_owned()),
    ];
    match unsupported.into_iter().find(|(wanted, _)| *wanted) {
        Some((_, what)) => Err(unavailable(&what)),
        None => Ok(()),
    }
}

/// The refusal of what AWS has and this installation has not.
pub(super) fn unavailable(what: &str) -> ServiceError {
    error::unsupported_operation_exception(format!("{what} is not available in this installation."))
}

/// No enclave is near.
///
/// # Errors
/// `UnsupportedOperationException`
pub(super) fn check_recipient(recipient: Option<&RecipientInfo>) -> Result<(), ServiceError> {
    if recipient.is_some() { Err(unavailable("Recipient")) } else { Ok(()) }
}

/// Only symmetric keys get new material: others are known by their public half or shared codes.
///
/// # Errors
/// `UnsupportedOperationException`
pub(super) fn check_rotatable(key: &Key) -> Result<(), ServiceError> {
    if key.spec == Spec::Symmetric {
        return Ok(());
    }
    let spec = key.spec.as_str();
    Err(error::unsupported_operation_exception(format!(
        "{} key spec is {spec}, which cannot be rotated.",
        key.arn
    )))
}

/// Only symmetric keys bind an encryption context.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_context(key: &Key, context: &EncryptionContext) -> Result<(), ServiceError> {
    if key.spec == Spec::Symmetric || context.is_empty() {
        return Ok(());
    }
    Err(validation("An encryption context is only valid with symmetric encryption keys."))
}

/// Bytes of a data key.
///
/// # Errors
/// `ValidationException` unless exactly one of the two is given.
pub(super) fn data_key_length(spec: Option<&DataKeySpec>, bytes: Option<i32>) -> Result<usize, ServiceError> {
    match (spec, bytes) {
        (Some(DataKeySpec::Aes256), None) => Ok(32),
        (Some(DataKeySpec::Aes128), None) => Ok(16),
        (None, Some(bytes)) => byte_count(bytes),
        _ => Err(validation("Please specify either number of bytes or key spec.")),
    }
}

/// A number of random bytes: 1 to 1024.
///
/// # Errors
/// `ValidationException`
pub(super) fn byte_count(bytes: i32) -> Result<usize, ServiceError> {
    let bound = match bytes {
        ..1 => "greater than or equal to 1",
        1..=1024 => return Ok(bytes.unsigned_abs() as usize),
        _ => "less than or equal to 1024",
    };
    Err(validation(format!(
        "1 validation error detected: Value '{bytes}' at 'numberOfBytes' failed to satisfy constraint: Member must have \
         value {bound}"
    )))
}

/// The text is not too long to be encrypted or signed directly.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_length(member: &str, bytes: &[u8]) -> Result<(), ServiceError> {
    let bound = match bytes.len() {
        0 => "greater than or equal to 1",
        1..=4096 => return Ok(()),
        _ => "less than or equal to 4096",
    };
    Err(validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {bound}"
    )))
}

/// The answer to a permitted request that was not meant.
///
/// # Errors
/// `DryRunOperationException`
pub(super) fn check_dry_run(dry_run: Option<bool>) -> Result<(), ServiceError> {
    if dry_run == Some(true) {
        let message = "The request would have succeeded, but the DryRun option is set.";
        return Err(error::dry_run_operation_exception(message));
    }
    Ok(())
}

/// Days until a key that is scheduled for deletion goes.
///
/// # Errors
/// `ValidationException`
pub(super) fn deletion_window(days: Option<i32>) -> Result<i32, ServiceError> {
    let days = days.unwrap_or(DEFAULT_WINDOW);
    let bound = match days {
        ..7 => "greater than or equal to 7",
        7..=30 => return Ok(days),
        _ => "less than or equal to 30",
    };
    Err(validation(format!(
        "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must \
         have value {bound}"
    )))
}

/// So many days later.
pub(super) fn days_after(moment: Timestamp, days: impl Into<i64>) -> Timestamp {
    moment.plus_seconds(days.into().saturating_mul(DAY))
}

/// Automatic rotation that begins now.
///
/// # Errors
/// `ValidationException` for periods below 90 or above 2560 days.
pub(super) fn rotation(period_days: Option<i32>, now: Timestamp) -> Result<Rotation, ServiceError> {
    let days = period_days.unwrap_or(DEFAULT_PERIOD);
    let bound = match days {
        ..90 => "greater than or equal to 90",
        90..=2560 => return Ok(Rotation { period_days: days.into(), next_at: days_after(now, days) }),
        _ => "less than or equal to 2560",
    };
    Err(validation(format!(
        "1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint: Member must \
         have value {bound}"
    )))
}

/// A key can be rotated on demand 25 times (Developer Guide, "Perform on-demand key rotation").
///
/// # Errors
/// `LimitExceededException`
pub(super) fn check_on_demand(key: &Key) -> Result<(), ServiceError> {
    let on_demand = |rotation: Option<RotationKind>| rotation == Some(RotationKind::OnDemand);
    if key.materials.iter().filter(|material| on_demand(material.rotation)).count() < MOST_ON_DEMAND {
        return Ok(());
    }
    Err(error::limit_exceeded_exception(format!("{} was rotated on demand {MOST_ON_DEMAND} times.", key.arn)))
}

/// The tags of a request as pairs.
///
/// # Errors
/// `TagException`
pub(super) fn tags(tags: Option<Vec<Tag>>) -> Result<Vec<(String, String)>, ServiceError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for Tag { tag_key, tag_value } in tags.unwrap_or_default() {
        check_tag_key(&tag_key)?;
        if pairs.iter().any(|(key, _)| *key == tag_key) {
            return Err(error::tag_exception("Duplicate tag keys"));
        }
        pairs.push((tag_key, tag_value));
    }
    Ok(pairs)
}

/// Refuses tags of AWS.
///
/// # Errors
/// `TagException`
pub(super) fn check_tag_key(key: &str) -> Result<(), ServiceError> {
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(error::tag_exception("Tags beginning with aws: are reserved"));
    }
    Ok(())
}

/// Sets tags, in place of those with the same keys.
///
/// # Errors
/// `TagException` when there would be more than 50.
pub(super) fn set_tags(
    tags: &mut Vec<(String, String)>,
    new: Vec<(String, String)>,
) -> Result<(), ServiceError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| *other == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST_TAGS { Err(error::tag_exception("Too many tags")) } else { Ok(()) }
}
