//! What a `KeyId` can be: key id, key ARN, alias name, alias ARN.

use landfall_api::kms::error;
use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;

use super::record::KeyKey;

/// What every alias begins with.
pub(super) const ALIAS: &str = "alias/";
/// What the aliases of keys that AWS manages begin with.
pub(super) const RESERVED: &str = "alias/aws/";
/// The services that have a default key, in the order of their names.
pub(super) const PREDEFINED: [&str; 4] = ["ecr", "s3", "secretsmanager", "ssm"];

/// A `KeyId` as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyName {
    /// The key itself.
    Key(KeyKey),
    /// A name for one; the third part begins with `alias/`.
    Alias(KeyKey),
}

impl KeyName {
    /// Reads a key id or alias. Ids and names are those of `account` and `region`; ARNs may be of another account.
    ///
    /// # Errors
    /// `NotFoundException` for what can be none of them, or is of another Region.
    pub(super) fn parse(text: &str, account: &AccountId, region: &Region) -> Result<Self, ServiceError> {
        let place = |name: &str| (account.clone(), region.clone(), name.to_owned());
        if text.starts_with("arn:") {
            return Self::parse_arn(text, region);
        }
        if text.starts_with(ALIAS) {
            return Ok(Self::Alias(place(text)));
        }
        if is_key_id(text) { Ok(Self::Key(place(text))) } else { Err(invalid_id(text)) }
    }

    fn parse_arn(text: &str, region: &Region) -> Result<Self, ServiceError> {
        let arn = text.parse::<Arn>().ok().filter(|arn| arn.service() == "kms");
        let arn = arn.ok_or_else(|| invalid_arn(text))?;
        if arn.region() != region.as_str() {
            return Err(invalid_arn(arn.region()));
        }
        let account = arn.account_id().ok_or_else(|| invalid_arn(text))?;
        let place = |name: &str| (account, region.clone(), name.to_owned());
        if arn.resource().starts_with(ALIAS) {
            return Ok(Self::Alias(place(arn.resource())));
        }
        let id = arn.resource().strip_prefix("key/").filter(|id| is_key_id(id));
        id.map(|id| Self::Key(place(id))).ok_or_else(|| invalid_arn(text))
    }
}

/// The error for what can be no key id.
pub(super) fn invalid_id(text: &str) -> ServiceError {
    error::not_found_exception(format!("Invalid keyId '{text}'"))
}

fn invalid_arn(text: &str) -> ServiceError {
    error::not_found_exception(format!("Invalid arn {text}"))
}

/// A UUID, or the id of a multi-Region key.
fn is_key_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && hex(digits);
    }
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.split('-').all(hex)
}

/// What stands for a key that is not made yet, in permissions.
pub(super) fn any_key_arn(account: &AccountId, region: &Region) -> Arn {
    Arn::new("kms", region, account, "key/*")
}

/// The ARN of a key.
pub(super) fn key_arn((account, region, id): &KeyKey) -> Arn {
    Arn::new("kms", region, account, &format!("key/{id}"))
}

/// The ARN of an alias.
pub(super) fn alias_arn((account, region, name): &KeyKey) -> Arn {
    Arn::new("kms", region, account, name)
}

/// The error for an alias that does not exist.
pub(super) fn no_alias(alias: &KeyKey) -> ServiceError {
    error::not_found_exception(format!("Alias {} is not found.", alias_arn(alias)))
}

/// Accepts what can be a new alias of a customer.
///
/// # Errors
/// `ValidationException`, `NotAuthorizedException`
pub(super) fn check_alias(name: &str) -> Result<(), ServiceError> {
    let Some(rest) = name.strip_prefix(ALIAS) else { return Err(no_prefix()) };
    if name.starts_with(RESERVED) {
        return Err(reserved_alias());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    if rest.is_empty() || !rest.bytes().all(allowed) {
        let message = format!("{name} contains invalid characters for an alias");
        return Err(ServiceError::client("ValidationException", message));
    }
    Ok(())
}

/// The error for an alias without its prefix.
pub(super) fn no_prefix() -> ServiceError {
    ServiceError::client(
        "ValidationException",
        "Alias must start with the prefix \"alias/\". Please see \
         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    )
}

/// The error for aliases of keys that AWS manages, which comes without words.
pub(super) fn reserved_alias() -> ServiceError {
    ServiceError::client("NotAuthorizedException", "")
}

/// Accepts what can be the key of an alias: no alias.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_alias_target(key_id: &str) -> Result<(), ServiceError> {
    if key_id.starts_with(ALIAS) {
        return Err(ServiceError::client("ValidationException", "Aliases must refer to keys. Not aliases"));
    }
    Ok(())
}

/// The service whose default key an alias stands for, if it is one that this installation makes: such an alias is there
/// before its key is (API reference, `ListAliases`).
pub(super) fn service_of(alias: &str) -> Option<&'static str> {
    let service = alias.strip_prefix(RESERVED)?;
    PREDEFINED.into_iter().find(|predefined| *predefined == service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, region};

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn message(text: &str) -> String {
        KeyName::parse(text, &account(), &region()).unwrap_err().message
    }

    #[test]
    fn the_four_forms_are_told_apart() {
        let arn = format!("arn:aws:kms:us-east-1:444455556666:key/{ID}");
        let alias_arn = "arn:aws:kms:us-east-1:444455556666:alias/app/db";
        let own = |name: &str| (account(), region(), name.to_owned());
        let other = |name: &str| ("444455556666".parse().unwrap(), region(), name.to_owned());
        let cases = [
            (ID, KeyName::Key(own(ID))),
            (arn.as_str(), KeyName::Key(other(ID))),
            ("alias/app/db", KeyName::Alias(own("alias/app/db"))),
            (alias_arn, KeyName::Alias(other("alias/app/db"))),
        ];
        for (text, wanted) in cases {
            assert_eq!(KeyName::parse(text, &account(), &region()).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn what_can_be_no_key_is_refused() {
        assert_eq!(message("x"), "Invalid keyId 'x'");
        assert_eq!(message("1234abcd"), "Invalid keyId '1234abcd'");
        assert_eq!(message(&format!("arn:aws:kms:eu-west-1:111122223333:key/{ID}")), "Invalid arn eu-west-1");
        let colon = format!("arn:aws:kms:us-east-1:111122223333:key:{ID}");
        assert_eq!(message(&colon), format!("Invalid arn {colon}"));
        assert_eq!(message("arn:aws:s3:::b"), "Invalid arn arn:aws:s3:::b");
    }
}
