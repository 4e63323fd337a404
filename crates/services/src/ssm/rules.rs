//! Decisions of Parameter Store without I/O.

use landfall_api::ssm::{ParameterTier, ParameterType, Tag, error};
use landfall_shape::ServiceError;
use regex::Regex;

use super::record::{Counts, Kind, Parameter, Tier};

/// Versions that are kept.
pub const MOST_VERSIONS: u64 = 100;

const MOST_LABELS: usize = 10;
const MOST_TAGS: usize = 50;
const MOST_STANDARD: u64 = 10_000;
const MOST_ADVANCED: u64 = 100_000;
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
const ADVANCED_PAGE: &str =
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html";
/// Names of parameters with the data type `aws:ssm:integration` begin with this.
const INTEGRATION: &str = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/";

pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

/// The error for a parameter that does not exist: it has no message.
pub fn not_found() -> ServiceError {
    error::parameter_not_found("")
}

/// The error for a version or label that does not exist.
pub fn no_version(selector: &str, name: &str) -> ServiceError {
    error::parameter_version_not_found(format!(
        "Systems Manager could not find version {selector} of {name}. Verify the version and try again."
    ))
}

/// A kind from the API.
pub fn kind(kind: &ParameterType) -> Option<Kind> {
    match kind {
        ParameterType::String => Some(Kind::String),
        ParameterType::StringList => Some(Kind::StringList),
        ParameterType::SecureString => Some(Kind::SecureString),
        ParameterType::Unknown(_) => None,
    }
}

/// What decides about a tier.
#[derive(Debug)]
pub struct TierQuestion<'a> {
    /// The tier that the request names, or the account's default for new parameters.
    pub asked: Option<&'a ParameterTier>,
    /// The tier of the parameter that is overwritten.
    pub existing: Option<Tier>,
    /// Bytes of the value.
    pub size: usize,
    /// There are policies.
    pub policies: bool,
    /// What the account has.
    pub counts: Counts,
}

impl TierQuestion<'_> {
    /// The tier of the new version.
    ///
    /// # Errors
    /// `ValidationException` for a way back and for values that are too long, `ParameterLimitExceeded`.
    pub fn answer(&self) -> Result<Tier, ServiceError> {
        let tier = self.choose()?;
        self.check_size(tier)?;
        self.check_count(tier)?;
        Ok(tier)
    }

    fn choose(&self) -> Result<Tier, ServiceError> {
        match (self.asked, self.existing) {
            (Some(ParameterTier::Standard), Some(Tier::Advanced)) => Err(validation(format!(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter. For more information, see {ADVANCED_PAGE}"
            ))),
            (_, Some(Tier::Advanced)) | (Some(ParameterTier::Advanced), _) => Ok(Tier::Advanced),
            (Some(ParameterTier::IntelligentTiering), existing) => {
                let full = existing.is_none() && self.counts.standard >= MOST_STANDARD;
                let large = self.size > STANDARD_BYTES || self.policies || full;
                Ok(if large { Tier::Advanced } else { Tier::Standard })
            }
            _ => Ok(Tier::Standard),
        }
    }

    fn check_size(&self, tier: Tier) -> Result<(), ServiceError> {
        match tier {
            Tier::Standard if self.size > STANDARD_BYTES => Err(validation(format!(
                "Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To create a \
                 larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more \
                 information, see {ADVANCED_PAGE}"
            ))),
            Tier::Standard if self.policies => Err(validation(format!(
                "Standard tier parameters don't support parameter policies. To use policies, upgrade the parameter to \
                 use the advanced-parameter tier. For more information, see {ADVANCED_PAGE}"
            ))),
            Tier::Advanced if self.size > ADVANCED_BYTES => Err(validation(format!(
                "Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters."
            ))),
            _ => Ok(()),
        }
    }

    fn check_count(&self, tier: Tier) -> Result<(), ServiceError> {
        let full = match tier {
            Tier::Standard => self.existing.is_none() && self.counts.standard >= MOST_STANDARD,
            Tier::Advanced => self.existing != Some(Tier::Advanced) && self.counts.advanced >= MOST_ADVANCED,
        };
        if full {
            return Err(error::parameter_limit_exceeded(
                "You have exceeded the number of parameters for this AWS account. Delete one or more parameters and try \
                 again.",
            ));
        }
        Ok(())
    }
}

/// Accepts a value that is not empty.
///
/// # Errors
/// `ValidationException`
pub fn check_value(value: &str) -> Result<(), ServiceError> {
    if value.is_empty() {
        return Err(validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
             greater than or equal to 1.",
        ));
    }
    let nested = value.lines().any(|line| line.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")));
    if nested {
        return Err(validation(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    Ok(())
}

/// Accepts a value that the allowed pattern matches as a whole.
///
/// # Errors
/// `InvalidAllowedPatternException`, `ParameterPatternMismatchException`
pub fn check_pattern(pattern: Option<&str>, value: &str) -> Result<(), ServiceError> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else { return Ok(()) };
    let whole = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
        error::invalid_allowed_pattern_exception(
            "The request doesn't meet the regular expression requirement.",
        )
    })?;
    if whole.is_match(value) {
        return Ok(());
    }
    let message = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
    Err(error::parameter_pattern_mismatch_exception(message))
}

/// Accepts a data type with the kind, name and value that belong to it.
///
/// # Errors
/// `ValidationException`
pub fn check_data_type(data_type: &str, kind: Kind, name: &str, value: &str) -> Result<(), ServiceError> {
    match data_type {
        "text" => Ok(()),
        "aws:ec2:image" if kind != Kind::String => {
            Err(validation("The data type aws:ec2:image is supported for parameters of type String only."))
        }
        "aws:ec2:image" if !is_image(value) => Err(validation(
            "The parameter value isn't a valid Amazon Machine Image (AMI) ID: the data type aws:ec2:image needs the \
             format ami-12345abcdeEXAMPLE.",
        )),
        "aws:ec2:image" => Ok(()),
        "aws:ssm:integration" if kind == Kind::SecureString && name.starts_with(INTEGRATION) => Ok(()),
        "aws:ssm:integration" => Err(validation(format!(
            "The data type aws:ssm:integration is supported for parameters of type SecureString below {INTEGRATION} only."
        ))),
        other => Err(validation(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

fn is_image(value: &str) -> bool {
    let id = value.strip_prefix("ami-").unwrap_or_default();
    matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a text can be a label.
pub fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let reserved = lower.starts_with("aws") || lower.starts_with("ssm");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let digit = label.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    !reserved && !digit && label.len() <= 100 && label.bytes().all(allowed)
}

/// Puts labels on a version, from wherever they were.
///
/// # Errors
/// `ParameterVersionLabelLimitExceeded`
pub fn attach_labels(parameter: &mut Parameter, number: u64, labels: &[String]) -> Result<(), ServiceError> {
    for label in labels {
        parameter.labels.insert(label.clone(), number);
    }
    if parameter.labels(number).len() > MOST_LABELS {
        return Err(error::parameter_version_label_limit_exceeded(
            "An error occurred (ParameterVersionLabelLimitExceeded) when calling the LabelParameterVersion operation: A \
             parameter version can have maximum 10 labels.Move one or more labels to another version and try again.",
        ));
    }
    Ok(())
}

/// The oldest version may go to make room for a new one.
///
/// # Errors
/// `ParameterMaxVersionLimitExceeded` when it has a label.
pub fn check_oldest(parameter: &Parameter) -> Result<(), ServiceError> {
    if parameter.labels(parameter.oldest).is_empty() {
        return Ok(());
    }
    Err(error::parameter_max_version_limit_exceeded(format!(
        "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. Version {}, \
         the oldest version, can't be deleted because it has a label associated with it. Move the label to another \
         version of the parameter, and try again.",
        parameter.name, parameter.oldest
    )))
}

/// The tags of a request as pairs.
///
/// # Errors
/// `ValidationException` for keys that are doubled or reserved.
pub fn tags(tags: Vec<Tag>) -> Result<Vec<(String, String)>, ServiceError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for Tag { key, value } in tags {
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(validation(
                "Tag keys can't begin with aws:, because that prefix is reserved for AWS use.",
            ));
        }
        if pairs.iter().any(|(other, _)| *other == key) {
            return Err(validation(format!("The tag key {key} appears more than once.")));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// Sets tags, in place of those with the same keys.
///
/// # Errors
/// `TooManyTagsError`
pub fn set_tags(tags: &mut Vec<(String, String)>, new: Vec<(String, String)>) -> Result<(), ServiceError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| *other == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(error::too_many_tags_error("A parameter can't have more than 50 tags."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(asked: Option<&ParameterTier>, existing: Option<Tier>, size: usize) -> TierQuestion<'_> {
        TierQuestion { asked, existing, size, policies: false, counts: Counts::default() }
    }

    #[test]
    fn tiers() {
        use ParameterTier::{Advanced, IntelligentTiering, Standard};
        let full = Counts { standard: MOST_STANDARD, advanced: 0 };
        let cases = [
            (question(None, None, 10), Some(Tier::Standard)),
            (question(Some(&Advanced), None, 10), Some(Tier::Advanced)),
            (question(None, Some(Tier::Advanced), 10), Some(Tier::Advanced)),
            (question(Some(&IntelligentTiering), None, 4096), Some(Tier::Standard)),
            (question(Some(&IntelligentTiering), None, 4097), Some(Tier::Advanced)),
            (question(Some(&IntelligentTiering), Some(Tier::Advanced), 1), Some(Tier::Advanced)),
            (question(Some(&Standard), None, 4097), None),
            (question(Some(&Advanced), None, 8193), None),
            (question(Some(&Standard), Some(Tier::Advanced), 1), None),
            (TierQuestion { policies: true, ..question(None, None, 1) }, None),
            (
                TierQuestion { policies: true, ..question(Some(&IntelligentTiering), None, 1) },
                Some(Tier::Advanced),
            ),
            (TierQuestion { counts: full, ..question(None, None, 1) }, None),
            (TierQuestion { counts: full, ..question(None, Some(Tier::Standard), 1) }, Some(Tier::Standard)),
            (
                TierQuestion { counts: full, ..question(Some(&IntelligentTiering), None, 1) },
                Some(Tier::Advanced),
            ),
        ];
        for (question, wanted) in cases {
            assert_eq!(question.answer().ok(), wanted, "{question:?}");
        }
    }

    #[test]
    fn labels() {
        let long = "x".repeat(101);
        for (label, valid) in [
            ("prod", true),
            ("a.b-c_1", true),
            ("1a", false),
            ("awsx", false),
            ("SSMx", false),
            ("a b", false),
            ("a/b", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_label(label), valid, "{label}");
        }
    }

    #[test]
    fn patterns_match_the_whole_value() {
        let code = |pattern, value| check_pattern(Some(pattern), value).err().map(|error| error.code);
        assert_eq!(code("^\\d+$", "12"), None);
        assert_eq!(code("\\d+", "12a"), Some("ParameterPatternMismatchException"));
        assert_eq!(code("", "x"), None);
        assert_eq!(code("(", "x"), Some("InvalidAllowedPatternException"));
    }

    #[test]
    fn data_types() {
        let ok = |data_type, kind, value| check_data_type(data_type, kind, "/x", value).is_ok();
        assert!(ok("text", Kind::SecureString, "v"));
        assert!(ok("aws:ec2:image", Kind::String, "ami-12345678"));
        assert!(ok("aws:ec2:image", Kind::String, "ami-0123456789abcdef0"));
        assert!(!ok("aws:ec2:image", Kind::String, "ami-1"));
        assert!(!ok("aws:ec2:image", Kind::SecureString, "ami-12345678"));
        assert!(!ok("Text", Kind::String, "v"));
        assert!(!ok("aws:ssm:integration", Kind::SecureString, "v"));
    }
}
