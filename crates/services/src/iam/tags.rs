//! Tags of IAM: keys differ by more than case, the case of the newest is kept (IAM User Guide, "Tags for IAM
//! resources").

use landfall_api::iam as api;
use landfall_api::iam::error::{invalid_input_exception, limit_exceeded_exception};
use landfall_shape::ServiceError;

use super::page::{Page, Paging};
use super::record::Tags;
use crate::pipe::{Failure, Permission};

/// The most tags that one resource may have.
const QUOTA: usize = 50;

/// Tags of a request, as they are kept.
pub(super) fn pairs(tags: Option<Vec<api::Tag>>) -> Tags {
    tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect()
}

/// Tags as answers hold them, if there are any.
pub(super) fn shown(tags: &[(String, String)]) -> Option<Vec<api::Tag>> {
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

fn tag((key, value): &(String, String)) -> api::Tag {
    api::Tag { key: key.clone(), value: value.clone() }
}

/// Adds the tags of a request to a check.
pub(super) fn with_request_tags(permission: Permission, tags: &[(String, String)]) -> Permission {
    permission.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// A page of tags, in the order of their keys.
pub(super) fn page(tags: &[(String, String)], paging: &Paging) -> Result<Page<api::Tag>, Failure> {
    paging.sort_and_take(tags.iter().map(|pair| (pair.0.to_lowercase(), tag(pair))).collect())
}

/// Checks the tags of a request by themselves.
pub(super) fn check(tags: &[(String, String)]) -> Result<(), ServiceError> {
    if tags.iter().any(|(key, _)| key.to_lowercase().starts_with("aws:")) {
        let text = "Tag keys that begin with aws: are reserved for system use.";
        return Err(invalid_input_exception(text));
    }
    let repeated = |(index, (key, _)): (usize, &(String, String))| position(&tags[..index], key).is_some();
    if tags.iter().enumerate().any(repeated) {
        let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(invalid_input_exception(text));
    }
    within_quota(tags)
}

/// Sets tags on a resource that has some.
pub(super) fn merge(old: &[(String, String)], new: &[(String, String)]) -> Result<Tags, ServiceError> {
    check(new)?;
    let mut merged = old.to_vec();
    for (key, value) in new {
        match position(&merged, key) {
            Some(index) => merged[index] = (key.clone(), value.clone()),
            None => merged.push((key.clone(), value.clone())),
        }
    }
    within_quota(&merged)?;
    Ok(merged)
}

/// Removes tags; keys that are not there are no error.
pub(super) fn remove(tags: &mut Tags, keys: &[String]) {
    tags.retain(|(key, _)| !keys.iter().any(|unwanted| same(unwanted, key)));
}

fn within_quota(tags: &[(String, String)]) -> Result<(), ServiceError> {
    if tags.len() <= QUOTA {
        return Ok(());
    }
    Err(limit_exceeded_exception("The number of tags has reached the maximum limit."))
}

fn position(tags: &[(String, String)], wanted: &str) -> Option<usize> {
    tags.iter().position(|(key, _)| same(key, wanted))
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_are_replaced_without_regard_to_case() {
        let merged =
            merge(&tags(&[("Team", "a"), ("env", "x")]), &tags(&[("team", "b"), ("new", "")])).unwrap();
        assert_eq!(merged, tags(&[("team", "b"), ("env", "x"), ("new", "")]));
    }

    #[test]
    fn what_is_refused() {
        let many: Tags = (0..50).map(|index| (format!("k{index}"), String::new())).collect();
        assert!(merge(&many, &tags(&[("K7", "1")])).is_ok());
        assert_eq!(merge(&many, &tags(&[("k50", "1")])).unwrap_err().code, "LimitExceeded");
        assert_eq!(check(&tags(&[("a", "1"), ("A", "2")])).unwrap_err().code, "InvalidInput");
        assert_eq!(check(&tags(&[("AWS:x", "1")])).unwrap_err().code, "InvalidInput");
    }

    #[test]
    fn removal_ignores_case_and_absence() {
        let mut some = tags(&[("Team", "a"), ("env", "x")]);
        remove(&mut some, &["TEAM".into(), "nothing".into()]);
        assert_eq!(some, tags(&[("env", "x")]));
    }
}
