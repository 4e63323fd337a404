//! The filters of `DescribeParameters` and `GetParametersByPath` (API reference, `ParameterStringFilter`).

use landfall_api::ssm::{ParameterStringFilter, ParametersFilter, ParametersFilterKey, error};
use landfall_shape::ServiceError;

use super::names::canonical;
use super::record::{Parameter, Version};
use super::rules::validation;

const DESCRIBE_KEYS: &str = "[Path, Name, Type, KeyId, Tier]";
const PATH_KEYS: &str = "[Type, KeyId]";
const TYPES: [&str; 3] = ["String", "StringList", "SecureString"];
const TIERS: [&str; 3] = ["Standard", "Advanced", "Intelligent-Tiering"];

/// Filters that a parameter must pass, all of them.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    field: Field,
    test: Test,
    values: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Name,
    Path,
    Type,
    KeyId,
    Tier,
    DataType,
    Label,
    Tag(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    BeginsWith,
    Contains,
    OneLevel,
    Recursive,
}

impl Filters {
    /// The filters of `DescribeParameters`, of the older kind or of the newer.
    ///
    /// # Errors
    /// `InvalidFilterKey`, `InvalidFilterOption`, `InvalidFilterValue`, `ValidationException`
    pub(super) fn of_describe(
        old: Option<Vec<ParametersFilter>>,
        new: Option<Vec<ParameterStringFilter>>,
    ) -> Result<Self, ServiceError> {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if !old.is_empty() && !new.is_empty() {
            return Err(validation("You can use either Filters or ParameterFilters in a single request."));
        }
        let mut filters = Self(old.into_iter().map(Filter::of_old).collect::<Result<_, _>>()?);
        for filter in new {
            if filter.key == "Label" {
                return Err(invalid_key("Label", DESCRIBE_KEYS));
            }
            filters.push(Filter::of(filter)?)?;
        }
        Ok(filters)
    }

    /// The filters of `GetParametersByPath`.
    ///
    /// # Errors
    /// As [`of_describe`](Self::of_describe).
    pub(super) fn of_path(given: Option<Vec<ParameterStringFilter>>) -> Result<Self, ServiceError> {
        let mut filters = Self::default();
        for filter in given.unwrap_or_default() {
            if !matches!(filter.key.as_str(), "Type" | "KeyId" | "Label") {
                return Err(invalid_key(&filter.key, PATH_KEYS));
            }
            filters.push(Filter::of(filter)?)?;
        }
        Ok(filters)
    }

    fn push(&mut self, filter: Filter) -> Result<(), ServiceError> {
        if self.0.iter().any(|other| other.field == filter.field) {
            return Err(error::invalid_filter_key(
                "The following filter is duplicated in the request: Name. A request can contain only one occurrence of a \
                 specific filter.",
            ));
        }
        self.0.push(filter);
        Ok(())
    }

    /// Whether a parameter passes.
    pub(super) fn pass(&self, name: &str, parameter: &Parameter, version: &Version) -> bool {
        self.0.iter().all(|filter| filter.passes(name, parameter, version))
    }

    /// Labels of which a version must have one.
    pub(super) fn labels(&self) -> Option<&[String]> {
        self.0.iter().find(|filter| filter.field == Field::Label).map(|filter| filter.values.as_slice())
    }

    /// The only names that can pass, if the filters say so.
    pub(super) fn exact_names(&self) -> Option<Vec<String>> {
        let named = |filter: &&Filter| filter.field == Field::Name && filter.test == Test::Equals;
        let mut names = self.0.iter().find(named)?.values.clone();
        names.sort();
        names.dedup();
        Some(names)
    }

    /// What every name that can pass begins with, and whether only one level below it can.
    pub(super) fn scope(&self) -> (String, bool) {
        for filter in &self.0 {
            let [value] = filter.values.as_slice() else { continue };
            match (&filter.field, filter.test) {
                (Field::Name, Test::BeginsWith) => return (value.clone(), false),
                (Field::Path, test) => return (below(value), test == Test::OneLevel),
                _ => {}
            }
        }
        ("/".to_owned(), false)
    }
}

/// What names below a path begin with.
pub(super) fn below(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

fn invalid_key(key: &str, valid: &str) -> ServiceError {
    error::invalid_filter_key(format!(
        "The following filter key is not valid: {key}. Valid filter keys include: {valid}."
    ))
}

fn invalid_option(option: &str, valid: &str) -> ServiceError {
    error::invalid_filter_option(format!(
        "The following filter option is not valid: {option}. Valid options include: {valid}."
    ))
}

impl Filter {
    fn of_old(filter: ParametersFilter) -> Result<Self, ServiceError> {
        let (field, test) = match filter.key {
            ParametersFilterKey::Name => (Field::Name, Test::BeginsWith),
            ParametersFilterKey::Type => (Field::Type, Test::Equals),
            ParametersFilterKey::KeyId => (Field::KeyId, Test::Equals),
            ParametersFilterKey::Unknown(key) => return Err(invalid_key(&key, "[Name, Type, KeyId]")),
        };
        let values = if field == Field::Name {
            filter.values.iter().map(|name| canonical(name)).collect()
        } else {
            filter.values
        };
        Ok(Self { field, test, values })
    }

    fn of(filter: ParameterStringFilter) -> Result<Self, ServiceError> {
        let ParameterStringFilter { key, option, values } = filter;
        let field = match key.as_str() {
            "Name" => Field::Name,
            "Path" => Field::Path,
            "Type" => Field::Type,
            "KeyId" => Field::KeyId,
            "Tier" => Field::Tier,
            "DataType" => Field::DataType,
            "Label" => Field::Label,
            other => match other.strip_prefix("tag:") {
                Some(tag) => Field::Tag(tag.to_owned()),
                None => return Err(invalid_key(other, DESCRIBE_KEYS)),
            },
        };
        let values = values.unwrap_or_default();
        if values.is_empty() && !matches!(field, Field::Tag(_)) {
            return Err(error::invalid_filter_value(
                "The following filter values are missing : null for filter key Name.",
            ));
        }
        let test = test(&field, option.as_deref())?;
        check_values(&field, &values)?;
        let values = match field {
            Field::Name if test != Test::Contains => values.iter().map(|name| canonical(name)).collect(),
            _ => values,
        };
        Ok(Self { field, test, values })
    }

    fn passes(&self, name: &str, parameter: &Parameter, version: &Version) -> bool {
        match &self.field {
            Field::Name => self.matches(name),
            Field::Path => self.values.iter().any(|path| self.is_below(path, name)),
            Field::Type => self.matches(version.kind.as_str()),
            Field::KeyId => version.key_id.as_deref().is_some_and(|key| self.matches(key)),
            Field::Tier => self.matches(version.tier.as_str()),
            Field::DataType => self.matches(&version.data_type),
            // Decides about versions, not about parameters.
            Field::Label => true,
            Field::Tag(tag) => parameter
                .tags()
                .any(|(key, value)| key == tag && (self.values.is_empty() || self.matches(value))),
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.values.iter().any(|value| match self.test {
            Test::BeginsWith => text.starts_with(value.as_str()),
            Test::Contains => text.contains(value.as_str()),
            _ => text == value,
        })
    }

    fn is_below(&self, path: &str, name: &str) -> bool {
        let rest = name.strip_prefix(below(path).as_str());
        rest.is_some_and(|rest| self.test == Test::Recursive || !rest.contains('/'))
    }
}

fn test(field: &Field, option: Option<&str>) -> Result<Test, ServiceError> {
    match (field, option) {
        (Field::Path, None | Some("OneLevel")) => Ok(Test::OneLevel),
        (Field::Path, Some("Recursive")) => Ok(Test::Recursive),
        (Field::Path, Some(option)) => Err(invalid_option(option, "[Recursive, OneLevel]")),
        (_, None | Some("Equals")) => Ok(Test::Equals),
        (Field::Name, Some("Contains")) => Ok(Test::Contains),
        (Field::Label, Some(option)) => Err(invalid_option(option, "[Equals]")),
        (_, Some("BeginsWith")) => Ok(Test::BeginsWith),
        (_, Some(option)) => Err(invalid_option(option, "[BeginsWith, Equals]")),
    }
}

fn check_values(field: &Field, values: &[String]) -> Result<(), ServiceError> {
    let known: &[&str] = match field {
        Field::Type => &TYPES,
        Field::Tier => &TIERS,
        Field::Path => return values.iter().try_for_each(|path| check_path(path)),
        _ => return Ok(()),
    };
    match values.iter().find(|value| !known.contains(&value.as_str())) {
        Some(value) => Err(error::invalid_filter_option(format!(
            "The following filter value is not valid: {value}. Valid values include: [{}].",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

/// Accepts a path that can have parameters below it.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_path(path: &str) -> Result<(), ServiceError> {
    let lower = path.to_ascii_lowercase();
    if lower.starts_with("/aws") || lower.starts_with("/ssm") {
        return Err(validation(
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using \
             global parameters, please specify within a global namespace.",
        ));
    }
    check_path_form(path)
}

/// Accepts what has the form of a path.
///
/// # Errors
/// `ValidationException`
pub(super) fn check_path_form(path: &str) -> Result<(), ServiceError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte);
    if path.starts_with('/') && !path.contains("//") && path.bytes().all(allowed) {
        return Ok(());
    }
    Err(validation(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \
         \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the \
         following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if \
         specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}
