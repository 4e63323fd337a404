//! Names and ARNs of parameters, with their selectors.

use landfall_api::ssm::error;
use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;

use super::record::ParameterKey;

/// Where secrets can be read as parameters.
pub(super) const REFERENCE: &str = "/aws/reference/secretsmanager/";

const MOST_LEVELS: usize = 15;
const LONGEST_ARN: usize = 1011;

const FORM: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
                    consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, \
                    numbers and the following 3 symbols .-_";

/// A name as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Where the parameter is, or would be; the name in it begins with a slash.
    pub(super) key: ParameterKey,
    /// The parameter's ARN.
    pub(super) arn: Arn,
    /// The name without selector, as given.
    pub(super) text: String,
    /// What stood behind a colon: a version or a label.
    pub(super) selector: Option<String>,
}

impl Name {
    /// Reads a name or an ARN, each perhaps with a selector.
    ///
    /// # Errors
    /// `ValidationException` for what can be no name.
    pub(super) fn parse(text: &str, account: &AccountId, region: &Region) -> Result<Self, ServiceError> {
        let text = text.trim();
        if !text.starts_with("arn:") {
            return Self::of_name(text, account.clone(), region.clone());
        }
        let arn = text.parse::<Arn>().ok().filter(|arn| arn.service() == "ssm");
        let parts = arn.as_ref().and_then(|arn| {
            let name = arn.resource().strip_prefix("parameter/")?;
            Some((name, arn.account_id()?, arn.region().parse().ok()?))
        });
        let (name, account, region) = parts.ok_or_else(malformed)?;
        Self::of_name(&format!("/{name}"), account, region)
    }

    fn of_name(text: &str, account: AccountId, region: Region) -> Result<Self, ServiceError> {
        let (name, selector) = match text.split_once(':') {
            Some((name, selector)) => (name, Some(selector.to_owned())),
            None => (text, None),
        };
        check(name)?;
        let key = (account, region, canonical(name));
        Ok(Self { arn: arn_of(&key), key, text: name.to_owned(), selector })
    }

    /// The name of the secret, for a reference to one.
    pub(super) fn secret(&self) -> Option<&str> {
        self.key.2.strip_prefix(REFERENCE)
    }
}

/// `/x` for `x`: the two are one parameter.
pub(super) fn canonical(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/{name}") }
}

/// The ARN of a parameter. A name never makes a double slash.
pub(super) fn arn_of((account, region, name): &ParameterKey) -> Arn {
    Arn::new("ssm", region, account, &format!("parameter{name}"))
}

fn malformed() -> ServiceError {
    ServiceError::client("ValidationException", FORM)
}

/// What every name has to be like, also one that is only looked for.
fn check(name: &str) -> Result<(), ServiceError> {
    let secret = name.starts_with(REFERENCE);
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte) || (secret && b"+=@!".contains(&byte))
    };
    let hierarchy = name.starts_with('/') || !name.contains('/');
    if name.is_empty() || !name.bytes().all(allowed) || name.contains("//") || !hierarchy {
        return Err(malformed());
    }
    Ok(())
}

/// What the name of a new parameter has to be like beyond that.
///
/// # Errors
/// `ValidationException`, `AccessDeniedException`, `HierarchyLevelLimitExceededException`
pub(super) fn check_new(text: &str, account: &AccountId, region: &Region) -> Result<Name, ServiceError> {
    let invalid = |message: &str| Err(ServiceError::client("ValidationException", message));
    let text = text.trim();
    check_prefix(text)?;
    if text.contains('/') && !text.starts_with('/') {
        return invalid("Parameter name must be a fully qualified name.");
    }
    if text.contains(':') {
        return Err(malformed());
    }
    if text.ends_with('/') {
        return invalid("Parameter name must not end with slash.");
    }
    let name = Name::of_name(text, account.clone(), region.clone())?;
    if name.key.2.split('/').skip(1).count() > MOST_LEVELS {
        return Err(error::hierarchy_level_limit_exceeded_exception(
            "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for \
             parameter names in the AWS Systems Manager User Guide.",
        ));
    }
    if name.arn.as_str().len() > LONGEST_ARN {
        return invalid("Parameter name is too long: its full ARN can't be longer than 1011 characters.");
    }
    Ok(name)
}

/// Whether there can be a parameter of this name, with or without a version or label, that AWS did not make.
pub(crate) fn can_be_made(name: &str) -> bool {
    let name = name.split(':').next().unwrap_or(name);
    check(name).is_ok() && (name.starts_with(REFERENCE) || check_prefix(name).is_ok())
}

fn check_prefix(name: &str) -> Result<(), ServiceError> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.trim_start_matches('/');
    if !bare.starts_with("aws") && !bare.starts_with("ssm") {
        return Ok(());
    }
    let is_path = name.matches('/').count() > 1;
    if is_path && lower.starts_with("/aws") {
        let message = format!("No access to reserved parameter name: {name}.");
        return Err(ServiceError::client("AccessDeniedException", message));
    }
    let message = if is_path {
        FORM
    } else {
        "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."
    };
    Err(ServiceError::client("ValidationException", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, region};

    fn parse(text: &str) -> Result<Name, ServiceError> {
        Name::parse(text, &account(), &region())
    }

    #[test]
    fn names_arns_and_selectors() {
        let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/";
        let cases = [
            ("x", "/x", None, "x"),
            ("/x", "/x", None, "x"),
            ("/a/b:3", "/a/b", Some("3"), "a/b"),
            ("x:prod", "/x", Some("prod"), "x"),
            ("arn:aws:ssm:us-east-1:111122223333:parameter/a/b", "/a/b", None, "a/b"),
            ("arn:aws:ssm:us-east-1:111122223333:parameter/x:2", "/x", Some("2"), "x"),
            (" /x ", "/x", None, "x"),
            (
                "/aws/reference/secretsmanager/a@b",
                "/aws/reference/secretsmanager/a@b",
                None,
                "aws/reference/secretsmanager/a@b",
            ),
        ];
        for (text, key, selector, resource) in cases {
            let name = parse(text).unwrap();
            assert_eq!((name.key.2.as_str(), name.selector.as_deref()), (key, selector), "{text}");
            assert_eq!(name.arn.as_str(), format!("{arn}{resource}"), "{text}");
        }
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        for text in [
            "",
            "a b",
            "a/b",
            "//a",
            "/a//b",
            "a@b",
            "arn:aws:iam::111122223333:role/r",
            "arn:aws:ssm:us-east-1::parameter/x",
        ] {
            assert_eq!(parse(text).unwrap_err().message, FORM, "{text}");
        }
    }

    #[test]
    fn new_names() {
        let deep = "/l".repeat(16);
        let long = format!("/{}", "x".repeat(1000));
        let cases = [
            (
                "ssm_test",
                "ValidationException",
                "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
            ),
            (
                "/AWSx",
                "ValidationException",
                "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
            ),
            ("/ssm/test", "ValidationException", FORM),
            ("/aws/x", "AccessDeniedException", "No access to reserved parameter name: /aws/x."),
            ("a/b", "ValidationException", "Parameter name must be a fully qualified name."),
            ("/a/", "ValidationException", "Parameter name must not end with slash."),
            ("x:1", "ValidationException", FORM),
            ("a b", "ValidationException", FORM),
        ];
        for (text, code, message) in cases {
            let error = check_new(text, &account(), &region()).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (code, message), "{text}");
        }
        assert_eq!(
            check_new(&deep, &account(), &region()).unwrap_err().code,
            "HierarchyLevelLimitExceededException"
        );
        assert_eq!(check_new(&long, &account(), &region()).unwrap_err().code, "ValidationException");
        assert!(check_new(&"/l".repeat(15), &account(), &region()).is_ok());
    }
}
