//! Tags of log groups.

use landfall_api::logs::error;
use landfall_shape::ServiceError;

/// Tags a log group can have.
const LIMIT: usize = 50;

type Tags = Vec<(String, String)>;

/// Refuses keys that are AWS's own.
pub(in crate::logs) fn check(tags: &[(String, String)]) -> Result<(), ServiceError> {
    let reserved = tags.iter().find(|(key, _)| key.to_ascii_lowercase().starts_with("aws:"));
    match reserved {
        Some((key, _)) => Err(error::invalid_parameter_exception(format!(
            "the tag key `{key}` begins with `aws:`, which is reserved: choose another key"
        ))),
        None => Ok(()),
    }
}

/// The tags with others set.
pub(in crate::logs) fn set(mut tags: Tags, new: Tags) -> Result<Tags, ServiceError> {
    check(&new)?;
    for (key, value) in new {
        match tags.iter_mut().find(|(name, _)| *name == key) {
            Some(tag) => tag.1 = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > LIMIT {
        let text = format!("The resource would have {} tags; the maximum is {LIMIT}.", tags.len());
        return Err(error::too_many_tags_exception(text));
    }
    Ok(tags)
}

/// The tags without some. Keys that are not there are no error.
pub(in crate::logs) fn unset(tags: &[(String, String)], keys: &[String]) -> Tags {
    tags.iter().filter(|(key, _)| !keys.contains(key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn setting_replaces_and_adds() {
        let tags = set(vec![tag("a", "1")], vec![tag("a", "2"), tag("b", "3")]).unwrap();
        assert_eq!(tags, [tag("a", "2"), tag("b", "3")]);
        assert_eq!(unset(&tags, &["a".to_owned(), "z".to_owned()]), [tag("b", "3")]);
    }

    #[test]
    fn fifty_tags_are_the_most() {
        let many: Tags = (0..50).map(|number| tag(&number.to_string(), "")).collect();
        assert_eq!(set(many.clone(), vec![tag("0", "again")]).unwrap().len(), 50);
        assert_eq!(set(many, vec![tag("more", "")]).unwrap_err().code, "TooManyTagsException");
    }

    #[test]
    fn reserved_keys_are_refused() {
        assert_eq!(check(&[tag("AWS:x", "")]).unwrap_err().code, "InvalidParameterException");
    }
}
