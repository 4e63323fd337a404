//! Tags between API and rows.

use landfall_api::ecs::{Tag, error};
use landfall_shape::ServiceError;

use super::record::Tags;

const MOST: usize = 50;

/// Tags of a request as rows keep them.
///
/// # Errors
/// `InvalidParameterException` for keys that are absent, given twice or reserved by AWS.
pub(super) fn from_request(tags: Option<Vec<Tag>>) -> Result<Tags, ServiceError> {
    let mut out = Tags::new();
    for Tag { key, value } in tags.unwrap_or_default() {
        let key = key.filter(|key| !key.is_empty()).ok_or_else(|| refuse("Tag keys must not be empty."))?;
        if out.iter().any(|(other, _)| *other == key) {
            return Err(refuse("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(refuse("Some tags contain invalid key. Tag keys can't begin with 'aws:'."));
        }
        out.push((key, value.unwrap_or_default()));
    }
    within_limit(out)
}

/// Sets `new` over `old`.
///
/// # Errors
/// `InvalidParameterException` if there would be more than 50.
pub(super) fn merge(old: &Tags, new: Tags) -> Result<Tags, ServiceError> {
    let mut out = old.clone();
    for (key, value) in new {
        match out.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => out.push((key, value)),
        }
    }
    within_limit(out)
}

fn within_limit(tags: Tags) -> Result<Tags, ServiceError> {
    if tags.len() > MOST {
        return Err(refuse("Number of tags exceeds the limit of 50."));
    }
    Ok(tags)
}

/// Tags of a row as the API has them.
pub(super) fn to_api(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    tags.iter().map(tag).collect()
}

/// Tags as permissions take them.
pub(super) fn pairs(tags: &Tags) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn refuse(message: &str) -> ServiceError {
    error::invalid_parameter_exception(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) }
    }

    #[test]
    fn wrong_tags_are_refused() {
        assert!(from_request(Some(vec![tag("a", "1"), tag("a", "2")])).is_err());
        assert!(from_request(Some(vec![tag("aws:x", "1")])).is_err());
        assert!(from_request(Some(vec![Tag::default()])).is_err());
    }

    #[test]
    fn later_tags_win() {
        let old = from_request(Some(vec![tag("a", "1"), tag("b", "2")])).unwrap();
        let new = from_request(Some(vec![tag("b", "3"), tag("c", "4")])).unwrap();
        let merged = merge(&old, new).unwrap();
        assert_eq!(pairs(&merged).collect::<Vec<_>>(), [("a", "1"), ("b", "3"), ("c", "4")]);
    }

    #[test]
    fn fifty_is_the_limit() {
        let many: Tags = (0..50).map(|n| (n.to_string(), String::new())).collect();
        assert!(merge(&many, vec![("0".into(), "x".into())]).is_ok());
        assert!(merge(&many, vec![("x".into(), "x".into())]).is_err());
    }
}
