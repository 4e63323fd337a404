//! Decisions of Secrets Manager without I/O.

use landfall_api::secretsmanager::{Tag, error};
use landfall_base::{AccountId, Region, Timestamp};
use landfall_shape::ServiceError;

use super::record::{Deletion, Secret};

const DAY: i64 = 86_400;
const DEFAULT_WINDOW: i64 = 30;
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
const MOST_TAGS: usize = 50;

/// Deprecated versions are kept while there are no more than this many versions.
pub const KEPT_VERSIONS: usize = 100;

/// The error for what can be no name or ARN of a secret.
pub fn invalid_name() -> ServiceError {
    ServiceError::client(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )
}

/// The error for every use of a secret that is scheduled for deletion.
pub fn marked_for_deletion() -> ServiceError {
    error::invalid_request_exception(
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}

/// The error for a secret that does not exist.
pub fn not_found() -> ServiceError {
    error::resource_not_found_exception("Secrets Manager can't find the specified secret.")
}

/// The error for changes of a replica.
pub fn replica() -> ServiceError {
    error::invalid_parameter_exception(
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
    )
}

/// A secret that is replicated cannot be deleted.
///
/// # Errors
/// `InvalidParameterException`
pub fn check_deletable(secret: &Secret) -> Result<(), ServiceError> {
    if secret.replicas.is_empty() {
        return Ok(());
    }
    let regions: Vec<_> = secret.replicas.iter().map(|replica| replica.region.as_str()).collect();
    Err(error::invalid_parameter_exception(format!(
        "You can't delete secret {} that still has replica regions [{}].",
        secret.arn,
        regions.join(", ")
    )))
}

/// Whether values of a secret may be read and written from another account at all, whatever policies say. AWS: not
/// while the secret is under the default key, because `aws/secretsmanager` serves its own account only; with a
/// customer's key its key policy decides.
pub fn may_read_across_accounts(secret: &Secret) -> bool {
    secret.kms_key_id.is_some()
}

/// The refusal that belongs to [`may_read_across_accounts`].
pub fn default_key_across_accounts() -> ServiceError {
    error::invalid_request_exception(
        "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS \
         service key.",
    )
}

/// Whether a key is named that is the account's default key in the Region, under any of its aliases.
pub fn is_default_key(key: &str, account: &AccountId, region: &Region) -> bool {
    let prefix = format!("arn:{}:kms:{region}:{account}:", region.partition());
    key.is_empty() || key == DEFAULT_KEY || key.strip_prefix(&prefix) == Some(DEFAULT_KEY)
}

/// What `DeleteSecret` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionMode {
    /// At once, without a way back.
    Now,
    /// After this many days.
    After(i64),
}

impl DeletionMode {
    /// From the members of `DeleteSecret`.
    ///
    /// # Errors
    /// `InvalidParameterException` when they contradict each other or the window is too short or too long.
    pub fn of(window: Option<i64>, force: Option<bool>) -> Result<Self, ServiceError> {
        match (window, force.unwrap_or_default()) {
            (Some(_), true) => Err(error::invalid_parameter_exception(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            )),
            (None, true) => Ok(Self::Now),
            (Some(days), false) if !(7..=30).contains(&days) => Err(error::invalid_parameter_exception(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )),
            (days, false) => Ok(Self::After(days.unwrap_or(DEFAULT_WINDOW))),
        }
    }
}

/// A deletion asked for `now`, with a window of some days.
pub fn schedule(now: Timestamp, days: i64) -> Deletion {
    Deletion { requested_at: now, due_at: now.plus_seconds(days.saturating_mul(DAY)) }
}

/// Which versions go, given those without labels as id and time of creation, and how many versions there are. AWS
/// keeps about a hundred, and everything made in the last 24 hours.
pub fn superfluous(mut deprecated: Vec<(String, Timestamp)>, total: usize, now: Timestamp) -> Vec<String> {
    let excess = total.saturating_sub(KEPT_VERSIONS);
    deprecated.retain(|(_, created_at)| created_at.plus_seconds(DAY) <= now);
    deprecated.sort_by_key(|(_, created_at)| *created_at);
    deprecated.into_iter().take(excess).map(|(id, _)| id).collect()
}

/// The tags of a request as pairs.
///
/// # Errors
/// `InvalidParameterException` for keys that are absent, doubled or reserved.
pub fn tags(tags: &[Tag]) -> Result<Vec<(String, String)>, ServiceError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for tag in tags {
        let key = tag.key.as_deref().unwrap_or_default();
        check_tag_key(key)?;
        if pairs.iter().any(|(other, _)| other == key) {
            let message = format!("The tag key {key} appears more than once.");
            return Err(error::invalid_parameter_exception(message));
        }
        pairs.push((key.to_owned(), tag.value.clone().unwrap_or_default()));
    }
    Ok(pairs)
}

fn check_tag_key(key: &str) -> Result<(), ServiceError> {
    if key.is_empty() {
        return Err(error::invalid_parameter_exception("Each tag must have a key."));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        let message = "Tag keys can't begin with aws:, because that prefix is reserved for AWS use.";
        return Err(error::invalid_parameter_exception(message));
    }
    Ok(())
}

/// Sets tags, in place of those with the same keys.
///
/// # Errors
/// `LimitExceededException` when there would be more than 50.
pub fn set_tags(tags: &mut Vec<(String, String)>, new: Vec<(String, String)>) -> Result<(), ServiceError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| *other == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(error::limit_exceeded_exception("A secret can't have more than 50 tags."));
    }
    Ok(())
}
