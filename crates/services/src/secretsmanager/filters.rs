//! The filters of `ListSecrets` and `BatchGetSecretValue` (API reference, `Filter`).

use landfall_api::secretsmanager::{Filter, FilterNameStringType as Field, error};
use landfall_shape::ServiceError;

use super::record::Secret;

/// Filters that a secret must pass, all of them.
#[derive(Debug, Default)]
pub struct Filters(Vec<Compiled>);

/// One filter: at least one of `wanted` must match, if there are any, and none of `unwanted`.
#[derive(Debug)]
struct Compiled {
    field: Field,
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl Filters {
    /// Reads the filters of a request. A value that begins with `!` is one that must not match.
    ///
    /// # Errors
    /// `InvalidParameterException` for a filter without a known key or without values.
    pub fn of(filters: Option<Vec<Filter>>) -> Result<Self, ServiceError> {
        filters.into_iter().flatten().map(Compiled::of).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a secret passes.
    pub fn pass(&self, secret: &Secret) -> bool {
        self.0.iter().all(|filter| filter.passes(secret))
    }
}

impl Compiled {
    fn of(filter: Filter) -> Result<Self, ServiceError> {
        let known = filter.key.filter(|key| !matches!(key, Field::Unknown(_)));
        let field = known.ok_or_else(|| error::invalid_parameter_exception("Invalid filter key"))?;
        let values = filter.values.unwrap_or_default();
        if values.is_empty() {
            let message = format!("Invalid filter values for key: {field}");
            return Err(error::invalid_parameter_exception(message));
        }
        let (unwanted, wanted): (Vec<_>, Vec<_>) = values.into_iter().partition(|it| it.starts_with('!'));
        let unwanted = unwanted.iter().map(|value| value.trim_start_matches('!').to_owned()).collect();
        Ok(Self { field, wanted, unwanted })
    }

    fn passes(&self, secret: &Secret) -> bool {
        let has = |value: &String| matches(&self.field, value, secret);
        (self.wanted.is_empty() || self.wanted.iter().any(has)) && !self.unwanted.iter().any(has)
    }
}

fn matches(field: &Field, value: &str, secret: &Secret) -> bool {
    match field {
        Field::Name => secret.name.starts_with(value),
        Field::Description => {
            let description = secret.description.as_deref().unwrap_or_default();
            !description.is_empty() && description.to_lowercase().starts_with(&value.to_lowercase())
        }
        Field::TagKey => secret.tags().any(|(key, _)| key.starts_with(value)),
        Field::TagValue => secret.tags().any(|(_, text)| text.starts_with(value)),
        Field::PrimaryRegion => secret.primary_region().is_some_and(|region| region.starts_with(value)),
        Field::All => matches_all(value, secret),
        // No secret here belongs to a service.
        Field::OwningService | Field::Unknown(_) => false,
    }
}

/// Every word of the value is somewhere in the secret's attributes, whatever its case.
fn matches_all(value: &str, secret: &Secret) -> bool {
    let mut text = format!("{} {}", secret.name, secret.description.as_deref().unwrap_or_default());
    for (key, value) in secret.tags() {
        text.push_str(&format!(" {key} {value}"));
    }
    let text = text.to_lowercase();
    value.to_lowercase().split_whitespace().all(|word| text.contains(word))
}
