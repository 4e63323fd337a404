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
        Field::Description => has_words(value, secret.description.as_deref()),
        Field::TagKey => secret.tags().any(|(key, _)| key.starts_with(value)),
        Field::TagValue => secret.tags().any(|(_, text)| text.starts_with(value)),
        Field::PrimaryRegion => secret.primary_region().is_some_and(|region| region.starts_with(value)),
        Field::All => has_words(value, attributes(secret)),
        // No secret here belongs to a service.
        Field::OwningService | Field::Unknown(_) => false,
    }
}

/// What a filter of the kind `all` looks at.
fn attributes(secret: &Secret) -> impl Iterator<Item = &str> {
    let own = [Some(secret.name.as_str()), secret.description.as_deref()];
    own.into_iter().flatten().chain(secret.tags().flat_map(|(key, value)| [key, value]))
}

/// Each word of the value begins a word of the texts, whatever its case; a value without words is nowhere. (The API
/// reference says that descriptions are compared as a whole; AWS compares words there, too.)
fn has_words<'a>(value: &str, texts: impl IntoIterator<Item = &'a str>) -> bool {
    let wanted = words(value);
    let found: Vec<String> = texts.into_iter().flat_map(words).collect();
    let begins = |word: &String| found.iter().any(|found| found.starts_with(word.as_str()));
    !wanted.is_empty() && wanted.iter().all(begins)
}

/// The words of a text in lower case: what stands between other characters than letters and digits, and again what begins
/// with a capital. Of several capitals the last belongs to what follows: `COMPANYthings` is `compan` and `ythings`.
fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric()).flat_map(capitalized).collect()
}

fn capitalized(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && (before.is_some_and(|it| !it.is_uppercase()) || after.is_some_and(|it| it.is_lowercase()));
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.extend(letter.to_lowercase()),
            None => words.push(letter.to_lowercase().collect()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_words() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("+", &[]),
            ("my test", &["my", "test"]),
            ("my/test_a@b", &["my", "test", "a", "b"]),
            ("MyTestPhrase", &["my", "test", "phrase"]),
            ("myTest", &["my", "test"]),
            ("COMPANY", &["company"]),
            ("COMPANYthings", &["compan", "ythings"]),
            ("FTag7f3", &["f", "tag7f3"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
