//! Tags between API and rows.

use landfall_api::lightsail::{Tag, error};
use landfall_shape::ServiceError;

/// Most tags of a resource.
const MOST: usize = 50;

/// Sets `new` over `old`.
///
/// # Errors
/// `InvalidInputException` for keys that are absent or reserved, and for more than 50 tags.
pub(super) fn merge(old: &[(String, String)], new: Vec<Tag>) -> Result<Vec<(String, String)>, ServiceError> {
    let mut out = old.to_vec();
    for Tag { key, value } in new {
        let key = key.filter(|key| (1..=128).contains(&key.chars().count()));
        let key = key.ok_or_else(|| refuse("A tag's key must have 1 to 128 characters."))?;
        let value = value.unwrap_or_default();
        if value.chars().count() > 256 {
            return Err(refuse("A tag's value can have at most 256 characters."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(refuse("A tag's key cannot begin with `aws:`."));
        }
        match out.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => out.push((key, value)),
        }
    }
    if out.len() > MOST { Err(refuse("A resource can have at most 50 tags.")) } else { Ok(out) }
}

/// Tags of a row as the API has them.
pub(super) fn to_api(tags: &[(String, String)]) -> Vec<Tag> {
    let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    tags.iter().map(tag).collect()
}

/// Tags as permissions take them.
pub(super) fn pairs(tags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn refuse(message: &str) -> ServiceError {
    error::invalid_input_exception(message)
}
