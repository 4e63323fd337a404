//! Resource tags.

use landfall_api::ecr::{Tag, error};
use landfall_shape::ServiceError;

const MOST: usize = 50;

/// The tags of a request as pairs.
///
/// # Errors
/// `InvalidTagParameterException` for keys that are empty, doubled or reserved, and for values that are too long.
pub fn pairs(tags: &[Tag]) -> Result<Vec<(String, String)>, ServiceError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for Tag { key, value } in tags {
        check(key, value)?;
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(invalid(&format!("Duplicate tag key '{key}' found in the request.")));
        }
        pairs.push((key.clone(), value.clone()));
    }
    Ok(pairs)
}

fn check(key: &str, value: &str) -> Result<(), ServiceError> {
    if key.is_empty() || key.chars().count() > 128 {
        return Err(invalid("A tag key must have between 1 and 128 characters."));
    }
    if value.chars().count() > 256 {
        return Err(invalid("A tag value must not have more than 256 characters."));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(invalid("Tag keys beginning with 'aws:' are reserved for system use."));
    }
    Ok(())
}

fn invalid(what: &str) -> ServiceError {
    error::invalid_tag_parameter_exception(what)
}

/// Sets tags, in place of those with the same keys.
///
/// # Errors
/// `TooManyTagsException` when there would be more than 50.
pub fn set(tags: &mut Vec<(String, String)>, new: Vec<(String, String)>) -> Result<(), ServiceError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(other, _)| *other == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST {
        return Err(error::too_many_tags_exception("A repository can't have more than 50 tags."));
    }
    Ok(())
}
