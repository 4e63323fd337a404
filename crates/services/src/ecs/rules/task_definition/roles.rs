//! Roles in task definitions and overrides.

use landfall_base::Arn;
use landfall_shape::ServiceError;

use super::refuse;
use crate::ecs::names::Home;

/// The ARN of a role that was given by ARN, or by name with or without path.
///
/// # Errors
/// `ClientException` `Role is not valid` for what is neither.
pub fn complete_role(role: &str, home: Home<'_>) -> Result<Arn, ServiceError> {
    let invalid = || refuse("Role is not valid");
    if !role.starts_with("arn:") {
        let path = role.trim_start_matches('/');
        return if is_role_path(path) { Ok(home.role(path)) } else { Err(invalid()) };
    }
    let arn: Arn = role.parse().map_err(|_| invalid())?;
    let path = arn.resource().strip_prefix("role/").unwrap_or_default();
    let valid = arn.service() == "iam" && arn.account_id().is_some() && is_role_path(path);
    if valid { Ok(arn) } else { Err(invalid()) }
}

/// `path/name` (IAM User Guide, "IAM name requirements").
fn is_role_path(text: &str) -> bool {
    let letters = |it: char| it.is_ascii_alphanumeric() || "+=,.@_-".contains(it);
    let name = text.rsplit('/').next().unwrap_or_default();
    let path = text.chars().all(|it| ('\u{21}'..'\u{7f}').contains(&it));
    path && (1..=64).contains(&name.len()) && name.chars().all(letters)
}
